/**
 * On which days of the year persons are remembered, for plans: a view of the journal in the clear, since a day has to be
 * found among millions. A birthday and a name day as she has said them, or the feast of her first name (NAM-1).
 */
import { feastIn, nameDayRuleOf } from "#domain/contact/NameDays.ts"
import { nameDayRules } from "#domain/contact/NameDayTable.ts"
import type { Profile } from "#domain/contact/Profile.ts"
import { civilOf, isLeap } from "#domain/shared/CivilDate.ts"
import * as Effect from "effect/Effect"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"

interface MonthDay {
  readonly month: number
  readonly day: number
}

const numberOf = ({ month, day }: MonthDay): number => month * 100 + day

const daysOf = ({ demographics, firstName }: Profile) => ({
  birthday: demographics?.dateOfBirth === undefined ? null : numberOf(demographics.dateOfBirth),
  name_day: demographics?.nameDay === undefined ? null : numberOf(demographics.nameDay),
  feast: (firstName === undefined ? undefined : nameDayRuleOf(firstName)?.description) ?? null
})

const names = "business, contact, time_zone, former_zone, moved_at, birthday, name_day, feast"
const rowsGiven =
  "json_to_recordset($1::json) AS r(business uuid, contact uuid, time_zone text, former_zone text, moved_at bigint, " +
  "birthday smallint, name_day smallint, feast text)"
const register =
  `INSERT INTO contact_anniversary (${names}) SELECT ${names} FROM ${rowsGiven} ON CONFLICT (business, contact) ` +
  "DO UPDATE SET time_zone = excluded.time_zone, former_zone = excluded.former_zone, moved_at = excluded.moved_at, " +
  "birthday = excluded.birthday, name_day = excluded.name_day, feast = excluded.feast"
const update =
  "UPDATE contact_anniversary a SET time_zone = coalesce(r.time_zone, a.time_zone), former_zone = " +
  "coalesce(r.former_zone, a.former_zone), moved_at = coalesce(r.moved_at, a.moved_at), birthday = r.birthday, " +
  `name_day = r.name_day, feast = r.feast FROM ${rowsGiven} WHERE a.business = r.business AND a.contact = r.contact`

interface Row {
  readonly business: string
  readonly contact: string
  /** It says everything: she was registered. */
  readonly registered: boolean
  /** Absent of an update that leaves it as it is. */
  readonly time_zone?: string
  /** Where she lived before, and when she moved. */
  readonly former_zone?: string
  readonly moved_at?: number
}

const evolve = (known: Row | undefined, { event, row: { business, key } }: Committed): Row | undefined => {
  if (event._tag === "ContactRegistered") {
    if (event.type !== "PERSON") return known
    return { business, contact: key, registered: true, time_zone: event.timeZone, ...daysOf(event.profile) }
  }
  if (event._tag !== "ContactUpdated") return known
  const { timeZone, previous, at } = event
  const former = previous?.timeZone === undefined ? {} : { former_zone: previous.timeZone, moved_at: at }
  const moved = timeZone === undefined ? {} : { time_zone: timeZone, ...former }
  return { registered: false, ...known, business, contact: key, ...moved, ...daysOf(event.profile) }
}

export const anniversaries: Projection = {
  name: "anniversaries",
  types: ["ContactRegistered", "ContactUpdated"],
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE contact_anniversary")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const rows = new Map<string, Row>()
    for (const committed of events) {
      const { key } = committed.row
      const row = evolve(rows.get(key), committed)
      if (row !== undefined) rows.set(key, row)
    }
    const all = [...rows.values()]
    const registered = all.filter((row) => row.registered)
    // A company that is updated has no row, and gets none.
    const updated = all.filter((row) => !row.registered)
    if (registered.length > 0) yield* sql.unsafe(register, [recordset(registered)])
    if (updated.length > 0) yield* sql.unsafe(update, [recordset(updated)])
  })
}

/** The days of a year that are kept on a date: 29 February comes on the 28th in common years. */
export const keptOn = (day: number): ReadonlyArray<number> => {
  const { year, month, day: ofMonth } = civilOf(day)
  const kept = numberOf({ month, day: ofMonth })
  return kept === 228 && !isLeap(year) ? [228, 229] : [kept]
}

/** The feasts that are kept on a date. */
export const feastsOn = (day: number): ReadonlyArray<string> => {
  const { year } = civilOf(day)
  return nameDayRules.filter(({ feast }) => feastIn(feast, year) === day).map(({ description }) => description)
}

/** The zones in which persons of a business live, one look at the index for each, and those that some have left since. */
export const zonesOf =
  "WITH RECURSIVE zone(name) AS (SELECT min(time_zone) FROM contact_anniversary WHERE business = $1::uuid UNION ALL " +
  "SELECT (SELECT min(time_zone) FROM contact_anniversary WHERE business = $1::uuid AND time_zone > zone.name) " +
  "FROM zone WHERE zone.name IS NOT NULL) SELECT name FROM zone WHERE name IS NOT NULL UNION SELECT former_zone " +
  "FROM contact_anniversary WHERE business = $1::uuid AND moved_at > $2::bigint"
