/** Name days: a calendar, the same for everybody. */
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import { civilOf } from "#domain/shared/CivilDate.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { nameDaysOf } from "../resource/NameDay.ts"
import { listNameDayRules, listNameDays } from "./NameDaysApi.ts"

const yearIn = (timeZone: string) =>
  Effect.map(Clock.currentTimeMillis, (now) => civilOf(dayNumber(now, timeZone)).year)

export const nameDayRoutes = [
  serve(
    listNameDayRules,
    Effect.fnUntraced(function* ({ principal, query }) {
      const year = yield* yearIn(principal.business.timeZone)
      return { body: { name_day_rules: nameDaysOf(year, query.first_name) } }
    })
  ),
  serve(
    listNameDays,
    Effect.fnUntraced(function* ({ principal, query }) {
      const year = query.year ?? (yield* yearIn(principal.business.timeZone))
      return { body: { name_day_rules: nameDaysOf(year, query.first_name) } }
    })
  )
]
