/** The purchase aggregate: one receipt, and what became of it. The states are drawn in `PurchaseState.ts`. */
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import { PurchaseEvent } from "./PurchaseEvent.ts"
import { initial, PurchaseState } from "./PurchaseState.ts"

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
      return { ...state, state: "CANCELLED", cancelledAt: event.at }
    default:
      return absurd(event)
  }
}

export const purchase = defineAggregate({
  kind: "purchase",
  code: 4,
  State: PurchaseState,
  stateVersion: 1,
  initial,
  Event: PurchaseEvent,
  evolve
})
