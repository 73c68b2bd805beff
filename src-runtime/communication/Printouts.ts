/** Reads what a printout is made of: the purchase or the entry of her wallet as it stands, and how she reads. */
import { type Printout, printoutOfCredit, printoutOfPurchase } from "#domain/communication/Printout.ts"
import type { Business } from "#domain/organisation/Business.ts"
import * as Effect from "effect/Effect"
import { Actors } from "../actor/Actors.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import { History } from "../projection/History.ts"
import type { ViewUnavailable } from "../projection/ViewRefusal.ts"
import type { PrintoutKind } from "./PrintoutLink.ts"

/** `undefined` of what is not hers, was never posted, or is no such thing: nobody is told which. */
export const printoutOf: (
  business: Business,
  contact: string,
  kind: PrintoutKind,
  of: string
) => Effect.Effect<Printout | undefined, RuntimeRefusal | ViewUnavailable, Actors | History> = Effect.fnUntraced(
  function* (business, contact, kind, of) {
    const actors = yield* Actors
    const { languageCode, timeZone } = (yield* actors.read(business.id, contact, "contact")).state
    const reader = { business, languageCode, timeZone }
    if (kind === "PURCHASE") {
      const { key, state } = yield* actors.lookUp(business.id, "purchase", of)
      return key === contact ? printoutOfPurchase(state, reader) : undefined
    }
    const entry = yield* (yield* History).credit(business.id, contact, of)
    return entry === undefined ? undefined : printoutOfCredit(entry, reader)
  }
)
