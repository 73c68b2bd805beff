/** Which automations are called for by what a command made: those that it was judged to be for (AUT-4). */
import { assert, describe, it } from "@effect/vitest"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Verdict } from "#domain/automation/Judges.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { candidatesOf } from "#runtime/automation/Candidates.ts"

const filter: ConditionSets = [{ conditions: [{ type: "EXISTENCE", field: "last_name", exists: true }] }]
const definition = (id: string, trigger: AutomationDefinition["trigger"]) => ({
  id,
  name: id,
  version: 2,
  savedAt: 0,
  state: "ACTIVE" as const,
  stateSince: 0,
  earlier: [],
  body: { trigger, filter, actions: [{ _tag: "ACTIVITY", type: "CALL" } as const] }
})
const all = { before: definition("before", "PRIOR_TO_CREATION"), after: definition("after", "CONTACT_REGISTERED") }

/** Those that are called for, each with whether its filter is still asked. */
const called = (judgedBy?: ReadonlyArray<Verdict>) =>
  candidatesOf(
    {
      business: "bakery",
      contact: "eleni",
      triggers: ["PRIOR_TO_CREATION", "CONTACT_REGISTERED"],
      eventId: "1/eleni/1",
      eventType: "ContactRegistered",
      at: 0,
      values: {},
      cause: undefined,
      judgedBy
    },
    all
  ).map(({ automationId, filter: asked }) => [automationId, asked !== undefined])

describe("what a command made", () => {
  it("AUT-4: calls for those who judged it as they said then, and asks nothing of them again", () => {
    const said = (holds: boolean) => [{ automationId: "before", version: 1, holds }]
    assert.deepStrictEqual(called(said(true)), [
      ["after", true],
      ["before", false]
    ])
    assert.deepStrictEqual(called(said(false)), [["after", true]])
    assert.deepStrictEqual(called([{ automationId: "another", version: 1, holds: true }]), [["after", true]])
  })

  it("AUT-4: is judged afterwards where it was committed before that was noted", () => {
    const asked = [
      ["after", true],
      ["before", true]
    ]
    assert.deepStrictEqual(called(), asked)
    assert.deepStrictEqual(called([{ automationId: "before", version: 2 }]), asked)
  })
})
