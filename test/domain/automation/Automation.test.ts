/** What a business may say in an automation, and which circles are seen before they turn (AUT-1, AUT-2, AUT-8). */
import { assert, describe, it } from "@effect/vitest"
import type { Action, AutomationDefinition, NamedByAutomations } from "#domain/automation/Automation.ts"
import { automationUsing } from "#domain/automation/AutomationUse.ts"
import { filterFor } from "#domain/automation/EventFilter.ts"
import { objectionToAutomation } from "#domain/automation/AutomationRules.ts"
import { loopsOf } from "#domain/automation/Loops.ts"
import type { Template } from "#domain/communication/Template.ts"
import { priorToTriggers, Trigger, triggersOf } from "#domain/automation/Trigger.ts"
import type { Definition, Definitions } from "#domain/definition/Definition.ts"
import type { Condition, ConditionSets, Plain } from "#domain/segment/Condition.ts"

const call: Action = { _tag: "ACTIVITY", type: "CALL" }
const mail: Action = { _tag: "COMMUNICATION", templateId: "t1", channel: "EMAIL" }
const persons: ConditionSets = [
  { conditions: [{ type: "COMPARISON", field: "type", operator: "EQUAL", value: "PERSON" }] }
]

const automation = (trigger: Trigger, actions: ReadonlyArray<Action>, more: Partial<AutomationDefinition> = {}) =>
  ({ trigger, actions, ...more }) as const satisfies AutomationDefinition
const named = <Body = AutomationDefinition>(id: string, body: Body): Definition<Body> => ({
  id,
  name: id.toUpperCase(),
  version: 1,
  savedAt: 1,
  state: "ACTIVE",
  stateSince: 1,
  body,
  earlier: []
})
const all = (...definitions: ReadonlyArray<Definition<AutomationDefinition>>): Definitions<AutomationDefinition> =>
  Object.fromEntries(definitions.map((definition) => [definition.id, definition]))

const objection = (
  body: AutomationDefinition,
  others: NamedByAutomations = {},
  known: Definitions<AutomationDefinition> = {}
) => objectionToAutomation({ id: "it", name: "IT", body }, known, others)
const pointer = (...given: Parameters<typeof objection>) => {
  const found = objection(...given)
  return found?._tag === "InvalidDefinition" ? found.pointer : found?._tag
}

