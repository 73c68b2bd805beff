/**
 * What is promised of all that leaves, judged on what there is to be seen when everything is at rest. Pure. A mail may have
 * been taken twice where somebody was killed between the mail server's word and our taking note of it: SMTP has no better.
 * It is counted, it has to be the same mail, and nothing but a kill excuses it.
 */
import type { Judge } from "../Promises.ts"
import type { Message } from "./Chronicle.ts"
import type { Change, Evidence, Hook, Mail, Run } from "./Evidence.ts"
import { automations, awardedTag, type SegmentName, segments } from "./Standing.ts"

/**
 * Who took note of a mail may have been killed this long before the mail server's clock says that it was taken: what was
 * said to it is read when it gets to it, on a machine that does much else.
 */
const slackMs = 10_000

export interface Tally {
  readonly messages: number
  readonly completed: number
  readonly rejected: Readonly<Record<string, number>>
  readonly mails: number
  /** Messages of which the mail server has taken more than one. */
  readonly mailsTakenTwice: number
  readonly webhooks: number
  readonly webhookRepetitions: number
  readonly runs: number
  readonly joins: number
  readonly leaves: number
  readonly planRuns: number
  readonly activities: number
  /** Of runs and changes that waited for somebody. */
  readonly decided: Readonly<Record<string, number>>
}

