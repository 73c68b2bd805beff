/**
 * Leads from a run of an automation back to what set it off: the event as the activity feed names it, and the purchase that
 * it tells of or comes from, through as many automations as a chain may have. A run that is not kept any more, and one of a
 * plan, leads nowhere.
 */
import type { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Codec } from "../journal/Codec.ts"
import type { EventRef, Journal, JournalUnavailable } from "../journal/Journal.ts"
import { aggregateOfKind } from "../journal/Kinds.ts"
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

const purchaseCode = aggregateOfKind("purchase").code
const changePrefix = "segment/"
/** How the feed names a join or a leave of a segment. */
export const feedIdOfChange = (changeId: string): string => `${changePrefix}${changeId}`

/** The place in a stream by which a run names the event that set it off; a join or leave has none. */
const placeOf = (event: string): EventRef | undefined => {
  if (event.startsWith(changePrefix)) return undefined
  const [aggregate, id, seq] = event.split("/")
  return id === undefined ? undefined : { aggregate: Number(aggregate), id, seq: Number(seq) }
}
const nameOf = ({ aggregate, id, seq }: EventRef): string => `${aggregate}/${id}/${seq}`

const rowsAt = (journal: Journal["Service"], business: string, events: ReadonlyArray<string>) => {
  const places = events.flatMap((event) => placeOf(event) ?? [])
  const rows = places.length === 0 ? Effect.succeed([]) : journal.eventsAt(business, places)
  return Effect.map(rows, (found) => new Map(found.map((row) => [nameOf(row), row])))
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

const eventsOfRuns =
  "SELECT r.id, r.event, (SELECT c.cause::json ->> 'runId' FROM segment_change c WHERE c.business = r.business " +
  "AND c.contact = r.contact AND c.at = r.event_at AND 'segment/' || c.id = r.event) AS before " +
  "FROM automation_run r WHERE r.business = $1::uuid AND r.id = ANY ($2::uuid[])"

interface Found extends CauseLink {
  /** The run that brought about what set this one off. */
  readonly before?: string | undefined
}

interface Sources {
  readonly sql: SqlClient
  readonly journal: Journal["Service"]
  readonly keys: DataKeys["Service"]
  readonly codec: Codec
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

export const make = ({ sql, journal, keys, codec }: Sources) => {
  const found = Effect.fnUntraced(function* (business: string, runs: ReadonlyArray<string>) {
    const rows = yield* sql.unsafe<{ id: string; event: string; before: string | null }>(eventsOfRuns, [business, runs])
    const events = yield* rowsAt(
      journal,
      business,
      rows.map(({ event }) => event)
    )
    const keyOf = yield* keys.ofRows([...events.values()])
    return rows.flatMap(({ id, event, before }): ReadonlyArray<readonly [string, Found]> => {
      if (event.startsWith(changePrefix)) return [[id, { eventId: event, before: before ?? undefined }]]
      const row = events.get(event)
      if (row === undefined) return []
      const what = codec.readEvent(row, keyOf(row))
      const own = "purchaseId" in what ? what.purchaseId : undefined
      const cause: Cause | undefined = "cause" in what ? what.cause : undefined
      const purchaseId = row.aggregate === purchaseCode ? row.id : own
      return [[id, { eventId: feedIdOf(row), purchaseId, before: cause?.runId }]]
    })
  })

  /** By run, for those that are known; asked for all at once, and a step back at a time. */
  return Effect.fnUntraced(function* (
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
    const purchaseOf = (run: string | undefined, steps: number): string | undefined => {
      const link = run === undefined || steps === 0 ? undefined : all.get(run)
      return link === undefined ? undefined : (link.purchaseId ?? purchaseOf(link.before, steps - 1))
    }
    return new Map(
      Array.from(all, ([run, { eventId }]) => [run, { eventId, purchaseId: purchaseOf(run, chainLengthMax) }] as const)
    )
  })
}
