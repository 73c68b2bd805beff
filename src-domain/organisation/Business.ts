/**
 * A business and all that its turns look up: the organisations under it, commerce pools, exchange rates, settings and
 * API keys. It is an aggregate like any other (its key is its own id), and its committed state travels with every turn
 * of the business as reference data.
 *
 *     Absent --BusinessOpened--> Open
 *
 * Tree: service owner > business > merchant > venue (rules 1.1). Currency, country and time zone are the business's.
 */
import * as Schema from "effect/Schema"
import { PriorAutomations } from "../automation/Judges.ts"

export const OrganisationType = Schema.Literals(["SERVICE_OWNER", "BUSINESS", "MERCHANT", "VENUE"])
export type OrganisationType = typeof OrganisationType.Type

export const Organisation = Schema.Struct({
  id: Schema.String,
  type: OrganisationType,
  name: Schema.String,
  parentId: Schema.optionalKey(Schema.String),
  /** IANA zone of the venue, where it differs from the business's (WAL-3: timings are local to the venue). */
  timeZone: Schema.optionalKey(Schema.String)
})
export type Organisation = typeof Organisation.Type

export const PoolTiming = Schema.Struct({
  /** 1 is Sunday, 7 is Saturday. */
  day: Schema.optionalKey(Schema.Int),
  month: Schema.optionalKey(Schema.Int),
  /** "HH:MM" in 24 hours; both ends inclusive. */
  startTime: Schema.optionalKey(Schema.String),
  endTime: Schema.optionalKey(Schema.String)
})
export type PoolTiming = typeof PoolTiming.Type

/** The conditions under which commerce money may be spent. An empty list means "no such condition". */
export const Pool = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  description: Schema.optionalKey(Schema.String),
  /** Organisations where it may be spent; a merchant covers its venues, the business covers all. */
  organisationIds: Schema.Array(Schema.String),
  /** Stock keeping units it may be spent on. */
  skus: Schema.Array(Schema.String),
  /** Any one of them has to match. */
  timings: Schema.Array(PoolTiming),
  /** The contact has to activate it first. */
  needsActivation: Schema.Boolean,
  /** Whole days a credit stays valid: it expires at the end of the last day; absent means for ever. */
  validityDays: Schema.optionalKey(Schema.Int)
})
export type Pool = typeof Pool.Type

export const ApiKey = Schema.Struct({
  id: Schema.String,
  /** SHA-256 of the key, hex: the key itself is shown once and never stored. */
  hash: Schema.String,
  kind: Schema.Literals(["SECRET", "PUBLISHABLE"]),
  /** May also open further businesses of the service owner. */
  serviceOwner: Schema.Boolean
})
export type ApiKey = typeof ApiKey.Type

const Functionality = Schema.Literals(["COMPLETE", "NONE"])

export const BusinessSettings = Schema.Struct({
  /** SHR-5: whose money pays first. */
  sharingOrder: Schema.Literals(["OWNER_FIRST", "MEMBER_FIRST"]),
  /** IDN-2: a static wallet code, or one that rotates. */
  walletCodeMode: Schema.Literals(["STATIC", "DYNAMIC"]),
  /** CON-2: what is left to a contact who rejected or withdrew her consent. */
  consentEffects: Schema.optionalKey(Schema.Struct({ rejected: Functionality, withdrawn: Functionality })),
  /** When marketing rests, "HH:MM" in the contact's zone, over midnight if `from` is later than `until`. */
  quietHours: Schema.optionalKey(Schema.Struct({ from: Schema.String, until: Schema.String })),
  /** At most so many marketing messages of a channel to one contact in so many hours. */
  frequencyCaps: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        channel: Schema.Literals(["EMAIL", "SMS", "INAPP", "DEVICE"]),
        maximum: Schema.Int,
        hours: Schema.Int
      })
    )
  )
})
export type BusinessSettings = typeof BusinessSettings.Type

export const Business = Schema.Struct({
  /** Empty until opened. */
  id: Schema.String,
  name: Schema.String,
  serviceOwnerId: Schema.String,
  currency: Schema.String,
  /** ISO 3166-1 alpha-3. */
  country: Schema.String,
  /** IANA zone: days and months of every rule are taken in it. */
  timeZone: Schema.String,
  settings: BusinessSettings,
  organisations: Schema.Record(Schema.String, Organisation),
  pools: Schema.Record(Schema.String, Pool),
  apiKeys: Schema.Array(ApiKey),
  /** Units of the business currency for one unit of the other, as a decimal string (PUR-3). */
  exchangeRates: Schema.Record(Schema.String, Schema.String),
  /** AUT-2: which automations judge before a contact is made or changed; none if absent. */
  priorAutomations: Schema.optionalKey(PriorAutomations)
})
export type Business = typeof Business.Type

export const initial: Business = {
  id: "",
  name: "",
  serviceOwnerId: "",
  currency: "EUR",
  country: "CYP",
  timeZone: "Europe/Nicosia",
  settings: { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" },
  organisations: {},
  pools: {},
  apiKeys: [],
  exchangeRates: {}
}
