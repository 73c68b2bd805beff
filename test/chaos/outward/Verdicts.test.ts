/**
 * The judge of what leaves for the world is worth what it finds: one story in which all is well, and for each rule a version
 * of it in which that rule is broken.
 */
import { assert, describe, it } from "@effect/vitest"
import { Judge, noFindings, type PromiseName } from "../Promises.ts"
import type { Evidence, Hook, Mail } from "./Evidence.ts"
import { automations } from "./Standing.ts"
import { differences } from "./StoredDocuments.ts"
import { judge } from "./Verdicts.ts"

const eleni = "c0000000-0000-4000-8000-000000000001"
const ids = automations.map((_, index) => `automation ${index}`)
const standing = { automations: ids, changing: "changing", segments: { rich: "rich", regular: "regular" } }
const counted = { balance: 5_000n, credits: 1, debits: 0, purchases: 1 }
const sent = { state: "COMPLETED", gateway: "MAIL" } as const

const message = { id: "m-1", contact: eleni, purpose: "MANDATORY", cause: "run-1", isOfPlan: false, ends: [sent] }
const offer = { id: "m-2", contact: eleni, purpose: "MARKETING", cause: "run-2", isOfPlan: false, ends: [sent] }
const mail = (id: string, at: number): Mail => ({
  at,
  messageId: `<${id}@localhost>`,
  to: "eleni@example.com",
  said: id
})
const hook = (sequence: number, more: Partial<Hook>): Hook => ({
  id: `hook ${sequence}`,
  text: `text ${sequence}`,
  isSigned: true,
  type: "purchase.paid",
  sequence,
  contact: eleni,
  position: undefined,
  run: undefined,
  ...more
})
const run = { contact: eleni, state: "COMPLETED", reason: null }
const joined = { id: "change", segment: "rich", position: 1, contact: eleni, joined: true }

/** She bought something and became rich, and was given something twice: one of these runs may not go on. */
const story: Evidence = {
  chronicle: {
    people: new Map([[eleni, { email: "eleni@example.com", hasOptedOut: false, counted }]]),
    messages: new Map([
      ["m-1", message],
      ["m-2", offer]
    ]),
    told: new Map([["place", eleni]]),
    calls: automations.map(
      ({ trigger }, index) =>
        new Set(index === 0 ? ["bought"] : trigger === "AWARD_GIVEN" ? ["given", "given again"] : [])
    ),
    activities: ["run-3", "run-4", "run-5"].map((cause) => ({ id: `call of ${cause}`, run: cause })),
    tags: new Map([[eleni, ["awarded"]]]),
    held: new Map([
      ["held-1", ["APPROVED"]],
      ["held-2", ["REJECTED"]]
    ]),
    updates: new Map([["changing", 1]]),
    strays: []
  },
  standing,
  members: [{ segment: "rich", contact: eleni }],
  changes: [joined],
  runs: [
    { ...run, id: "run-1", automation: "automation 0", event: "bought" },
    { ...run, id: "run-2", automation: "automation 3", event: "segment/change" },
    { ...run, id: "run-3", automation: "automation 4", event: "given" },
    { ...run, id: "run-4", automation: "automation 4", event: "given again" },
    { ...run, id: "run-5", automation: "automation 5", event: "given" },
    { ...run, id: "run-6", automation: "automation 5", event: "given again", state: "REJECTED" }
  ],
  overtakings: 0,
  planRuns: [],
  numbers: new Map([[eleni, 7]]),
  undone: [],
  mails: [mail("m-1", 10_000), mail("m-2", 10_000), mail("m-1", 20_000)],
  hooks: [
    hook(1, { position: "place" }),
    hook(2, { type: "segment.joined" }),
    hook(3, { run: "run-1" }),
    hook(2, { type: "segment.joined" }),
    hook(4, { run: "run-2" }),
    ...["run-3", "run-4", "run-5"].map((run, index) => hook(5 + index, { run }))
  ],
  kills: [{ victim: "mail", at: 10_500 }],
  decisions: new Map([
    ["run-5", "APPROVED"],
    ["run-6", "REJECTED"],
    ["held-1", "APPROVED"],
    ["held-2", "REJECTED"]
  ]),
  changesAsked: 2
}

const broken = (evidence: Evidence): ReadonlyArray<PromiseName> => {
  const findings = noFindings()
  judge(evidence, new Judge(findings, 1))
  return [...new Set(findings.found.map(({ promise }) => promise))]
}
const withMessages = (...messages: ReadonlyArray<typeof message>): Evidence["chronicle"] => ({
  ...story.chronicle,
  messages: new Map(messages.map((each) => [each.id, each]))
})
const [first, second, third, , last, ...others] = story.hooks as [Hook, Hook, Hook, Hook, Hook, ...Array<Hook>]
const calls = story.chronicle.activities
const withChronicle = (chronicle: Partial<Evidence["chronicle"]>): Evidence => ({
  ...story,
  chronicle: { ...story.chronicle, ...chronicle }
})
const later = new Map([...story.chronicle.told, ["later", eleni]])

