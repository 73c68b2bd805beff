/**
 * Who a contact is. Everything here identifies a person or a company: wherever it is stored for good, it is sealed.
 * Field names and limits follow the published self-service description (rules 1.1).
 */
import * as Schema from "effect/Schema"

export const Phone = Schema.Struct({
  type: Schema.Literals(["LANDLINE", "MOBILE", "FAX"]),
  /** ISO 3166-1 alpha-3, as given. */
  countryCode: Schema.optionalKey(Schema.String),
  /** As given, for display. */
  number: Schema.String,
  /** E.164, for comparison (UNQ-3). */
  e164: Schema.String
})
export type Phone = typeof Phone.Type

const MonthDay = { month: Schema.Int, day: Schema.Int }
const Document = Schema.Struct({
  number: Schema.String,
  issuingCountryCode: Schema.String,
  /** Epoch seconds. */
  expirationDate: Schema.Int
})

const Demographics = Schema.Struct({
  gender: Schema.optionalKey(Schema.Literals(["FEMALE", "MALE", "OTHER"])),
  dateOfBirth: Schema.optionalKey(Schema.Struct({ year: Schema.Int, ...MonthDay })),
  nameDay: Schema.optionalKey(Schema.Struct(MonthDay)),
  passport: Schema.optionalKey(Document),
  idDetails: Schema.optionalKey(Document),
  statutoryNumber: Schema.optionalKey(Schema.String)
})

const CompanyProfile = Schema.Struct({
  registrationNumber: Schema.optionalKey(Schema.String),
  registrationCountry: Schema.optionalKey(Schema.String),
  taxReferenceNumber: Schema.optionalKey(Schema.String),
  vatRegistrationNumber: Schema.optionalKey(Schema.String),
  industryId: Schema.optionalKey(Schema.String),
  subIndustryIds: Schema.optionalKey(Schema.Array(Schema.String))
})

export const Profile = Schema.Struct({
  firstName: Schema.optionalKey(Schema.String),
  middleName: Schema.optionalKey(Schema.String),
  lastName: Schema.optionalKey(Schema.String),
  companyName: Schema.optionalKey(Schema.String),
  companyProfile: Schema.optionalKey(CompanyProfile),
  /** Lower-case (UNQ-3). */
  email: Schema.optionalKey(Schema.String),
  phone: Schema.optionalKey(Phone),
  demographics: Schema.optionalKey(Demographics),
  customFields: Schema.optionalKey(Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.String })))
})
export type Profile = typeof Profile.Type

/** A payment card that identifies its holder (CIM-2): never the number, only a keyed hash of it. */
export const Card = Schema.Struct({
  /** HMAC-SHA-256 of the number under the tenant's key, or a hash made elsewhere, prefixed by its origin. */
  hash: Schema.String,
  firstSix: Schema.optionalKey(Schema.String),
  lastFour: Schema.optionalKey(Schema.String)
})
export type Card = typeof Card.Type

/** The values that name a contact towards others (IDN-1..3, CIM-1). */
export const Identity = Schema.Struct({
  code: Schema.String,
  referralCode: Schema.String,
  /** 16 digits (IDN-2). */
  walletCode: Schema.String,
  loyaltyIdentifiers: Schema.Array(Schema.String),
  cards: Schema.Array(Card),
  giftPasses: Schema.Array(Schema.String)
})
export type Identity = typeof Identity.Type

/** The name to print: of the person, or of the company. */
export const displayName = (profile: Profile): string =>
  profile.companyName ?? [profile.firstName, profile.middleName, profile.lastName].filter(Boolean).join(" ")
