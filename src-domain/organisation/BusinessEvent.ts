/** Facts about a business, as they stand in the journal. A name is stored for ever and never changes meaning. */
import * as Schema from "effect/Schema"
import { PriorAutomations } from "../automation/Judges.ts"
import { ApiKey, BusinessSettings, Organisation, Pool } from "./Business.ts"

export const BusinessOpened = Schema.TaggedStruct("BusinessOpened", {
  businessId: Schema.String,
  name: Schema.String,
  serviceOwnerId: Schema.String,
  serviceOwnerName: Schema.String,
  currency: Schema.String,
  country: Schema.String,
  timeZone: Schema.String,
  settings: BusinessSettings,
  at: Schema.Int
})
const OrganisationAdded = Schema.TaggedStruct("OrganisationAdded", {
  organisation: Organisation,
  at: Schema.Int
})
const PoolCreated = Schema.TaggedStruct("PoolCreated", { pool: Pool, at: Schema.Int })
const ApiKeyIssued = Schema.TaggedStruct("ApiKeyIssued", { key: ApiKey, at: Schema.Int })
const ExchangeRatePosted = Schema.TaggedStruct("ExchangeRatePosted", {
  currency: Schema.String,
  rate: Schema.String,
  at: Schema.Int
})
const BusinessSettingsChanged = Schema.TaggedStruct("BusinessSettingsChanged", {
  settings: BusinessSettings,
  at: Schema.Int
})

/** AUT-2: said by the turn that changed the automations themselves. */
const PriorAutomationsChanged = Schema.TaggedStruct("PriorAutomationsChanged", {
  ...PriorAutomations.fields,
  at: Schema.Int
})

export const BusinessEvent = Schema.Union([
  BusinessOpened,
  OrganisationAdded,
  PoolCreated,
  ApiKeyIssued,
  ExchangeRatePosted,
  BusinessSettingsChanged,
  PriorAutomationsChanged
])
export type BusinessEvent = typeof BusinessEvent.Type