const cases: ReadonlyArray<readonly [what: string, rule: PromiseName, evidence: Evidence]> = [
  ["a member is missing", "SEG-3", { ...story, members: [] }],
  [
    "somebody is in who should not be",
    "SEG-3",
    { ...story, members: [...story.members, { segment: "rich", contact: "x" }] }
  ],
  ["somebody joins twice", "SEG-4", { ...story, changes: [joined, { ...joined, position: 2 }] }],
  ["a change is missing", "SEG-4", { ...story, changes: [{ ...joined, position: 2 }] }],
  ["a run is missing", "AUT-6", { ...story, runs: story.runs.slice(1) }],
  ["an event sets off two runs", "AUT-6", { ...story, runs: [...story.runs, { ...story.runs[0]!, id: "run-3" }] }],
  ["a run ends badly", "AUT-1", { ...story, runs: story.runs.map((each) => ({ ...each, state: "FAILED" })) }],
  ["a run overtakes another", "AUT-1", { ...story, overtakings: 1 }],
  ["a run writes twice", "AUT-12", { ...story, chronicle: withMessages(message, offer, { ...message, id: "m-3" }) }],
  ["a run writes to nobody", "AUT-12", { ...story, chronicle: withMessages(message) }],
  ["a message does not end", "CON-6", { ...story, chronicle: withMessages({ ...message, ends: [] }, offer) }],
  ["a message ends twice", "CON-6", { ...story, chronicle: withMessages({ ...message, ends: [sent, sent] }, offer) }],
  ["a mail is lost", "CON-6", { ...story, mails: story.mails.slice(1, 2) }],
  ["a mail nobody asked for", "CON-6", { ...story, mails: [...story.mails, mail("m-9", 1)] }],
  ["a mail is sent again without a kill", "CON-6", { ...story, kills: [] }],
  [
    "a mail that is sent again says something else",
    "CON-6",
    { ...story, mails: [...story.mails, { ...mail("m-1", 30_000), said: "other" }] }
  ],
  [
    "a mail goes to somebody else",
    "CON-6",
    { ...story, mails: story.mails.map((each) => ({ ...each, to: "nikos@example.com" })) }
  ],
  ["a webhook is lost", "AUT-11", { ...story, hooks: [first, second, third, ...others] }],
  ["a webhook overtakes another", "AUT-11", { ...story, hooks: [first, third, second, last, ...others] }],
  [
    "a webhook is not signed",
    "AUT-11",
    { ...story, hooks: [{ ...first, isSigned: false }, second, third, last, ...others] }
  ],
  [
    "an event is told under two ids",
    "AUT-11",
    { ...story, hooks: [...story.hooks, hook(8, { position: "place" })], numbers: new Map([[eleni, 8]]) }
  ],
  [
    "an event is told after a later one",
    "AUT-11",
    {
      ...withChronicle({ told: later }),
      hooks: [{ ...first, position: "later" }, second, third, last, ...others, hook(8, { position: "place" })],
      numbers: new Map([[eleni, 8]])
    }
  ],
  [
    "a mail overtakes another of its lane",
    "CON-6",
    {
      ...story,
      chronicle: withMessages(message, { ...offer, purpose: "MANDATORY" }),
      mails: [mail("m-2", 10_000), mail("m-1", 10_000)]
    }
  ],
  ["an activity is lost", "AUT-1", withChronicle({ activities: calls.slice(1) })],
  ["an activity is scheduled twice", "AUT-1", withChronicle({ activities: [...calls, ...calls.slice(0, 1)] })],
  ["a tag is lost", "AUT-1", withChronicle({ tags: new Map() })],
  ["a run that was rejected goes on", "AUT-1", withChronicle({ activities: [...calls, { id: "a-4", run: "run-6" }] })],
  ["a run waits for ever", "AUT-1", { ...story, decisions: new Map([...story.decisions].slice(1)) }],
  ["a held change is lost", "AUT-5", { ...story, changesAsked: 3 }],
  ["an approved change is not done", "AUT-5", withChronicle({ updates: new Map() })],
  ["a rejected change is done", "AUT-5", withChronicle({ updates: new Map([["changing", 2]]) })],
  [
    "a change is decided twice",
    "AUT-5",
    withChronicle({ held: new Map([...story.chronicle.held, ["held-1", ["APPROVED", "APPROVED"]]]) })
  ],
  ["a task stays behind", "P8", { ...story, undone: ["1 task of webhook is DEAD"] }]
]

describe("the judge of what leaves for the world", () => {
  it("finds nothing where all is well, though a mail was taken twice around a kill", () => {
    const findings = noFindings()
    const tally = judge(story, new Judge(findings, 1))
    assert.deepStrictEqual(findings.found, [])
    assert.deepInclude(tally, { mails: 3, mailsTakenTwice: 1, webhooks: 7, webhookRepetitions: 1, joins: 1 })
  })

  for (const [what, rule, evidence] of cases) {
    it(`${rule}: sees that ${what}`, () => assert.include(broken(evidence), rule))
  }
})

describe("what a segment store holds beside one that was filled anew", () => {
  it("P9: differs by each document that is gone, has come or says something else", () => {
    const events = new Map([["e-1", "text"]])
    const before = { profiles: new Map(["gone", "same", "changed"].map((id) => [id, id])), events }
    const after = {
      profiles: new Map([...["come", "same"].map((id) => [id, id] as const), ["changed", "other"]]),
      events
    }
    assert.deepStrictEqual(differences(before, after), [
      { collection: "profiles", live: 3, different: 3 },
      { collection: "events", live: 1, different: 0 }
    ])
  })
})
