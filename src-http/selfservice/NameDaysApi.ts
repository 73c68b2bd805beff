/** Name days, for apps that suggest one, and for the back office. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { NameDay, nameDayQuery } from "../resource/NameDay.ts"

const description =
  "Of the Orthodox calendar, in Greek or Latin letters; feasts that move with Easter on their day of this year. With " +
  "`first_name`, the one that this name has."
const success = Schema.Struct({ name_day_rules: Schema.Array(NameDay) })

export const listNameDayRules = declare({
  method: "GET",
  path: "/self-service/v2/name_day_rules",
  tag: "Settings",
  name: "listNameDayRules",
  summary: "List name days",
  description,
  access: "contact",
  query: Schema.Struct(nameDayQuery),
  status: 200,
  success
})

export const listNameDays = declare({
  method: "GET",
  path: "/backoffice/v2/name_days",
  tag: "Settings",
  name: "listNameDays",
  summary: "List name days",
  description,
  access: "secret",
  query: Schema.Struct({
    ...nameDayQuery,
    year: Schema.optionalKey(
      Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1900, maximum: 2199 }))
    )
  }),
  status: 200,
  success
})
