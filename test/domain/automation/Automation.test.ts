/** What a business may say in an automation, and which circles are seen before they turn (AUT-1, AUT-2, AUT-8). */
import { assert, describe, it } from "@effect/vitest"
import type { Action, AutomationDefinition, NamedByAutomations } from "#domain/automation/Automation.ts"
import { automationUsing } from "#domain/automation/AutomationUse.ts"
import { objectionToAutomation } from "#domain/automation/AutomationRules.ts"
import { possibleLoops } from "#domain/automation/Loops.ts"
import { priorToTriggers, Trigger, triggersOf } from "#domain/automation/Trigger.ts"
import type { Definition, Definitions } from "#domain/definition/Definition.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"

const call: Action = { _tag: "ACTIVITY", type: "CALL" }
const mail: Action = { _tag: "COMMUNICATION", templateId: "t1", channel: "EMAIL", purpose: "MARKETING" }
const persons: ConditionSets = [
  { conditions: [{ type: "COMPARISON", field: "type", operator: "EQUAL", value: "PERSON" }] }
]

const automation = (trigger: Trigger, actions: ReadonlyArray<Action>, more: Partial<AutomationDefinition> = {}) =>
  ({ trigger, actions, ...more }) as const satisfies AutomationDefinition
const named = (id: string, body: AutomationDefinition): Definition<AutomationDefinition> => ({
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
  it.each(Trigger.literals.filter((trigger) => !trigger.startsWith("SEGMENT") && trigger !== "AWARD_GIVEN"))(
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

  it("names what is not built, and whatever does not fit", () => {
    assert.deepStrictEqual(objection(automation("AWARD_GIVEN", [call])), {
      _tag: "NotSupported",
      feature: "the trigger AWARD_GIVEN"
    })
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
  })

  it("names only templates, endpoints and segments that there are, of the kinds that are known", () => {
    const hook: Action = { _tag: "WEBHOOK", endpointId: "constructor" }
    const body = automation("SEGMENT_LEFT", [mail, hook], { segmentId: "s1" })
    assert.isUndefined(objection(body))
    assert.strictEqual(pointer(body, { segments: {} }), "/segment_id")
    assert.strictEqual(pointer(body, { templates: {} }), "/actions/0/template_id")
    assert.strictEqual(pointer(body, { endpoints: {} }), "/actions/1/endpoint_id")
    const known = all(named("one", body))
    assert.deepStrictEqual(
      [automationUsing(known, "templates", "t1"), automationUsing(known, "segments", "s1")],
      ["the automation ONE", "the automation ONE"]
    )
    assert.isUndefined(automationUsing(known, "endpoints", "other"))
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
      return possibleLoops({ id: "it", name: "IT", body }, known, {}).map(({ names }) => names)
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
    const loops = (others: NamedByAutomations) => possibleLoops({ id: "it", name: "IT", body }, {}, others)
    assert.lengthOf(loops(segmentOf("tags")), 1)
    assert.lengthOf(loops(segmentOf("wallet.balance")), 0)
    assert.lengthOf(loops({}), 1)
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
