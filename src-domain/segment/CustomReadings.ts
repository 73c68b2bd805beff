/**
 * Custom fields are texts. Those that are written as a number ("38", "-2.5") or as a date of the calendar ("1984-02-29") are
 * facts as such too, under names of their own, so that whatever can be asked of a number or a date can be asked of them. Any
 * other text is no such fact: there it has no value.
 */
import * as Schema from "effect/Schema"
import type { Profile } from "../contact/Profile.ts"
import { type CivilDate, daysInMonth } from "../shared/CivilDate.ts"

const Day = Schema.Struct({ year: Schema.Int, month: Schema.Int, day: Schema.Int })
export const CustomReadings = Schema.Struct({
  customNumbers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  customDates: Schema.optionalKey(Schema.Record(Schema.String, Day))
})

/** No more digits than a double holds exactly. */
const number = /^-?\d{1,12}(?:\.\d{1,3})?$/
const date = /^(\d{4})-(\d\d)-(\d\d)$/

const numberOf = (text: string): number | undefined => (number.test(text) ? Number(text) : undefined)
const dateOf = (text: string): CivilDate | undefined => {
  const [year = 0, month = 0, day = 0] = (date.exec(text) ?? []).slice(1).map(Number)
  return day >= 1 && day <= daysInMonth(year, month) ? { year, month, day } : undefined
}

const readable = <A>(
  fields: Profile["customFields"],
  read: (text: string) => A | undefined
): Readonly<Record<string, A>> | undefined => {
  const found = (fields ?? []).flatMap(({ key, value }) => {
    const one = read(value.trim())
    return one === undefined ? [] : [[key, one] as const]
  })
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

export const customReadings = ({ customFields }: Profile): typeof CustomReadings.Type => {
  const [customNumbers, customDates] = [readable(customFields, numberOf), readable(customFields, dateOf)]
  return { ...(customNumbers && { customNumbers }), ...(customDates && { customDates }) }
}
