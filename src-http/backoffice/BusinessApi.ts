/** A business as its back office arranges it: organisations, commerce pools, rates and settings. Safe to share with clients. */
import { BusinessSettings, OrganisationType } from "#domain/organisation/Business.ts"
import { CountryCode } from "#domain/shared/Country.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { CommerceBalance } from "../resource/CommerceBalance.ts"
import { CurrencyCode, Id, Line } from "../resource/Fields.ts"
import { listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Business"
const text = Schema.optionalKey(Schema.String)
const conditionsMax = 200

const organisationShape = {
  id: Schema.String,
  type: OrganisationType,
  name: Schema.String,
  parent_id: text,
  currency_code: Schema.String,
  country: Schema.String,
  time_zone: Schema.String
}
export const Organisation = Schema.Struct(organisationShape)
export type Organisation = typeof Organisation.Type

export const createOrganisation = declare({
  method: "POST",
  path: "/backoffice/v2/organisations",
  tag,
  name: "createOrganisation",
  summary: "Add a merchant or a venue, or open a business",
  description:
    "A merchant stands below the business, a venue below a merchant. A business is opened with the service owner's key; " +
    "its own keys are shown in this answer and nowhere else.",
  access: "secret",
  body: Schema.Struct({
    type: Schema.Literals(["BUSINESS", "MERCHANT", "VENUE"]),
    name: Line,
    /** Of a venue: its merchant. */
    parent_id: Schema.optionalKey(Id),
    /** IANA zone; of a venue where it differs from the business's. */
    time_zone: Schema.optionalKey(Line),
    /** Of a business; it never changes. */
    currency_code: Schema.optionalKey(CurrencyCode),
    /** Of a business. */
    country: Schema.optionalKey(CountryCode)
  }),
  status: 201,
  success: Schema.Struct({ ...organisationShape, secret_key: text, publishable_key: text })
})

export const listOrganisations = declare({
  method: "GET",
  path: "/backoffice/v2/organisations",
  tag,
  name: "listOrganisations",
  summary: "List the organisations of the business",
  description: "The service owner, the business, its merchants and venues, from the top down.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, type: Schema.optionalKey(OrganisationType) }),
  status: 200,
  success: listOf(Organisation)
})

const PoolTiming = Schema.Struct({
  /** 1 is Sunday. */
  day: Schema.optionalKey(Schema.Int),
  month: Schema.optionalKey(Schema.Int),
  /** HH:MM, both inclusive. */
  start_time: Schema.optionalKey(Line),
  end_time: Schema.optionalKey(Line)
})
export const PoolProduct = Schema.Union([
  Schema.Struct({ sku: Line }),
  Schema.Struct({ id: Id, id_type: Schema.optionalKey(Schema.Literals(["PRODUCT", "TYPE", "FAMILY", "BRAND"])) })
])
const { organisations, products, timings, applicable_for_activation } = CommerceBalance.fields
export const CommercePool = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  description: text,
  organisations,
  products,
  timings,
  applicable_for_activation,
  validity_days: Schema.optionalKey(Schema.Int)
})
export type CommercePool = typeof CommercePool.Type

export const createCommercePool = declare({
  method: "POST",
  path: "/backoffice/v2/commerce_pools",
  tag,
  name: "createCommercePool",
  summary: "Create a commerce pool",
  description:
    "The conditions under which commerce money may be spent: where, on what, and when. A list that is left out or empty " +
    "is no condition; of several timings any one has to match.",
  access: "secret",
  body: Schema.Struct({
    name: Line,
    description: Schema.optionalKey(Line),
    organisations: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Id })).check(Schema.isMaxLength(conditionsMax))),
    products: Schema.optionalKey(Schema.Array(PoolProduct).check(Schema.isMaxLength(conditionsMax))),
    timings: Schema.optionalKey(Schema.Array(PoolTiming).check(Schema.isMaxLength(conditionsMax))),
    /** The contact has to activate it before its money can be spent. */
    applicable_for_activation: Schema.optionalKey(Schema.Boolean),
    /** Whole days that a credit stays valid; absent: for ever. */
    validity_days: Schema.optionalKey(Schema.Int)
  }),
  status: 201,
  success: CommercePool
})

