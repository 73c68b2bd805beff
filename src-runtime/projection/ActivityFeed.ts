/**
 * The activity feed of one contact (FED-1): every business event that is hers, from wherever it is written, in one order,
 * with what brought each about. What was committed before the call is in it; joins and leaves of segments are as soon as
 * they are written. Sources are read in bounded pages and only what is told is decoded; a feed that is not counted stops
 * reading with its page. Events of the journal stand in the order of their commit; a join or leave stands behind the
 * events of its instant.
 */
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { HeldEvent } from "#domain/held/HeldEvent.ts"
import type { PurchaseEvent } from "#domain/purchase/PurchaseEvent.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as CauseLinks from "../automation/CauseLinks.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import { type DataKey, Sealer } from "../privacy/Sealer.ts"
import type { SegmentChange } from "../segment/SegmentChange.ts"
import { DataKeys } from "./DataKeys.ts"
import {
  kindsOf,
  type Order,
  type Reached,
  reachedIn,
  type Row,
  type SegmentMoved,
  Source,
  textOf
} from "./FeedSources.ts"
import type { Period } from "./History.ts"
import { boundsOf, type Page, type PageRequest, pageOf, placeOf } from "./Paging.ts"
import { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

/** Entries whose causes are asked for at once, where it depends on them whether they are meant. */
const judgedAtOnceMax = 200

export type FeedEvent = ContactEvent | CommunityEvent | PurchaseEvent | HeldEvent | SegmentMoved

/** An event with what names it for ever, and what it is about. */
export interface Recorded {
  /** "shard/offset" of an event of the journal, "segment/id" of a join or leave. */
  readonly id: string
  /** The stream that it stands in: the contact herself, a purchase, a held request, a segment. */
  readonly subject: string
  readonly event: FeedEvent
  /** What set off the run that it has as its cause. */
  readonly cause?: CauseLinks.CauseLink | undefined
  /** Of a join or leave: the event that it is put down to. */
  readonly origin?: CauseLinks.Origin | undefined
}

export interface FeedFilters extends Period {
  readonly tags: ReadonlyArray<FeedEvent["_tag"]>
  /** Of those, the ones that are meant, judged with their causes; all of them if it is absent. */
  readonly matches?: ((recorded: Recorded) => boolean) | undefined
}

export class ActivityFeed extends Context.Service<
  ActivityFeed,
  {
    readonly list: (
      business: string,
      contactId: string,
      filters: FeedFilters,
      page: PageRequest
    ) => Effect.Effect<Page<Recorded>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/ActivityFeed") {}

const movedOf = ({ kind, segmentId, reason, because, event, cause, at }: SegmentChange): SegmentMoved => ({
  _tag: kind === "JOINED" ? "SegmentJoined" : "SegmentLeft",
  segmentId,
  reason,
  ...(because !== undefined && { because }),
  ...(event !== undefined && { origin: event }),
  ...(cause !== undefined && { cause }),
  at
})

const tagOf = ({ event, change }: Row): string =>
  event === undefined ? (change.kind === "JOINED" ? "SegmentJoined" : "SegmentLeft") : event.type

/** Whether one row is told before another. Those of the journal are of one shard, so that their offsets tell. */
const isNewer = (row: Row, than: Row): boolean => {
  if (row.event !== undefined && than.event !== undefined) return row.event.offset > than.event.offset
  return row.at === than.at ? row.change !== undefined : row.at > than.at
}

const nextOf = (sources: ReadonlyArray<Source>, order: Order): readonly [Source, Row] | undefined => {
  let next: readonly [Source, Row] | undefined
  for (const source of sources) {
    const { head } = source
    if (head === undefined) continue
    if (next === undefined || isNewer(head, next[1]) === (order === "DESC")) next = [source, head]
  }
  return next
}

const runOf = ({ event }: Recorded): string | undefined =>
  "cause" in event && event.cause !== undefined ? event.cause.runId : undefined

const originOf = ({ event }: Recorded): string | undefined => ("origin" in event ? event.origin : undefined)

/** An entry with what every source has reached behind it. */
interface Placed {
  readonly recorded: Recorded
  reached: string
}

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const sql = yield* SqlClient
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)
  const links = CauseLinks.make({ sql, journal, keys, codec })

  const recordedOf = (row: Row, key: DataKey | undefined): Recorded => {
    const { event, change } = row
    if (event !== undefined) {
      return { id: CauseLinks.feedIdOf(event), subject: event.id, event: codec.readEvent(event, key) as FeedEvent }
    }
    return { id: CauseLinks.feedIdOfChange(change.id), subject: change.segmentId, event: movedOf(change) }
  }

  const withCauses = Effect.fnUntraced(function* (business: string, placed: ReadonlyArray<Placed>) {
    const runs = placed.flatMap(({ recorded }) => runOf(recorded) ?? [])
    const events = placed.flatMap(({ recorded }) => originOf(recorded) ?? [])
    if (runs.length === 0 && events.length === 0) return placed
    const causes = yield* links.ofRuns(business, runs)
    const origins = yield* links.ofEvents(business, events)
    return placed.map(({ recorded, reached }): Placed => {
      const [cause, origin] = [causes.get(runOf(recorded) ?? ""), origins.get(originOf(recorded) ?? "")]
      return { recorded: { ...recorded, cause, origin }, reached }
    })
  })

  /** Goes through the sources until it has read a page; to their end, if it counts. Only the page is kept. */
  const walk = Effect.fnUntraced(function* (
    business: string,
    contactId: string,
    { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, tags, matches }: FeedFilters,
    { order, begin, skip, kept, counts }: Walk
  ) {
    const isPast = (row: Row): boolean => (order === "DESC" ? row.at < from : row.at >= until)
    const sources = kindsOf(journal, sql, business, contactId).map(
      (kind, index) => new Source(kind, order, isPast, begin?.[index])
    )
    const key = yield* keys.get(business, contactId)
    const told: ReadonlySet<string> = new Set(tags)
    const found: Array<Placed> = []
    let total = 0
    let judged: Array<Placed> = []
    let last: Placed | undefined
    for (;;) {
      for (const source of sources) while (!source.isFilled) yield* source.filled
      if (last !== undefined) last.reached = textOf(sources.map(({ reached }) => reached))
      last = undefined
      const next = nextOf(sources, order)
      if (judged.length === judgedAtOnceMax || (matches === undefined && judged.length > 0) || next === undefined) {
        const candidates = matches === undefined ? judged : yield* withCauses(business, judged)
        for (const each of candidates) {
          if (matches?.(each.recorded) === false) continue
          total += 1
          if (total > skip && found.length < kept) found.push(each)
        }
        judged = []
      }
      if (next === undefined || (!counts && found.length >= kept)) return { found, total }
      const [source, row] = next
      source.take()
      if (!told.has(tagOf(row)) || row.at < from || row.at >= until) continue
      last = { recorded: recordedOf(row, key), reached: "" }
      judged.push(last)
    }
  })

  const list = Effect.fnUntraced(function* (
    business: string,
    contactId: string,
    filters: FeedFilters,
    request: PageRequest
  ): Effect.fn.Return<Page<Recorded>, CursorInvalid | JournalUnavailable | SqlError> {
    const { order } = request
    const name = `feed ${order}`
    const after = yield* placeOf(name, request.after)
    const begin = after === undefined ? undefined : reachedIn(String(after[0]))
    if (after !== undefined && begin === undefined) return yield* new CursorInvalid()
    const { size, skip } = boundsOf(request)
    const counts = request.includeTotal === true
    const read = { order, begin, skip, kept: size + 1, counts: counts && begin === undefined }
    const { found, total } = yield* walk(business, contactId, filters, read)
    // A total is of the whole list, wherever the page begins.
    const whole = { order, begin: undefined, skip: 0, kept: 0, counts }
    const all = counts && begin !== undefined ? (yield* walk(business, contactId, filters, whole)).total : total
    const page = pageOf(name, found, size, ({ reached }) => [reached, ""], counts ? all : undefined)
    const rows = yield* withCauses(business, page.rows)
    return { ...page, rows: rows.map(({ recorded }) => recorded) }
  })

  return ActivityFeed.of({
    list: Effect.fn("ActivityFeed.list")((...asked) =>
      list(...asked).pipe(
        // A row that cannot be trusted is never served, nor is the feed without it.
        Effect.catchDefect((cause) => Effect.fail(new ViewUnavailable({ view: "ActivityFeed", cause }))),
        Effect.mapError((cause) =>
          cause._tag === "CursorInvalid" || cause._tag === "ViewUnavailable"
            ? cause
            : new ViewUnavailable({ view: "ActivityFeed", cause })
        )
      )
    )
  })
})

interface Walk {
  readonly order: Order
  readonly begin: ReadonlyArray<{ readonly at: Reached }> | undefined
  /** Entries passed over, and how many of those behind them are kept. */
  readonly skip: number
  readonly kept: number
  readonly counts: boolean
}

export const layer: Layer.Layer<ActivityFeed, never, Journal | Sealer | DataKeys | SqlClient> = Layer.effect(
  ActivityFeed,
  make
)
