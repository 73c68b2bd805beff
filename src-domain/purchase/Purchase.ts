/** The purchase aggregate: one receipt, and what became of it. The states are drawn in `PurchaseState.ts`. */
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import type { Minor } from "../shared/Money.ts"
import { PurchaseEvent } from "./PurchaseEvent.ts"
import { initial, PurchaseState } from "./PurchaseState.ts"

/** Awards that came back stay with it, and count no more. */
const withoutAwards = (
  state: PurchaseState,
  taken: ReadonlyArray<{ readonly awardId: string; readonly amount: Minor }>
): PurchaseState => {
  if (taken.length === 0 || state.awards === undefined) return state
  const amounts = new Map(taken.map(({ awardId, amount }) => [awardId, amount]))
  const awards = state.awards.map((award) => {
    const reversed = amounts.get(award.awardId)
    return reversed === undefined ? award : { ...award, reversed }
  })
  return { ...state, awards }
}

export const evolve = (state: PurchaseState, event: PurchaseEvent): PurchaseState => {
  switch (event._tag) {
    case "PurchaseOpened": {
      const { receipt, commandId, drawId, ownerId, requested, memberFirst } = event
      return { state: "OPEN", receipt, open: { commandId, drawId, ownerId, requested, memberFirst }, postedAt: 0 }
    }
    case "PurchasePosted": {
      const receipt = event.receipt ?? state.receipt
      const { own, shared, at } = event
      return {
        state: "POSTED",
        ...(receipt !== undefined && { receipt }),
        ...(own !== undefined && { own }),
        ...(shared !== undefined && { shared }),
        postedAt: at
      }
    }
    case "PurchaseRefused": {
      const { open: _, ...rest } = state
      return { ...rest, state: "REFUSED" }
    }
    case "PurchaseCancelled":
      return { ...withoutAwards(state, event.awards ?? []), state: "CANCELLED", cancelledAt: event.at }
    case "PurchaseAwarded":
      return { ...state, awards: [...(state.awards ?? []), event.award] }
    case "PurchaseAwardReversed":
      return withoutAwards(state, [event])
    default:
      return absurd(event)
  }
}

export const purchase = defineAggregate({
  kind: "purchase",
  code: 4,
  State: PurchaseState,
  stateVersion: 2,
  initial,
  Event: PurchaseEvent,
  evolve
})