const tallied = (words: Iterable<string>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** What is in one set and not in the other, in words. */
const difference = (what: string, wanted: ReadonlySet<string>, found: ReadonlySet<string>): string | undefined => {
  const missing = [...wanted].filter((one) => !found.has(one))
  const extra = [...found].filter((one) => !wanted.has(one))
  if (missing.length + extra.length === 0) return undefined
  const some = [...missing.slice(0, 3).map((one) => `no ${one}`), ...extra.slice(0, 3).map((one) => `unwanted ${one}`)]
  return `${what}: ${missing.length} missing, ${extra.length} too many of ${wanted.size} (${some.join(", ")})`
}

/** SEG-3, SEG-4. */
const judgeSegments = ({ chronicle, standing, members, changes }: Evidence, judge: Judge): void => {
  for (const name of Object.keys(segments) as ReadonlyArray<SegmentName>) {
    const segment = standing.segments[name]
    const described = [...chronicle.people].filter(([, { counted }]) => segments[name].describes(counted))
    const found = new Set(members.flatMap((member) => (member.segment === segment ? [member.contact] : [])))
    const wanted = new Set(described.map(([contact]) => contact))
    judge.expect("SEG-3", difference(`members of ${name}`, wanted, found), chronicle.people.size)
    const own = changes.filter((change) => change.segment === segment)
    const isGap = own.findIndex(({ position }, index) => position !== index + 1)
    judge.expect("SEG-4", isGap < 0 ? undefined : `changes of ${name} go wrong at ${isGap + 1}`)
    judgeChanges(name, own, found, judge)
  }
}

const judgeChanges = (
  name: string,
  changes: ReadonlyArray<Change>,
  members: ReadonlySet<string>,
  judge: Judge
): void => {
  const inside = new Set<string>()
  for (const { contact, joined, position } of changes) {
    const isOdd = inside.has(contact) === joined
    judge.expect("SEG-4", isOdd ? `change ${position} of ${name}: ${contact} was that before` : undefined)
    if (joined) inside.add(contact)
    else inside.delete(contact)
  }
  judge.expect("SEG-4", difference(`joins less leaves of ${name}`, members, inside))
}

/** AUT-6, AUT-1: whom events and changes call for, once and to the end. */
const judgeRuns = ({ chronicle, standing, changes, runs, overtakings, decisions }: Evidence, judge: Judge): void => {
  const byAutomation = Map.groupBy(runs, ({ automation }) => automation)
  for (const [index, { name, trigger, segment }] of automations.entries()) {
    const joined = trigger === "SEGMENT_JOINED"
    const called =
      segment === undefined
        ? chronicle.calls[index]
        : new Set(
            changes
              .filter((change) => change.segment === standing.segments[segment] && change.joined === joined)
              .map(({ id }) => `segment/${id}`)
          )
    const own: ReadonlyArray<Run> = byAutomation.get(standing.automations[index] ?? "") ?? []
    const events = new Set(own.map(({ event }) => event))
    judge.expect("AUT-6", difference(`runs of ${name}`, called ?? new Set(), events), own.length)
    const twice = own.length - events.size
    if (twice > 0) judge.found("AUT-6", `${twice} events have set ${name} off twice`)
  }
  for (const { id, state, reason } of runs) {
    const wanted = decisions.get(id) === "REJECTED" ? "REJECTED" : "COMPLETED"
    judge.expect("AUT-1", state === wanted ? undefined : `run ${id} is ${state} (${reason}) and should be ${wanted}`)
  }
  if (overtakings > 0) judge.found("AUT-1", `${overtakings} runs ended before one that stood before them`)
}

type Action = (typeof automations)[number]["actions"][number]

/** Runs that do such a thing: those that wait for somebody first only when they were let go on. */
const runsWith = ({ standing, runs, decisions }: Evidence, ...wanted: ReadonlyArray<Action>): ReadonlySet<string> => {
  const doing = new Map<string, boolean>()
  for (const [index, { actions }] of automations.entries()) {
    const first = actions.findIndex((action) => wanted.includes(action))
    const approval = actions.indexOf("APPROVAL")
    if (first >= 0) doing.set(standing.automations[index] ?? "", approval >= 0 && approval < first)
  }
  const isDone = ({ id, automation }: Run): boolean => {
    const isAsked = doing.get(automation)
    return isAsked !== undefined && (!isAsked || decisions.get(id) === "APPROVED")
  }
  return new Set(runs.filter(isDone).map(({ id }) => id))
}

/** AUT-1: what runs do beside telling the world, each once, and nothing that nobody has approved. */
const judgeActions = (evidence: Evidence, judge: Judge): void => {
  const { chronicle, standing, runs, decisions } = evidence
  const causes = new Set(chronicle.activities.map(({ run }) => run))
  judge.expect("AUT-1", difference("activities of runs", runsWith(evidence, "ACTIVITY"), causes), causes.size)
  const twice = chronicle.activities.length - causes.size
  if (twice > 0) judge.found("AUT-1", `${twice} activities were scheduled a second time`)
  const tagging = runsWith(evidence, "TAG")
  const wanted = new Set(runs.filter(({ id }) => tagging.has(id)).map(({ contact }) => contact))
  const found = [...chronicle.tags].flatMap(([contact, tags]) => (tags.includes(awardedTag) ? [contact] : []))
  judge.expect("AUT-1", difference("contacts with the tag", wanted, new Set(found)), wanted.size)
  const asking = new Set(
    automations.flatMap(({ actions }, index) =>
      actions.includes("APPROVAL") ? [standing.automations[index] ?? ""] : []
    )
  )
  const waited = new Set(runs.filter(({ automation }) => asking.has(automation)).map(({ id }) => id))
  const decided = new Set([...decisions.keys()].filter((id) => !chronicle.held.has(id)))
  judge.expect("AUT-1", difference("runs that were decided on", waited, decided), waited.size)
}

/** AUT-5. */
const judgeHeld = (
  { chronicle: { held, updates }, changesAsked, decisions, standing }: Evidence,
  judge: Judge
): void => {
  judge.expect("AUT-5", held.size === changesAsked ? undefined : `${held.size} of ${changesAsked} changes were held`)
  for (const [id, ends] of held) {
    const verdict = decisions.get(id) ?? "UNDECIDED"
    judge.expect("AUT-5", ends.join() === verdict ? undefined : `change ${id} was ${verdict} and ended ${ends.join()}`)
  }
  const approved = [...held.values()].filter((ends) => ends.includes("APPROVED")).length
  const done = updates.get(standing.changing) ?? 0
  judge.expect("AUT-5", done === approved ? undefined : `${approved} changes were approved, and ${done} are done`)
}

/** AUT-12: what wrote to whom, how often. */
const judgeCauses = (evidence: Evidence, judge: Judge): void => {
  const { chronicle, planRuns } = evidence
  const messages = [...chronicle.messages.values()]
  const wanted = runsWith(evidence, "RECEIPT", "OFFER")
  const ofRuns = messages.filter(({ isOfPlan }) => !isOfPlan)
  const causes = new Set(ofRuns.map(({ cause }) => cause))
  judge.expect("AUT-12", difference("messages of runs", wanted, causes), ofRuns.length)
  if (ofRuns.length > causes.size) judge.found("AUT-12", `${ofRuns.length - causes.size} runs wrote twice`)
  const byPlan = messages.filter(({ isOfPlan }) => isOfPlan)
  const places = new Set(byPlan.map(({ cause, contact }) => `${cause}/${contact}`))
  const doubled = byPlan.length - places.size
  judge.expect(
    "AUT-12",
    doubled === 0 ? undefined : `${doubled} times a plan's run wrote to somebody twice`,
    places.size
  )
  for (const { id, state, recipients, requested, refused } of planRuns) {
    const isWhole = state === "DONE" && requested + refused === recipients
    const told = `plan run ${id} is ${state}: ${requested} asked for and ${refused} refused of ${recipients}`
    judge.expect("AUT-12", isWhole ? undefined : told)
  }
  const asked = planRuns.reduce((sum, { requested }) => sum + requested, 0)
  if (asked !== byPlan.length) judge.found("AUT-12", `plans asked for ${asked} messages and there are ${byPlan.length}`)
}

/** CON-6: how each ends, and why. */
const judgeEnds = ({ chronicle: { messages, people, strays } }: Evidence, judge: Judge): void => {
  for (const stray of strays) judge.found("CON-6", stray)
  for (const { id, contact, purpose, ends } of messages.values()) {
    const person = people.get(contact)
    const isStopped = purpose === "MARKETING" && person?.hasOptedOut === true
    const reason = isStopped ? "OPTED_OUT" : person?.email === undefined ? "NO_ADDRESS" : undefined
    const wanted = reason === undefined ? "COMPLETED MAIL" : `REJECTED ${reason}`
    const found = ends.map(({ state, gateway, reason: why }) => `${state} ${gateway ?? why ?? ""}`).join(", ")
    judge.expect("CON-6", found === wanted ? undefined : `message ${id} should end ${wanted} and ended: ${found}`)
  }
}

/** CON-6: what was really sent is what was said to be, and a second one is the first one again. */
const judgeMails = ({ chronicle: { messages, people }, mails, kills }: Evidence, judge: Judge): number => {
  const completed = [...messages.values()].filter(({ ends }) => ends.some(({ state }) => state === "COMPLETED"))
  const byId = Map.groupBy(mails, ({ messageId }) => messageId)
  const wanted = new Set(completed.map(({ id }) => `<${id}@localhost>`))
  judge.expect("CON-6", difference("mails", wanted, new Set(byId.keys())), byId.size)
  for (const { id, contact } of completed) {
    const [mail] = byId.get(`<${id}@localhost>`) ?? []
    const to = people.get(contact)?.email
    if (mail !== undefined && mail.to !== to) judge.found("CON-6", `message ${id} went to somebody else`)
  }
  judgeMailOrder(completed, [...byId.keys()], judge)
  let repeated = 0
  for (const [id, twins] of byId) {
    if (twins.length > 1) repeated += 1
    if (new Set(twins.map(({ said }) => said)).size > 1) judge.found("CON-6", `${id} is not the same mail each time`)
    for (const [before, again] of pairs(twins)) {
      const isExcused = kills.some(
        ({ at, victim }) => victim !== "store" && at >= before.at - slackMs && at <= again.at
      )
      if (!isExcused) judge.found("CON-6", `${id} was sent again and nobody was killed meanwhile`)
    }
  }
  return repeated
}

/** First arrivals of one lane, which is the mails of one purpose to one contact: as the journal has them asked for. */
const judgeMailOrder = (asked: ReadonlyArray<Message>, arrived: ReadonlyArray<string>, judge: Judge): void => {
  const places = new Map(arrived.map((messageId, place) => [messageId, place]))
  for (const [lane, messages] of Map.groupBy(asked, ({ contact, purpose }) => `${contact}/${purpose}`)) {
    const order = messages.flatMap(({ id }) => places.get(`<${id}@localhost>`) ?? [])
    const at = order.findIndex((place, index) => place < (order[index - 1] ?? 0))
    const fault = at < 0 ? undefined : `mail ${at + 1} of ${lane} overtook the one that was asked for before it`
    judge.expect("CON-6", fault, order.length)
  }
}

const pairs = (mails: ReadonlyArray<Mail>): ReadonlyArray<readonly [Mail, Mail]> =>
  mails.flatMap((mail, index): ReadonlyArray<readonly [Mail, Mail]> => {
    const before = mails[index - 1]
    return before === undefined ? [] : [[before, mail]]
  })

/** As a receiver keeps them that tells them by their id: first arrivals, in their order. */
const keptOf = (hooks: ReadonlyArray<Hook>): ReadonlyArray<Hook> => {
  const kept = new Map<string, Hook>()
  for (const hook of hooks) if (!kept.has(hook.id)) kept.set(hook.id, hook)
  return [...kept.values()]
}

/** AUT-11. */
const judgeHooks = (evidence: Evidence, judge: Judge): void => {
  const { chronicle, hooks, numbers, changes } = evidence
  const texts = new Map<string, string>()
  for (const { id, text, isSigned } of hooks) {
    judge.expect("AUT-11", isSigned ? undefined : `webhook ${id} is not signed`)
    if ((texts.get(id) ?? text) !== text) judge.found("AUT-11", `webhook ${id} says something else when it is repeated`)
    texts.set(id, text)
  }
  const kept = keptOf(hooks)
  const ofEvents = kept.flatMap(({ position }) => (position === undefined ? [] : [position]))
  judge.expect("AUT-11", difference("webhooks of events", new Set(chronicle.told.keys()), new Set(ofEvents)))
  if (new Set(ofEvents).size < ofEvents.length) judge.found("AUT-11", "an event was told under two ids")
  const wanted = runsWith(evidence, "WEBHOOK")
  const ofRuns = kept.flatMap(({ run }) => (run === undefined ? [] : [run]))
  judge.expect("AUT-11", difference("webhooks of runs", wanted, new Set(ofRuns)))
  if (new Set(ofRuns).size < ofRuns.length) judge.found("AUT-11", "a run was told under two ids")
  for (const [type, joined] of [["segment.joined", true] as const, ["segment.left", false] as const]) {
    const toldOf = kept.filter((hook) => hook.type === type).length
    const happened = changes.filter((change) => change.joined === joined).length
    judge.expect("AUT-11", toldOf === happened ? undefined : `${happened} changes, and ${toldOf} of them told: ${type}`)
  }
  judgeSequences(kept, numbers, judge)
  judgeHookOrder(kept, chronicle.told, judge)
}

/** What is told of the events of one contact comes in the journal's order. */
const judgeHookOrder = (kept: ReadonlyArray<Hook>, told: Evidence["chronicle"]["told"], judge: Judge): void => {
  const places = new Map([...told.keys()].map((position, place) => [position, place]))
  for (const [contact, own] of Map.groupBy(kept, (hook) => hook.contact)) {
    const order = own.flatMap(({ position }) => (position === undefined ? [] : [places.get(position) ?? -1]))
    const at = order.findIndex((place, index) => place < (order[index - 1] ?? 0))
    const fault = at < 0 ? undefined : `event ${at + 1} that ${contact} is told of stands before the one told before it`
    judge.expect("AUT-11", fault, order.length)
  }
}

/** First arrivals, in their order: 1, 2, 3 and so on to the last that was given. */
const judgeSequences = (kept: ReadonlyArray<Hook>, numbers: ReadonlyMap<string, number>, judge: Judge): void => {
  const byContact = Map.groupBy(kept, ({ contact }) => contact)
  for (const [contact, own] of byContact) {
    const at = own.findIndex(({ sequence }, index) => sequence !== index + 1)
    const [hook, last] = [own[at], numbers.get(contact)]
    const fault =
      hook !== undefined
        ? `webhook ${hook.sequence} of ${contact} arrives as number ${at + 1}`
        : last !== own.length
          ? `${own.length} of ${last} webhooks of ${contact} have arrived`
          : undefined
    judge.expect("AUT-11", fault, own.length)
  }
  judge.expect("AUT-11", difference("contacts who are told of", new Set(numbers.keys()), new Set(byContact.keys())))
}

export const judge = (evidence: Evidence, by: Judge): Tally => {
  const { chronicle, changes, runs, mails, hooks, planRuns, undone } = evidence
  judgeSegments(evidence, by)
  judgeRuns(evidence, by)
  judgeActions(evidence, by)
  judgeHeld(evidence, by)
  judgeCauses(evidence, by)
  judgeEnds(evidence, by)
  const mailsTakenTwice = judgeMails(evidence, by)
  judgeHooks(evidence, by)
  for (const what of undone) by.found("P8", `of the outbox: ${what}`)
  const ends = [...chronicle.messages.values()].flatMap(({ ends }) => ends)
  const webhooks = new Set(hooks.map(({ id }) => id)).size
  return {
    messages: chronicle.messages.size,
    completed: ends.filter(({ state }) => state === "COMPLETED").length,
    rejected: tallied(ends.flatMap(({ reason }) => reason ?? [])),
    mails: mails.length,
    mailsTakenTwice,
    webhooks,
    webhookRepetitions: hooks.length - webhooks,
    runs: runs.length,
    joins: changes.filter(({ joined }) => joined).length,
    leaves: changes.filter(({ joined }) => !joined).length,
    planRuns: planRuns.length,
    activities: chronicle.activities.length,
    decided: tallied(evidence.decisions.values())
  }
}
