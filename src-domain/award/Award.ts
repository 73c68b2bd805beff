/**
 * An award: money that a business gives a contact for something (points, cashback), alone or for one of her purchases. It
 * stands in a stream of its own, so that it is given once and found again by its id; the money is in her wallet, and what
 * belongs to a purchase is known to the purchase as well, which takes it back when it is cancelled (PUR-6, PUR-8).
 *
 *     Absent --given--> GIVEN --reversed--> REVERSED
 */
import * as Schema from "effect/Schema"
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import { Minor } from "../shared/Money.ts"

export const Award = Schema.Struct({
  /** Names the lot that it opens in the wallet as well. */
  awardId: Schema.String,
  contactId: Schema.String,
  /** What the business calls it: no place for anything personal. */
  name: Schema.String,
  amount: Minor,
  currency: Schema.String,
  /** The conditions of the money; absent means the open pocket. */
  poolId: Schema.optionalKey(Schema.String),
  purchaseId: Schema.optionalKey(Schema.String),
  /** PUR-5, of one that was given as a share: hundredths of a percent of `base`. */
  basisPoints: Schema.optionalKey(Schema.Int),
  base: Schema.optionalKey(Minor)
})
export type Award = typeof Award.Type

const AwardGiven = Schema.TaggedStruct("AwardGiven", { award: Award, at: Schema.Int })
/**
 * PUR-8: it was taken back by itself; `amount` is less than was given where the rest had expired. What else it says of the award
 * is for who sees this event alone: the first ones that were written lack it.
 */
const AwardReversed = Schema.TaggedStruct("AwardReversed", {
  awardId: Schema.optionalKey(Schema.String),
  name: Schema.optionalKey(Schema.String),
  amount: Minor,
  currency: Schema.optionalKey(Schema.String),
  poolId: Award.fields.poolId,
  purchaseId: Award.fields.purchaseId,
  at: Schema.Int
})

export const AwardEvent = Schema.Union([AwardGiven, AwardReversed])
export type AwardEvent = typeof AwardEvent.Type

export const AwardState = Schema.Struct({
  state: Schema.Literals(["ABSENT", "GIVEN", "REVERSED"]),
  award: Schema.optionalKey(Award),
  givenAt: Schema.Int,
  /** What came back, and when; also of one that a cancelled purchase took with it, where it is answered. */
  reversed: Schema.optionalKey(Schema.Struct({ amount: Minor, at: Schema.Int }))
})
export type AwardState = typeof AwardState.Type

const initial: AwardState = { state: "ABSENT", givenAt: 0 }

export const evolve = (state: AwardState, event: AwardEvent): AwardState => {
  switch (event._tag) {
    case "AwardGiven":
      return { state: "GIVEN", award: event.award, givenAt: event.at }
    case "AwardReversed":
      return { ...state, state: "REVERSED", reversed: { amount: event.amount, at: event.at } }
    default:
      return absurd(event)
  }
}

export const award = defineAggregate({
  kind: "award",
  code: 11,
  State: AwardState,
  stateVersion: 1,
  initial,
  Event: AwardEvent,
  evolve
})
