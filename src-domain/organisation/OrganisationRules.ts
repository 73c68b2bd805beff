/** What a business, its organisations, pools and rates have to look like. Fields are named as the API names them. */
import type { Refusal } from "../Refusal.ts"
import { countedSendsMax } from "../contact/Communication.ts"
import { isTimeZone } from "../shared/CalendarDate.ts"
import { CurrencyCode } from "../shared/Money.ts"
import * as Schema from "effect/Schema"
import type { Business, BusinessSettings, Organisation, OrganisationType, Pool, PoolTiming } from "./Business.ts"
import type { OpenBusiness } from "./BusinessCommand.ts"

const countryPattern = /^[A-Z]{3}$/
const timePattern = /^([01]\d|2[0-3]):[0-5]\d$/
const ratePattern = /^\d{1,12}(\.\d{1,12})?$/
const validityDaysMax = 36_525
/** Frequency caps of one business; what one of them counts, as far back as a contact's sends are remembered; its hours. */
const frequencyCapsMax = 20
const capHoursMax = 366 * 24

const invalid = (field: string, rule: string): Refusal => ({ _tag: "InvalidOrganisation", field, rule })

const isBlank = (value: string): boolean => value.trim() === ""

const isCurrency = Schema.is(CurrencyCode)

const objectionToZone = (timeZone: string): Refusal | undefined =>
  isTimeZone(timeZone) ? undefined : invalid("time_zone", "The time zone is a name of the IANA database.")

export const objectionToBusiness = (command: typeof OpenBusiness.Type): Refusal | undefined => {
  if (isBlank(command.businessId)) return invalid("id", "A business has an id.")
  if (isBlank(command.serviceOwnerId)) return invalid("service_owner_id", "A business has a service owner.")
  if (command.serviceOwnerId === command.businessId) return invalid("id", "A business is not its own service owner.")
  if (isBlank(command.name)) return invalid("name", "A business has a name.")
  if (!isCurrency(command.currency)) return invalid("currency_code", "A currency is three letters, as in ISO 4217.")
  if (!countryPattern.test(command.country)) return invalid("country", "A country is three letters, as in ISO 3166-1.")
  return objectionToZone(command.timeZone)
}

/** Whose child each type is. */
const parentTypes: Record<OrganisationType, OrganisationType | undefined> = {
  SERVICE_OWNER: undefined,
  BUSINESS: "SERVICE_OWNER",
  MERCHANT: "BUSINESS",
  VENUE: "MERCHANT"
}

/** Only merchants and venues are added: what stands above them is there from the beginning. */
export const objectionToOrganisation = (business: Business, organisation: Organisation): Refusal | undefined => {
  const { type, parentId, timeZone } = organisation
  if (isBlank(organisation.id)) return invalid("id", "An organisation has an id.")
  if (isBlank(organisation.name)) return invalid("name", "An organisation has a name.")
  if (type !== "MERCHANT" && type !== "VENUE") return invalid("type", "Only a merchant or a venue can be added.")
  const parent = parentId === undefined ? undefined : business.organisations[parentId]
  if (parentId !== undefined && parent === undefined) return { _tag: "OrganisationNotFound", id: parentId }
  if (parent?.type !== parentTypes[type]) {
    return invalid("parent_id", "A merchant belongs to the business, a venue to a merchant.")
  }
  return timeZone === undefined ? undefined : objectionToZone(timeZone)
}

const isBetween = (value: number | undefined, least: number, most: number): boolean =>
  value === undefined || (Number.isInteger(value) && least <= value && value <= most)

const isTime = (value: string | undefined): boolean => value === undefined || timePattern.test(value)

const objectionToTiming = ({ day, month, startTime, endTime }: PoolTiming): Refusal | undefined => {
  if (!isBetween(day, 1, 7)) return invalid("timings.day", "A day of the week is 1 (Sunday) to 7 (Saturday).")
  if (!isBetween(month, 1, 12)) return invalid("timings.month", "A month is 1 to 12.")
  if (!isTime(startTime)) return invalid("timings.start_time", "A time is HH:MM in 24 hours.")
  if (!isTime(endTime)) return invalid("timings.end_time", "A time is HH:MM in 24 hours.")
  return undefined
}

export const objectionToPool = (business: Business, pool: Pool): Refusal | undefined => {
  if (isBlank(pool.name)) return invalid("name", "A pool has a name.")
  const stranger = pool.organisationIds.find((id) => business.organisations[id] === undefined)
  if (stranger !== undefined) return { _tag: "OrganisationNotFound", id: stranger }
  if (pool.skus.some(isBlank)) return invalid("skus", "A stock keeping unit is not empty.")
  if (!isBetween(pool.validityDays, 0, validityDaysMax)) {
    return invalid("validity_days", `The validity is a whole number of days, at most ${validityDaysMax}.`)
  }
  return pool.timings.map(objectionToTiming).find((objection) => objection !== undefined)
}

const objectionToCaps = (caps: NonNullable<BusinessSettings["frequencyCaps"]>): Refusal | undefined => {
  if (caps.length > frequencyCapsMax) {
    return invalid("frequency_caps", `A business has at most ${frequencyCapsMax} frequency caps.`)
  }
  for (const { maximum, hours } of caps) {
    if (!isBetween(maximum, 0, countedSendsMax)) {
      return invalid("frequency_caps.maximum", `A cap is a whole number of messages, 0 to ${countedSendsMax}.`)
    }
    if (!isBetween(hours, 1, capHoursMax)) {
      return invalid("frequency_caps.hours", `A cap is over a whole number of hours, 1 to ${capHoursMax}.`)
    }
  }
  const names = caps.map(({ channel, hours }) => `${channel}/${hours}`)
  return new Set(names).size === names.length
    ? undefined
    : invalid("frequency_caps", "A channel has one cap for so many hours.")
}

export const objectionToSettings = ({ quietHours, frequencyCaps }: BusinessSettings): Refusal | undefined => {
  if (quietHours !== undefined) {
    if (!isTime(quietHours.from)) return invalid("quiet_hours.from", "A time is HH:MM in 24 hours.")
    if (!isTime(quietHours.until)) return invalid("quiet_hours.until", "A time is HH:MM in 24 hours.")
    if (quietHours.from === quietHours.until) return invalid("quiet_hours", "Quiet hours end at another time.")
  }
  return frequencyCaps === undefined ? undefined : objectionToCaps(frequencyCaps)
}

export const objectionToRate = (business: Business, currency: string, rate: string): Refusal | undefined => {
  if (!isCurrency(currency)) return invalid("currency_code", "A currency is three letters, as in ISO 4217.")
  if (currency === business.currency) return invalid("currency_code", "The business's own currency has no rate.")
  if (!ratePattern.test(rate) || Number(rate) === 0) {
    return invalid("rate", "A rate is a decimal greater than zero, with at most twelve digits on either side.")
  }
  return undefined
}
