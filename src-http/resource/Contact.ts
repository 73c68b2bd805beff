/** A contact as both doors answer it: the published self-service shape, and what the back office sees beyond it. */
import { ConsentState } from "#domain/contact/Consent.ts"
import { InteractionState } from "#domain/contact/Interaction.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Profile } from "#domain/contact/Profile.ts"
import * as Schema from "effect/Schema"
import { epoch, present } from "./Fields.ts"

const text = Schema.optionalKey(Schema.String)
const Reference = Schema.Struct({ id: Schema.String })
const MonthDay = { month: Schema.Int, day: Schema.Int }
const Document = Schema.Struct({
  number: Schema.String,
  issuing_country_code: Schema.String,
  /** Epoch seconds. */
  expiration_date: Schema.Int
})

export const Wallet = Schema.Struct({ id: Schema.String, code: Schema.String })

const contactShape = {
  id: Schema.String,
  code: Schema.String,
  type: Schema.Literals(["PERSON", "COMPANY"]),
  first_name: text,
  middle_name: text,
  last_name: text,
  company_name: text,
  company_profile: Schema.optionalKey(
    Schema.Struct({
      registration_number: text,
      registration_country: text,
      tax_reference_number: text,
      vat_registration_number: text,
      industry: Schema.optionalKey(Reference),
      sub_industries: Schema.Array(Reference)
    })
  ),
  language_code: Schema.String,
  /** By its clocks messages are timed; the published description does not name it. */
  time_zone: Schema.String,
  email: text,
  phone: Schema.optionalKey(
    Schema.Struct({ type: Schema.Literals(["LANDLINE", "MOBILE", "FAX"]), country_code: text, number: Schema.String })
  ),
  demographics: Schema.optionalKey(
    Schema.Struct({
      gender: Schema.optionalKey(Schema.Literals(["FEMALE", "MALE", "OTHER"])),
      name_day: Schema.optionalKey(Schema.Struct(MonthDay)),
      date_of_birth: Schema.optionalKey(Schema.Struct({ year: Schema.Int, ...MonthDay })),
      passport: Schema.optionalKey(Document),
      id_details: Schema.optionalKey(Document),
      statutory_number: text
    })
  ),
  referral_code: Schema.String,
  sms_opt_out: Schema.Boolean,
  email_opt_out: Schema.Boolean,
  country_of_agreement: Schema.String,
  loyalty_identifiers: Schema.Array(Schema.Struct({ identifier: Schema.String })),
  custom_fields: Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.String })),
  wallet: Wallet,
  creatives: Schema.Array(Reference)
}

export const Contact = Schema.Struct(contactShape)
export type Contact = typeof Contact.Type

export const ContactInBackOffice = Schema.Struct({
  ...contactShape,
  /** Of each card what people recognise it by (CIM-2). */
  cards: Schema.Array(Schema.Struct({ first_six: text, last_four: text })),
  gift_passes: Schema.Array(Schema.String),
  spend_blocked: Schema.Boolean,
  tags: Schema.Array(Schema.String),
  consent: Schema.Struct({ state: ConsentState }),
  interaction_state: InteractionState,
  /** Epoch seconds. */
  registered_on: Schema.Int
})
export type ContactInBackOffice = typeof ContactInBackOffice.Type

type Given<K extends keyof Profile> = NonNullable<Profile[K]>

const renderCompanyProfile = (profile: Given<"companyProfile">) =>
  present({
    registration_number: profile.registrationNumber,
    registration_country: profile.registrationCountry,
    tax_reference_number: profile.taxReferenceNumber,
    vat_registration_number: profile.vatRegistrationNumber,
    industry: profile.industryId === undefined ? undefined : { id: profile.industryId },
    sub_industries: (profile.subIndustryIds ?? []).map((id) => ({ id }))
  })

const renderDocument = (document: NonNullable<Given<"demographics">["passport"]>) => ({
  number: document.number,
  issuing_country_code: document.issuingCountryCode,
  expiration_date: document.expirationDate
})

const renderDemographics = (demographics: Given<"demographics">) =>
  present({
    gender: demographics.gender,
    name_day: demographics.nameDay,
    date_of_birth: demographics.dateOfBirth,
    passport: demographics.passport && renderDocument(demographics.passport),
    id_details: demographics.idDetails && renderDocument(demographics.idDetails),
    statutory_number: demographics.statutoryNumber
  })

/** As given: E.164 is only for comparing. */
const renderPhone = ({ type, countryCode, number }: Given<"phone">) =>
  present({ type, country_code: countryCode, number })

/** The wallet's id is its contact's. */
export const renderContact = (contact: ContactState): Contact => {
  const { profile, identity } = contact
  return present({
    id: contact.id,
    code: identity.code,
    type: contact.type,
    first_name: profile.firstName,
    middle_name: profile.middleName,
    last_name: profile.lastName,
    company_name: profile.companyName,
    company_profile: profile.companyProfile && renderCompanyProfile(profile.companyProfile),
    language_code: contact.languageCode,
    time_zone: contact.timeZone,
    email: profile.email,
    phone: profile.phone && renderPhone(profile.phone),
    demographics: profile.demographics && renderDemographics(profile.demographics),
    referral_code: identity.referralCode,
    sms_opt_out: contact.smsOptOut,
    email_opt_out: contact.emailOptOut,
    country_of_agreement: contact.countryOfAgreement,
    loyalty_identifiers: identity.loyaltyIdentifiers.map((identifier) => ({ identifier })),
    custom_fields: profile.customFields ?? [],
    wallet: { id: contact.id, code: identity.walletCode },
    creatives: []
  })
}

export const renderContactInBackOffice = (contact: ContactState): ContactInBackOffice => ({
  ...renderContact(contact),
  cards: contact.identity.cards.map(({ firstSix, lastFour }) => present({ first_six: firstSix, last_four: lastFour })),
  gift_passes: contact.identity.giftPasses,
  spend_blocked: contact.spendBlocked,
  tags: contact.tags,
  consent: { state: contact.consent },
  interaction_state: contact.interactionState,
  registered_on: epoch(contact.registeredAt)
})
