/** What can be asked of a business. */
import * as Schema from "effect/Schema"
import { ApiKey, BusinessSettings, Organisation, Pool } from "./Business.ts"

export const OpenBusiness = Schema.TaggedStruct("OpenBusiness", {
  businessId: Schema.String,
  name: Schema.String,
  serviceOwnerId: Schema.String,
  serviceOwnerName: Schema.String,
  currency: Schema.String,
  country: Schema.String,
  timeZone: Schema.String,
  settings: BusinessSettings,
  apiKeys: Schema.Array(ApiKey),
  organisations: Schema.Array(Organisation)
})
const AddOrganisation = Schema.TaggedStruct("AddOrganisation", { organisation: Organisation })
const CreatePool = Schema.TaggedStruct("CreatePool", { pool: Pool })
const IssueApiKey = Schema.TaggedStruct("IssueApiKey", { key: ApiKey })
const PostExchangeRate = Schema.TaggedStruct("PostExchangeRate", {
  currency: Schema.String,
  rate: Schema.String
})
const ChangeBusinessSettings = Schema.TaggedStruct("ChangeBusinessSettings", { settings: BusinessSettings })

export const BusinessCommand = Schema.Union([
  OpenBusiness,
  AddOrganisation,
  CreatePool,
  IssueApiKey,
  PostExchangeRate,
  ChangeBusinessSettings
])
export type BusinessCommand = typeof BusinessCommand.Type
