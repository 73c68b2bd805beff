/** Dates of the calendar and whole days since 1970-01-01, either way, and months that are added to a date. */

export interface CivilDate {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
}

export const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

const daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
export const daysInMonth = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : (daysOfMonths[month - 1] ?? 0)

/** 400 years, after which the calendar repeats itself. */
const eraDays = 146_097
/** From 1 March of year 0, where leap days come last, to 1970-01-01. */
const epochDays = 719_468

/** Days since 1970-01-01. */
export const dayOf = ({ year, month, day }: CivilDate): number => {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return (
    era * eraDays + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - epochDays
  )
}

export const civilOf = (dayNumber: number): CivilDate => {
  const days = dayNumber + epochDays
  const era = Math.floor(days / eraDays)
  const dayOfEra = days - era * eraDays
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = ((shiftedMonth + 2) % 12) + 1
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  }
}

/** The same day so many months on, or the last of that month where it is shorter. */
export const plusMonths = (dayNumber: number, months: number): number => {
  const { year, month, day } = civilOf(dayNumber)
  const index = year * 12 + month - 1 + months
  const to = { year: Math.floor(index / 12), month: (((index % 12) + 12) % 12) + 1 }
  return dayOf({ ...to, day: Math.min(day, daysInMonth(to.year, to.month)) })
}