export const listCommercePools = declare({
  method: "GET",
  path: "/backoffice/v2/commerce_pools",
  tag,
  name: "listCommercePools",
  summary: "List the commerce pools of the business",
  access: "secret",
  query: Schema.Struct(pagingQuery),
  status: 200,
  success: listOf(CommercePool)
})

const Rate = Schema.Struct({
  currency_code: CurrencyCode,
  /** Units of the business's currency for one unit of this one. */
  rate: Schema.Finite
})
export const postExchangeRate = declare({
  method: "PUT",
  path: "/backoffice/v2/exchange_rates",
  tag,
  name: "postExchangeRate",
  summary: "Post the exchange rate of a currency",
  description: "Purchases in that currency are converted at it from the answer on.",
  access: "secret",
  body: Rate,
  status: 200,
  success: Rate
})

const { sharingOrder, walletCodeMode } = BusinessSettings.fields
/** For the OpenAPI description of what has to do with it. */
export const consentEffectsRules =
  "COMPLETE leaves everything as it was, marketing as well: consent and opt-outs are apart, and it stops where she opts out. " +
  "NONE: nothing can be done with the contact but to change her consent and opt-outs, to export and to erase her, and no " +
  "message but a MANDATORY one is sent; those that wait end as CONSENT. PENDING and ACCEPTED always leave everything, and so " +
  "do the others where `consent_effects` is not set: a business to which withdrawing has to end marketing sets NONE."
const Functionality = Schema.Literals(["COMPLETE", "NONE"])
const capsMax = 20
const messages = {
  /** What is left to a contact who rejected or withdrew her consent (CON-2): COMPLETE unless it is said. */
  consent_effects: Schema.Struct({ rejected: Functionality, withdrawn: Functionality }),
  /** When marketing rests, HH:MM in the contact's zone; over midnight if it begins later than it ends. */
  quiet_hours: Schema.Struct({ from: Line, until: Line }),
  /** At most so many marketing messages of a channel to one contact in so many hours. */
  frequency_caps: Schema.Array(
    Schema.Struct({
      channel: Schema.Literals(["EMAIL", "SMS", "INAPP", "DEVICE"]),
      maximum: Schema.Int,
      hours: Schema.Int
    })
  ).check(Schema.isMaxLength(capsMax))
}
const Settings = Schema.Struct({
  /** Whose money pays first where a wallet is shared (SHR-5). */
  sharing_order: sharingOrder,
  /** Whether a wallet code stays, or rotates and is good once (IDN-2). */
  wallet_code_mode: walletCodeMode,
  consent_effects: Schema.optionalKey(messages.consent_effects),
  quiet_hours: Schema.optionalKey(messages.quiet_hours),
  frequency_caps: Schema.optionalKey(messages.frequency_caps)
})
export type Settings = typeof Settings.Type

export const getSettings = declare({
  method: "GET",
  path: "/backoffice/v2/settings",
  tag,
  name: "getSettings",
  summary: "Read the settings of the business",
  access: "secret",
  status: 200,
  success: Settings
})

export const changeSettings = declare({
  method: "PUT",
  path: "/backoffice/v2/settings",
  tag,
  name: "changeSettings",
  summary: "Change the settings of the business",
  description:
    "What is left out stays; null takes a setting away that need not be there. `consent_effects` says what is left of a " +
    `contact who rejected or withdrew her consent. ${consentEffectsRules}`,
  access: "secret",
  body: Schema.Struct({
    sharing_order: Schema.optionalKey(sharingOrder),
    wallet_code_mode: Schema.optionalKey(walletCodeMode),
    consent_effects: Schema.optionalKey(Schema.NullOr(messages.consent_effects)),
    quiet_hours: Schema.optionalKey(Schema.NullOr(messages.quiet_hours)),
    frequency_caps: Schema.optionalKey(Schema.NullOr(messages.frequency_caps))
  }),
  status: 200,
  success: Settings
})