describe("an automation", () => {
  it.each(Trigger.literals.filter((trigger) => !trigger.startsWith("SEGMENT")))(
    "AUT-1: may be set off by %s",
    (trigger) => {
      assert.isUndefined(objection(automation(trigger, [{ _tag: "TAG", add: ["a"], remove: [] }])))
    }
  )

  it("AUT-2: decides about a command where there is one, and before anything that follows from it", () => {
    const reject: Action = { _tag: "REJECT", reason: "Closed today" }
    for (const trigger of priorToTriggers) {
      assert.isUndefined(objection(automation(trigger, [{ _tag: "HOLD" }, reject, call])))
      assert.strictEqual(pointer(automation(trigger, [call, reject])), "/actions/1")
      assert.strictEqual(pointer(automation(trigger, [{ _tag: "APPROVAL" }])), "/actions/0")
    }
    assert.strictEqual(pointer(automation("CONTACT_REGISTERED", [call, reject])), "/actions/1")
  })

  it("MKT-1: patches no opt-out into a change, and opts nobody in who registers", () => {
    const patch = (fields: object): Action => ({ _tag: "PATCH", fields })
    const of = (trigger: Trigger, fields: object) => pointer(automation(trigger, [{ _tag: "HOLD" }, patch(fields)]))
    for (const optedOut of [true, false]) {
      assert.strictEqual(of("PRIOR_TO_UPDATE", { emailOptOut: optedOut }), "/actions/1/fields/email_opt_out")
      assert.strictEqual(of("PRIOR_TO_UPDATE", { smsOptOut: optedOut }), "/actions/1/fields/sms_opt_out")
    }
    assert.isUndefined(of("PRIOR_TO_UPDATE", { languageCode: "ELL" }))
    assert.isUndefined(of("PRIOR_TO_CREATION", { emailOptOut: true, smsOptOut: true }))
    assert.strictEqual(
      of("PRIOR_TO_CREATION", { emailOptOut: true, smsOptOut: false }),
      "/actions/1/fields/sms_opt_out"
    )
    assert.strictEqual(of("PRIOR_TO_CREATION", {}), "/actions/1/fields")
  })

  it("names whatever does not fit", () => {
    const onPurchase = (...actions: ReadonlyArray<Action>) => automation("PURCHASE_POSTED", actions)
    assert.strictEqual(pointer(onPurchase()), "/actions")
    assert.strictEqual(pointer(onPurchase(...Array.from({ length: 21 }, () => call))), "/actions")
    assert.strictEqual(pointer(onPurchase(call, { ...call, type: " " })), "/actions/1/activity_type")
    assert.strictEqual(pointer(onPurchase({ _tag: "TAG", add: [], remove: [] })), "/actions/0")
    assert.strictEqual(pointer(onPurchase({ _tag: "TAG", add: ["a"], remove: ["a"] })), "/actions/0")
    assert.strictEqual(pointer(automation("SEGMENT_JOINED", [call])), "/segment_id")
    assert.strictEqual(pointer(automation("PURCHASE_POSTED", [call], { segmentId: "s1" })), "/segment_id")
    const decision = (url: string): Action => ({ _tag: "DECISION", url, failOpen: false })
    for (const url of ["gopher://example.com", "https://me:secret@example.com", "nowhere"]) {
      assert.strictEqual(pointer(automation("PRIOR_TO_UPDATE", [decision(url)])), "/actions/0/url")
    }
    const asking = (fields: object): Action => ({ _tag: "DECISION", failOpen: false, ...fields })
    for (const fields of [{}, { endpointId: "e1", url: "https://example.com/decide" }]) {
      assert.strictEqual(pointer(automation("PRIOR_TO_UPDATE", [asking(fields)])), "/actions/0")
    }
  })

  it("names only templates, endpoints and segments that there are, of the kinds that are known", () => {
    const hook: Action = { _tag: "WEBHOOK", endpointId: "constructor" }
    const body = automation("SEGMENT_LEFT", [mail, hook], { segmentId: "s1" })
    assert.isUndefined(objection(body))
    assert.strictEqual(pointer(body, { segments: {} }), "/segment_id")
    assert.strictEqual(pointer(body, { templates: {} }), "/actions/0/template_id")
    assert.strictEqual(pointer(body, { endpoints: {} }), "/actions/1/endpoint_id")
    const asking = automation("PRIOR_TO_UPDATE", [{ _tag: "DECISION", endpointId: "e1", failOpen: false }])
    assert.strictEqual(pointer(asking, { endpoints: {} }), "/actions/0/endpoint_id")
    assert.strictEqual(automationUsing(all(named("two", asking)), "endpoints", "e1"), "the automation TWO")
    const known = all(named("one", body))
    assert.deepStrictEqual(
      [automationUsing(known, "templates", "t1"), automationUsing(known, "segments", "s1")],
      ["the automation ONE", "the automation ONE"]
    )
    assert.isUndefined(automationUsing(known, "endpoints", "other"))
  })

  it("CON-6: sends as its template is and by its channel, about what can set it off, while that is switched on", () => {
    const about = (events: ReadonlyArray<string>, purpose: Template["purpose"] = "MARKETING"): Definition<Template> =>
      named("t1", {
        channel: "EMAIL",
        purpose,
        defaultLanguage: "en",
        variants: { en: { subject: "Hello", text: "Hello" } },
        missing: { policy: "REJECT" },
        events
      })
    const of = (action: Action, t1: Definition<Template> = about([]), trigger: Trigger = "PURCHASE_POSTED") =>
      pointer(automation(trigger, [call, action], trigger === "SEGMENT_JOINED" ? { segmentId: "s1" } : {}), {
        templates: { t1 }
      })
    assert.isUndefined(of(mail))
    assert.isUndefined(of({ ...mail, purpose: "MARKETING" }))
    for (const purpose of ["MANDATORY", "CRITICAL"] as const) {
      assert.strictEqual(of({ ...mail, purpose }), "/actions/1/purpose")
    }
    for (const purpose of ["MANDATORY", "MARKETING"] as const) {
      assert.strictEqual(of({ ...mail, override: true }, about([], purpose)), "/actions/1/override")
    }
    assert.isUndefined(of({ ...mail, override: true }, about([], "CRITICAL")))
    assert.isUndefined(of(mail, about([], "CRITICAL")))
    assert.strictEqual(of({ ...mail, channel: "SMS" }), "/actions/1/channel")
    assert.strictEqual(of(mail, { ...about([]), state: "INACTIVE" }), "/actions/1/template_id")
    assert.isUndefined(of(mail, about(["FundsCredited", "PurchasePaid"])))
    assert.strictEqual(of(mail, about(["FundsCredited"])), "/actions/1/template_id")
    assert.isUndefined(of(mail, about(["FundsCredited"]), "WALLET_CREDITED"))
    assert.isUndefined(of(mail, about(["ContactRegistered"]), "PRIOR_TO_CREATION"))
    assert.strictEqual(of(mail, about(["FundsCredited"]), "SEGMENT_JOINED"), "/actions/1/template_id")
    const hook: Action = { _tag: "WEBHOOK", endpointId: "e1" }
    const off = { ...named("e1", {}), state: "INACTIVE" as const }
    assert.isUndefined(pointer(automation("PURCHASE_POSTED", [hook]), { endpoints: { e1: named("e1", {}) } }))
    assert.strictEqual(
      pointer(automation("PURCHASE_POSTED", [hook]), { endpoints: { e1: off } }),
      "/actions/0/endpoint_id"
    )
  })
})

