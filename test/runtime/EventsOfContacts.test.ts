/** SEG-1: whatever happens at a contact's key can be asked of her, once, and moves her in live segments at once (SEG-3). */
import { assert, describe, it, layer } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import { judged } from "#domain/automation/PriorTo.ts"
import { eventForms } from "#domain/segment/EventForms.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { eventsOfContacts } from "#runtime/segment/EventsOfContacts.ts"
import { factTypes } from "#runtime/segment/SegmentFeed.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import { SegmentStore } from "#runtime/segment/SegmentStore.ts"
import * as Effect from "effect/Effect"
import { ask, open, person } from "./ReadSide.ts"
import { award, businessId, changeEmail, commandId, contactId } from "./SampleCommands.ts"
import { computed, definition, save, segmentId, segmentSide } from "./MembershipSide.ts"

describe("the events of a contact", () => {
  it("SEG-1: are all in the catalogue and the store, but the domain's own doing and what opens a wallet", () => {
    const withheld = eventsOfContacts.filter((type) => !eventForms.has(type))
    assert.sameMembers(withheld, [
      "TokenIssued",
      "TokenUsed",
      "WalletCodeRotated",
      "TimerArmed",
      // Awards of a purchase are awards.
      "PurchaseAwarded",
      "PurchaseAwardReversed"
    ])
    for (const type of eventForms.keys()) assert.include<string>(factTypes, type)
  })
})

const happened = (event: string, where: Extract<Condition, { readonly type: "COUNT" }>["where"] = []): Condition => ({
  type: "COUNT",
  event,
  where,
  operator: "EQUAL",
  value: 1
})
const about = { business: businessId, key: contactId(1) }
const [awardId, heldId, screening] = [segmentId("an award"), segmentId("a request"), segmentId("screening")]
const judgedBy = [{ automationId: screening, version: 1 }]

layer(segmentSide, { excludeTestServices: true })("what a business decides about a contact", (it) => {
  it.effect("SEG-1, SEG-3: an award is an event beside the credit that it is, and so is its way back", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      const isIn = (name: string) => segments.isMember(businessId, segmentId(name), contactId(1))
      yield* open
      yield* ask(person(1))
      const named: Condition = happened("AwardGiven", [
        { type: "TEXT", field: "name", operator: "IS", value: "award 1" },
        { type: "COMPARISON", field: "amount", operator: "EQUAL", value: 500 }
      ])
      const credited: Condition = {
        type: "SUM",
        event: "FundsCredited",
        field: "amount",
        operator: "EQUAL",
        value: 500
      }
      yield* save("awarded", definition([[named, credited]]))
      const itself: Condition = happened("AwardReversed", [
        { type: "COMPARISON", field: "award_id", operator: "EQUAL", value: awardId },
        { type: "COMPARISON", field: "currency", operator: "EQUAL", value: "EUR" },
        { type: "TEXT", field: "name", operator: "IS", value: "award 1" }
      ])
      yield* save("reversed", definition([[itself]]))
      yield* computed("awarded")
      yield* computed("reversed")
      yield* ask(award(1, 1, { _tag: "Amount", amount: 500n }, { awardId }))
      assert.isTrue(yield* isIn("awarded"))
      assert.isFalse(yield* isIn("reversed"))
      yield* ask({ ...about, command: { _tag: "ReverseAward", awardId } })
      assert.isTrue(yield* isIn("reversed"))
    })
  )

  it.effect("SEG-1, AUT-5: a request that was held and turned down is an event, without what it asked for", () =>
    Effect.gen(function* () {
      const store = yield* SegmentStore
      const body = { trigger: "PRIOR_TO_UPDATE", actions: [{ _tag: "HOLD" }] } as const
      yield* ask({
        business: businessId,
        key: businessId,
        command: { _tag: "SaveAutomation", id: screening, name: "Screening", body }
      })
      const update = changeEmail(1, "secret@example.com").command
      if (update._tag !== "UpdateContact") throw new Error("a change of the mail is an update")
      const { state } = yield* (yield* Actors).read(businessId, contactId(1), "contact")
      const command = judged(state, update, judgedBy)
      const waits = yield* Effect.flip(
        ask({
          ...about,
          id: commandId(1),
          command: { _tag: "HoldCommand", heldId, command, generated: [], heldBy: judgedBy }
        })
      )
      assert.strictEqual(waits._tag, "StillRunning", JSON.stringify(waits))
      yield* ask({ ...about, command: { _tag: "RejectHeld", heldId } })
      yield* store.caughtUp()
      const { events = [] } = (yield* store.facts(businessId, [contactId(1)])).get(contactId(1)) ?? {}
      assert.deepStrictEqual(
        events.map(({ type }) => type),
        [
          "ContactRegistered",
          "AwardGiven",
          "FundsCredited",
          "AwardReversed",
          "FundsDebited",
          "CommandHeld",
          "HeldRejected"
        ]
      )
      const held = events.find(({ type }) => type === "CommandHeld")
      assert.deepInclude(held, { held_id: heldId, trigger: "PRIOR_TO_UPDATE", held_by_automation_id: [screening] })
      assert.notInclude(JSON.stringify(events), "secret")
      const segments = yield* Segments
      yield* save(
        "rejected",
        definition([[happened("HeldRejected"), { type: "NOT", condition: happened("HeldApproved") } as Condition]])
      )
      yield* computed("rejected")
      assert.isTrue(yield* segments.isMember(businessId, segmentId("rejected"), contactId(1)))
    })
  )
})
