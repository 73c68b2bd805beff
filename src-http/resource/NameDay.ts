/** A rule of name days as both doors show it: on which day of a year, whose, and why. Safe to share with clients. */
import { feastIn, nameDayRuleOf } from "#domain/contact/NameDays.ts"
import { type NameDayRule, nameDayRules } from "#domain/contact/NameDayTable.ts"
import { civilOf } from "#domain/shared/CivilDate.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Schema from "effect/Schema"
import { Line } from "./Fields.ts"

export const nameDayQuery = { first_name: Schema.optionalKey(Line) }

export const NameDay = Schema.Struct({
  id: Schema.String,
  day: Schema.Int,
  month: Schema.Int,
  /** Separated by commas. */
  names: Schema.String,
  description: Schema.String
})

const rendered = ({ feast, names, description }: NameDayRule, year: number): typeof NameDay.Type => {
  const { month, day } = civilOf(feastIn(feast, year))
  return { id: nameUuid("name-day-rule", description), day, month, names: names.split(" ").join(", "), description }
}

/** Those of a year, movable feasts on the day they fall on; of a first name, the one that it has. */
export const nameDaysOf = (year: number, firstName: string | undefined): ReadonlyArray<typeof NameDay.Type> => {
  if (firstName === undefined) return nameDayRules.map((rule) => rendered(rule, year))
  const rule = nameDayRuleOf(firstName)
  return rule === undefined ? [] : [rendered(rule, year)]
}