describe("the filter of an automation", () => {
  it("AUT-4: does not ask since when she is who she is before a change of it, and does so after", () => {
    const kept: Plain = { type: "HAS_BEEN", field: "email", state: "UNCHANGED", span: { amount: 30, unit: "DAYS" } }
    const filter = [...persons, { conditions: [{ type: "NOT", condition: kept } as const] }]
    assert.strictEqual(pointer(automation("PRIOR_TO_UPDATE", [call], { filter })), "/filter/1/conditions/0")
    assert.isUndefined(pointer(automation("CONTACT_UPDATED", [call], { filter })))
  })

  const last = (event: string, more: object = {}): Plain => ({ type: "LAST", event, is: [], ...more })
  const sets = (...conditions: ReadonlyArray<Condition>): ConditionSets => [{ conditions }]

  it("AUT-9: is about the event that set it off where it asks for the last of a kind that can", () => {
    const filter: ConditionSets = [...sets(last("FundsCredited"), last("TagsChanged")), ...sets(last("FundsReturned"))]
    assert.deepStrictEqual(filterFor(filter, "WALLET_CREDITED", "FundsCredited"), [filter[0]!])
    assert.deepStrictEqual(filterFor(filter, "WALLET_CREDITED", "FundsReturned"), [filter[1]!])
    const not: Condition = { type: "NOT", condition: last("FundsCredited") }
    assert.deepStrictEqual(filterFor(sets(not), "WALLET_CREDITED", "FundsReturned"), sets())
    assert.deepStrictEqual(filterFor(sets(last("FundsCredited")), "WALLET_CREDITED", "FundsReturned"), [])
  })

  it("AUT-9: is about what has happened to her in all other words", () => {
    const history: ReadonlyArray<Plain> = [
      last("FundsCredited", { where: [{ type: "EXISTENCE", field: "amount", exists: true }] }),
      last("FundsCredited", { window: { from: 0 } }),
      { type: "FIRST", event: "FundsCredited", is: [] },
      { type: "COUNT", event: "FundsCredited", operator: "GREATER", value: 1 }
    ]
    for (const condition of history) {
      const filter = sets(condition)
      assert.strictEqual(filterFor(filter, "WALLET_CREDITED", "FundsReturned"), filter)
    }
    const joined = sets(last("FundsCredited"))
    assert.strictEqual(filterFor(joined, "SEGMENT_JOINED", "SegmentJoined"), joined)
  })
})

