/** A contact as a later issue may make it: with fields that nobody who reads facts has ever heard of. */
import { ContactState, initial } from "#domain/contact/ContactState.ts"
import { catalogueOf } from "#domain/segment/Catalogue.ts"
import { objectFact } from "#domain/segment/FactForm.ts"
import { eventFormsOf } from "#domain/segment/EventForms.ts"
import { type ProfileDocument, stateFacts } from "#domain/segment/Facts.ts"
import * as Schema from "effect/Schema"

const LaterState = Schema.Struct({
  ...ContactState.fields,
  subscription: Schema.Struct({
    planName: Schema.Literals(["GOLD", "BASIC"]),
    monthlyPrice: Schema.BigInt,
    renewsAt: Schema.Int
  })
})
const LaterEvent = Schema.Union([
  Schema.TaggedStruct("SubscriptionRenewed", { type: Schema.String, price: Schema.BigInt, at: Schema.Int })
])

export const laterFields = stateFacts(LaterState.ast)
export const laterEvents = new Map(eventFormsOf(LaterEvent.ast).map((form) => [form.type, form]))
export const laterCatalogue = catalogueOf(laterFields, laterEvents.values())

const later: typeof LaterState.Type = {
  ...initial,
  id: "maria",
  currency: "EUR",
  subscription: { planName: "GOLD", monthlyPrice: 990n, renewsAt: Date.UTC(2026, 10, 22) }
}
export const laterProfile: ProfileDocument = { ...objectFact(laterFields, later), _id: later.id, business: "shop" }
