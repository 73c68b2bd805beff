/**
 * Follows what automations bring about until it ends: an event that names a cause is remembered by the message or activity
 * that it began, and what becomes of that (it was sent, it is done) has the same cause. So a chain is not lost on its way
 * through people and gateways (AUT-8).
 */
import type { Event } from "#domain/Event.ts"
import { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Committed, recordset } from "../projection/Projection.ts"

/** What begins something that ends later. */
export const effectTags: ReadonlyArray<Event["_tag"]> = ["CommunicationRequested", "ActivityScheduled"]
const ends: ReadonlySet<Event["_tag"]> = new Set<Event["_tag"]>([
  "CommunicationCompleted",
  "CommunicationRejected",
  "ActivityClosed"
])

const CauseText = Schema.fromJsonString(Cause)
const encode = Schema.encodeSync(CauseText)
const decode = Schema.decodeUnknownSync(CauseText)

const keep =
  "INSERT INTO automation_effect (business, effect, cause, at) SELECT business, effect, cause, at " +
  "FROM json_to_recordset($1::json) AS r(business uuid, effect text, cause text, at bigint) ON CONFLICT DO NOTHING"
const take =
  "DELETE FROM automation_effect e USING json_to_recordset($1::json) AS r(business uuid, effect text) " +
  "WHERE e.business = r.business AND e.effect = r.effect RETURNING e.business, e.effect, e.cause"

/** Of what may end once more: a text that was taken can turn out not to have arrived. The row goes with the others of its age. */
const look =
  "SELECT e.business, e.effect, e.cause FROM automation_effect e JOIN json_to_recordset($1::json) " +
  "AS r(business uuid, effect text) ON e.business = r.business AND e.effect = r.effect"
const mayEndAgain = ({ event }: Committed): boolean =>
  event._tag === "CommunicationCompleted" && event.gateway === "SMS"

const effectOf = ({ event }: Committed): string | undefined => {
  if ("communicationId" in event) return `communication/${event.communicationId}`
  return "activityId" in event ? `activity/${event.activityId}` : undefined
}

const namedBy = ({ event }: Committed): Cause | undefined => ("cause" in event ? event.cause : undefined)

/** Whether it begins or ends something that is followed. */
export const concerns = (committed: Committed): boolean =>
  ends.has(committed.event._tag) || (effectTags.includes(committed.event._tag) && namedBy(committed) !== undefined)

/** The cause of each event, where it has one. */
export const follow: (
  sql: SqlClient,
  events: ReadonlyArray<Committed>
) => Effect.Effect<ReadonlyArray<Cause | undefined>, SqlError> = Effect.fnUntraced(function* (sql, events) {
  const begun = events.flatMap((committed) => {
    const cause = namedBy(committed)
    const effect = effectOf(committed)
    if (cause === undefined || effect === undefined || !effectTags.includes(committed.event._tag)) return []
    return [{ business: committed.row.business, effect, cause: encode(cause), at: committed.row.at }]
  })
  if (begun.length > 0) yield* sql.unsafe(keep, [recordset(begun)])
  const known = new Map<string, Cause>()
  for (const isLast of [false, true]) {
    const ended = events.flatMap((committed) => {
      const effect = effectOf(committed)
      const isIt = ends.has(committed.event._tag) && mayEndAgain(committed) !== isLast
      return effect !== undefined && isIt ? [{ business: committed.row.business, effect }] : []
    })
    if (ended.length === 0) continue
    const text = isLast ? take : look
    const rows = yield* sql.unsafe<{ business: string; effect: string; cause: string }>(text, [recordset(ended)])
    for (const { business, effect, cause } of rows) known.set(`${business}/${effect}`, decode(cause))
  }
  return events.map((committed) => namedBy(committed) ?? known.get(`${committed.row.business}/${effectOf(committed)}`))
})