describe("circles of automations", () => {
  const onMail = automation("COMMUNICATION_COMPLETED", [call])
  const onCall = automation("ACTIVITY_SCHEDULED", [mail])

  it("AUT-8: one in which nothing stands in between is refused", () => {
    assert.strictEqual(pointer(automation("ACTIVITY_SCHEDULED", [call])), "/actions")
    assert.strictEqual(pointer(onCall, {}, all(named("other", onMail))), "/actions")
  })

  it("AUT-8: one that a filter, an approval or a person may end is told of", () => {
    const warned = (body: AutomationDefinition, ...others: ReadonlyArray<AutomationDefinition>) => {
      const known = all(...others.map((each, index) => named(`other ${index}`, each)))
      assert.isUndefined(objection(body, {}, known))
      return loopsOf({ id: "it", name: "IT", body }, known, {}).map(({ names }) => names)
    }
    assert.deepStrictEqual(warned({ ...onCall, filter: persons }, onMail), [["IT", "OTHER 0", "IT"]])
    assert.deepStrictEqual(warned({ ...onCall, actions: [{ _tag: "APPROVAL" }, mail] }, onMail), [
      ["IT", "OTHER 0", "IT"]
    ])
    assert.deepStrictEqual(warned(automation("ACTIVITY_CLOSED", [call])), [["IT", "IT"]])
    assert.deepStrictEqual(warned(onCall, automation("PURCHASE_POSTED", [mail])), [])
  })

  it("AUT-8: what is switched off is in no circle, and a segment only if it asks for what is changed", () => {
    const off = { ...named("other", onMail), state: "INACTIVE" as const }
    assert.isUndefined(objection(onCall, {}, all(off)))
    const body = automation("SEGMENT_JOINED", [{ _tag: "TAG", add: ["gold"], remove: [] }], { segmentId: "s1" })
    const segmentOf = (field: string): NamedByAutomations => ({
      segments: { s1: { ...named("s1", body), body: { sets: [{ conditions: [{ type: "EXISTENCE", field }] }] } } }
    })
    const loops = (others: NamedByAutomations) => loopsOf({ id: "it", name: "IT", body }, {}, others)
    assert.lengthOf(loops(segmentOf("tags")), 1)
    assert.lengthOf(loops(segmentOf("wallet.balance")), 0)
    assert.lengthOf(loops({}), 1)
  })

  it("AUT-8: five hundred automations that all set each other off, and never the one that is saved, are soon looked through", () => {
    let looks = 0
    const crowd = Array.from({ length: 500 }, (_, index) => {
      const trigger = index % 2 === 0 ? "COMMUNICATION_COMPLETED" : "ACTIVITY_SCHEDULED"
      const body = automation(trigger, [call, mail])
      const counted = new Proxy(body, { get: (target, name, self) => (looks++, Reflect.get(target, name, self)) })
      return named(`other ${index}`, counted)
    })
    const others = all(...crowd)
    const of = (body: AutomationDefinition) => loopsOf({ id: "it", name: "IT", body }, others, {})
    assert.deepStrictEqual(of(automation("PURCHASE_POSTED", [call, mail])), [])
    assert.lengthOf(of(automation("TAGS_CHANGED", [call, mail])), 0)
    assert.isBelow(looks, 500 * 20)

    looks = 0
    const circles = of({ ...automation("COMMUNICATION_COMPLETED", [call, mail]), filter: persons })
    assert.lengthOf(circles, 10)
    assert.deepStrictEqual(circles[0]?.ids, ["it", "it"])
    assert.deepStrictEqual(circles[1]?.ids, ["it", "other 0", "it"])
    assert.isTrue(circles.every(({ isCertain }) => !isCertain))
    assert.isBelow(looks, 500 * 20)
  })

  it("AUT-8: a circle that is certain is found behind any number that are not, and as long as a chain may be", () => {
    const chain = [
      automation("ACTIVITY_SCHEDULED", [
        { _tag: "COMMUNICATION", templateId: "t", channel: "SMS", purpose: "MARKETING" }
      ]),
      ...Array.from({ length: 30 }, () => ({ ...automation("ACTIVITY_SCHEDULED", [mail]), filter: persons }))
    ]
    const others = all(...chain.map((body, index) => named(`other ${31 - index}`, body)))
    const loops = loopsOf({ id: "it", name: "IT", body: automation("COMMUNICATION_COMPLETED", [call]) }, others, {})
    assert.lengthOf(loops, 10)
    assert.deepStrictEqual(loops[0], {
      ids: ["it", "other 31", "it"],
      names: ["IT", "OTHER 31", "IT"],
      isCertain: true
    })
    assert.deepStrictEqual([...new Set(loops.slice(1).map(({ isCertain }) => isCertain))], [false])
  })
})

describe("what sets automations off", () => {
  it("AUT-9: an invitation counts as accepted by who was asked, not by who was added", () => {
    const membership = { ownerId: "o", relationshipId: "r", state: "ACCEPTED", sharing: false, revision: 2 } as const
    const changed = { _tag: "MembershipChanged", membership, at: 1 } as const
    assert.deepStrictEqual(triggersOf({ ...changed, from: "PENDING" } as never), ["INVITATION_ACCEPTED"])
    assert.deepStrictEqual(triggersOf(changed), [])
    assert.deepStrictEqual(triggersOf({ _tag: "ContactRegistered" }), ["PRIOR_TO_CREATION", "CONTACT_REGISTERED"])
    assert.deepStrictEqual(triggersOf({ _tag: "TimerArmed" }), [])
  })
})
