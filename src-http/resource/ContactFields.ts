/**
 * What may be said of a contact, field by field as the published description names them, and what it means. Strict: an
 * unknown field, country or date is refused by its pointer. A `null` says nothing, as if the field were left out.
 */
import { e164Of } from "#domain/contact/PhoneNumber.ts"
import type { Profile } from "#domain/contact/Profile.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { isTimeZone } from "#domain/shared/CalendarDate.ts"
import { CountryCode } from "#domain/shared/Country.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Fault, invalidField } from "../door/Fault.ts"
import { Id, Instant, Line, present } from "./Fields.ts"

const customFieldsMax = 100
const customValueLengthMax = 4_000
const subIndustriesMax = 50
const daysOfMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
const isDate = ({ year = 2000, month, day }: { year?: number; month: number; day: number }): boolean =>
  day >= 1 && day <= (daysOfMonths[month - 1] ?? 0) && (isLeap(year) || month !== 2 || day !== 29)
const aDate = Schema.makeFilter(isDate, { message: "There is no such day." })

const Document = Schema.Struct({
  number: Line,
  issuing_country_code: CountryCode,
  expiration_date: Instant
})
const Demographics = Schema.Struct({
  gender: Schema.optionalKey(Schema.Literals(["FEMALE", "MALE", "OTHER"])),
  date_of_birth: nullable(
    Schema.Struct({
      year: Schema.Int.check(Schema.isBetween({ minimum: 1800, maximum: 9999 })),
      month: Schema.Int,
      day: Schema.Int
    }).check(aDate)
  ),
  name_day: nullable(Schema.Struct({ month: Schema.Int, day: Schema.Int }).check(aDate)),
  passport: nullable(Document),
  id_details: nullable(Document),
  statutory_number: Schema.optionalKey(Line)
})
const CompanyProfile = Schema.Struct({
  registration_number: nullable(Line),
  registration_country: nullable(CountryCode),
  tax_reference_number: nullable(Line),
  vat_registration_number: nullable(Line),
  industry_id: nullable(Id),
  sub_industries: nullable(
    Schema.Array(Schema.Struct({ id: Schema.optionalKey(Id) })).check(Schema.isMaxLength(subIndustriesMax))
  )
})

export const Email = Schema.String.check(
  Schema.isPattern(/^[^\s@]+@[^\s@]+$/, { message: "An e-mail address has a name, an @ and a domain." }),
  Schema.isMaxLength(254)
)
/** A number of a country, or E.164. */
export const PhoneGiven = Schema.Struct({ country_code: Schema.optionalKey(CountryCode), number: Line })
export type PhoneGiven = typeof PhoneGiven.Type

const LanguageCode = Schema.String.check(
  Schema.isPattern(/^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/, {
    message: "A language code is needed, such as ENG or el."
  })
)

const TimeZone = Line.check(
  Schema.makeFilter(isTimeZone, { message: "The time zone is a name of the IANA database, such as Europe/Nicosia." })
)

export const contactFields = {
  first_name: nullable(Line),
  middle_name: nullable(Line),
  last_name: nullable(Line),
  language_code: nullable(LanguageCode),
  /** Where she lives: the business's zone, if it was never said. */
  time_zone: nullable(TimeZone),
  email: Schema.optionalKey(Email),
  phone: Schema.optionalKey(
    Schema.Struct({ type: Schema.Literals(["LANDLINE", "MOBILE", "FAX"]), ...PhoneGiven.fields })
  ),
  demographics: Schema.optionalKey(Demographics),
  sms_opt_out: Schema.optionalKey(Schema.Boolean),
  email_opt_out: Schema.optionalKey(Schema.Boolean),
  custom_fields: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ key: Line, value: Schema.String.check(Schema.isMaxLength(customValueLengthMax)) })
    ).check(Schema.isMaxLength(customFieldsMax))
  ),
  company_name: Schema.optionalKey(Line),
  company_profile: Schema.optionalKey(CompanyProfile)
}
const ContactFields = Schema.Struct(contactFields)
export type ContactFields = typeof ContactFields.Type

/** E.164; `pointer` is where the number stands in the body, or the name of the parameter that it is. */
export const phoneOf = (
  phone: PhoneGiven,
  pointer: string,
  business: Pick<Business, "country">
): Effect.Effect<string, Fault> =>
  Effect.mapError(
    Effect.fromResult(e164Of({ countryCode: phone.country_code, number: phone.number }, pointer, business.country)),
    ({ field, rule }) => invalidField(field, rule)
  )

type Given<K extends keyof ContactFields> = NonNullable<ContactFields[K]>

const document = (given: typeof Document.Type | null | undefined) =>
  given == null
    ? undefined
    : {
        number: given.number,
        issuingCountryCode: given.issuing_country_code,
        expirationDate: given.expiration_date
      }

const demographicsOf = (given: Given<"demographics">): NonNullable<Profile["demographics"]> =>
  present({
    gender: given.gender,
    dateOfBirth: given.date_of_birth ?? undefined,
    nameDay: given.name_day ?? undefined,
    passport: document(given.passport),
    idDetails: document(given.id_details),
    statutoryNumber: given.statutory_number
  })

const companyProfileOf = (given: Given<"company_profile">): NonNullable<Profile["companyProfile"]> =>
  present({
    registrationNumber: given.registration_number ?? undefined,
    registrationCountry: given.registration_country ?? undefined,
    taxReferenceNumber: given.tax_reference_number ?? undefined,
    vatRegistrationNumber: given.vat_registration_number ?? undefined,
    industryId: given.industry_id ?? undefined,
    subIndustryIds: given.sub_industries?.flatMap(({ id }) => id ?? [])
  })

/** Who the contact is, of what was said; only what was said is in it. */
export const profileOf = (given: ContactFields, business: Pick<Business, "country">): Effect.Effect<Profile, Fault> => {
  const { phone, demographics, company_profile } = given
  const e164 = phone === undefined ? Effect.succeed(undefined) : phoneOf(phone, "/phone", business)
  return Effect.map(e164, (e164) =>
    present({
      firstName: given.first_name ?? undefined,
      middleName: given.middle_name ?? undefined,
      lastName: given.last_name ?? undefined,
      companyName: given.company_name,
      companyProfile: company_profile && companyProfileOf(company_profile),
      email: given.email,
      phone:
        phone === undefined || e164 === undefined
          ? undefined
          : present({ type: phone.type, countryCode: phone.country_code, number: phone.number, e164 }),
      demographics: demographics && demographicsOf(demographics),
      customFields: given.custom_fields
    })
  )
}

/** What is neither who she is nor what identifies her. */
export const preferencesOf = (given: ContactFields) =>
  present({
    languageCode: given.language_code ?? undefined,
    timeZone: given.time_zone ?? undefined,
    emailOptOut: given.email_opt_out,
    smsOptOut: given.sms_opt_out
  })
