/**
 * Leads from a run of an automation, or from a join or leave of a segment, back to what brought it about: the event as the
 * activity feed names it, and the purchase that it tells of or comes from, through joins, through messages and activities
 * that ended, and through as many automations as a chain may have. A run that is not kept any more, one of a plan, and a
 * join that no event brought about (an instant came, the segment was computed anew) lead nowhere.
 */
import type { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Codec } from "../journal/Codec.ts"
import { eventNameOf, eventPlaceOf, purchaseOf } from "../journal/EventPlace.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import { chainLengthMax } from "./Candidates.ts"

/** What set off a run. */
export interface CauseLink {
  /** As in the activity feed. */
  readonly eventId: string
  readonly purchaseId?: string | undefined
}

/** How the feed names an event: by its place in its shard, which never changes. */
export const feedIdOf = ({ shard, offset }: Pick<EventRow, "shard" | "offset">): string => `${shard}/${offset}`

const changePrefix = "segment/"
/** How the feed names a join or a leave of a segment. */
export const feedIdOfChange = (changeId: string): string => `${changePrefix}${changeId}`

const rowsAt = (journal: Journal["Service"], business: string, events: ReadonlyArray<string>) => {
  const places = events.flatMap((event) => (event.startsWith(changePrefix) ? [] : (eventPlaceOf(event) ?? [])))
  const rows = places.length === 0 ? Effect.succeed([]) : journal.eventsAt(business, places)
  return Effect.map(rows, (found) => new Map(found.map((row) => [eventNameOf(row), row])))
}

/** As the feed names them, by how runs name them. */
export const feedIdsOf = (
  journal: Journal["Service"],
  business: string,
  events: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, string>, JournalUnavailable> =>
  Effect.map(rowsAt(journal, business, events), (rows) => {
    const names = events.flatMap((event): ReadonlyArray<readonly [string, string]> => {
      if (event.startsWith(changePrefix)) return [[event, event]]
      const row = rows.get(event)
      return row === undefined ? [] : [[event, feedIdOf(row)]]
    })
    return new Map(names)
  })

/** The join or leave that set off a run brings along what is behind it. */
const eventsOfRuns =
  "SELECT r.id, r.event, c.event AS change_event, coalesce(r.caused_by, c.cause::json ->> 'runId') AS before " +
  "FROM automation_run r LEFT JOIN segment_change c ON c.business = r.business AND c.contact = r.contact " +
  "AND c.at = r.event_at AND 'segment/' || c.id = r.event WHERE r.business = $1::uuid AND r.id = ANY ($2::uuid[])"

interface RunRow {
  readonly id: string
  readonly event: string
  readonly change_event: string | null
  readonly before: string | null
}

interface Found extends CauseLink {
  /** The run that brought it about, or what set it off. */
  readonly before?: string | undefined
}

/** What brought about a join or leave. */
export interface Origin extends CauseLink {
  /** The type of the event. */
  readonly type: string
}

interface Sources {
  readonly sql: SqlClient
  readonly journal: Journal["Service"]
  readonly keys: DataKeys["Service"]
  readonly codec: Codec
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

export const make = ({ sql, journal, keys, codec }: Sources) => {
  /** By their names, what events tell of themselves. */
  const told = Effect.fnUntraced(function* (business: string, names: ReadonlyArray<string>) {
    const rows = yield* rowsAt(journal, business, names)
    const keyOf = yield* keys.ofRows([...rows.values()])
    return new Map(
      Array.from(rows, ([name, row]): readonly [string, Found & Origin] => {
        const event = codec.readEvent(row, keyOf(row))
        const cause: Cause | undefined = "cause" in event ? event.cause : undefined
        const found = { eventId: feedIdOf(row), purchaseId: purchaseOf(row, event), before: cause?.runId }
        return [name, { ...found, type: row.type }]
      })
    )
  })

  const found = Effect.fnUntraced(function* (business: string, runs: ReadonlyArray<string>) {
    const rows = yield* sql.unsafe<RunRow>(eventsOfRuns, [business, runs])
    const events = yield* told(
      business,
      rows.map(({ event, change_event }) => change_event ?? event)
    )
    return rows.flatMap(({ id, event, change_event, before }): ReadonlyArray<readonly [string, Found]> => {
      const known = events.get(change_event ?? event)
      const eventId = event.startsWith(changePrefix) ? event : known?.eventId
      if (eventId === undefined) return []
      return [[id, { eventId, purchaseId: known?.purchaseId, before: before ?? known?.before }]]
    })
  })

  /** By run, for those that are known; asked for all at once, and a step back at a time. */
  const ofRuns = Effect.fnUntraced(function* (
    business: string,
    runs: Iterable<string>
  ): Effect.fn.Return<ReadonlyMap<string, CauseLink>, SqlError | JournalUnavailable> {
    const all = new Map<string, Found>()
    let next = [...new Set(runs)].filter(isUuid)
    for (let step = 0; step < chainLengthMax && next.length > 0; step++) {
      for (const [run, link] of yield* found(business, next)) all.set(run, link)
      const before = next.flatMap((run) => all.get(run)?.before ?? [])
      next = [...new Set(before)].filter((run) => isUuid(run) && !all.has(run))
    }
    const purchaseBefore = (run: string | undefined, steps: number): string | undefined => {
      const link = run === undefined || steps === 0 ? undefined : all.get(run)
      return link === undefined ? undefined : (link.purchaseId ?? purchaseBefore(link.before, steps - 1))
    }
    return new Map(
      Array.from(all, ([run, { eventId }]) => {
        return [run, { eventId, purchaseId: purchaseBefore(run, chainLengthMax) }] as const
      })
    )
  })

  /** By the names of events, for those that joins and leaves are put down to. */
  const ofEvents = Effect.fnUntraced(function* (
    business: string,
    names: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyMap<string, Origin>, SqlError | JournalUnavailable> {
    const events = yield* told(business, names)
    const runs = [...events.values()].flatMap(({ purchaseId, before }) =>
      purchaseId === undefined && before !== undefined ? [before] : []
    )
    const links = runs.length === 0 ? undefined : yield* ofRuns(business, runs)
    return new Map(
      Array.from(events, ([name, { eventId, type, purchaseId, before }]) => {
        return [name, { eventId, type, purchaseId: purchaseId ?? links?.get(before ?? "")?.purchaseId }] as const
      })
    )
  })

  return { ofRuns, ofEvents }
}
