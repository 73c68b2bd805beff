/**
 * Where the activity feed of a contact comes from: her own stream, that of her community, what happened at her key in
 * streams of their own, and her joins and leaves of segments. Each source is read in bounded pages and in its own order, and
 * says how far it has been, so that a feed that is merged of them goes on where it was, whatever arrives meanwhile.
 */
import { community } from "#domain/community/Community.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import { changesOfContact } from "../segment/MemberLists.ts"
import type { SegmentChange } from "../segment/SegmentChange.ts"

/** Rows of the contact's own stream read at a time. */
const ownRowsMax = 500
/** Rows of each other source read at a time. */
const otherRowsMax = 100
/** Above any sequence number and any offset. */
const endSeq = 2 ** 31 - 1
const endOffset = Number.MAX_SAFE_INTEGER
const noId = "00000000-0000-0000-0000-000000000000"
/** Above the instant of any change, and any id. */
const endChange: Mark = [Number.MAX_SAFE_INTEGER, "ffffffff-ffff-ffff-ffff-ffffffffffff"]

export type Order = "ASC" | "DESC"

/** A join or leave, told as an event of the contact. */
export interface SegmentMoved {
  readonly _tag: "SegmentJoined" | "SegmentLeft"
  readonly segmentId: string
  readonly reason: SegmentChange["reason"]
  /** The type of the event, or the id of the other segment. */
  readonly because?: string
  /** By its place, the event that brought it about. */
  readonly origin?: string
  readonly cause?: Cause
  readonly at: number
}

/** What stands next in a source. */
export type Row = { readonly at: number } & (
  | { readonly event: EventRow; readonly change?: never }
  | { readonly change: SegmentChange; readonly event?: never }
)

/** Where a row stands in its source: numbers or an instant, and what tells rows of one instant apart. */
export type Mark = readonly [number, string?]

/**
 * How far a source has been. ASC: the last row that was taken, none yet if it is absent. DESC: the next one, so that what
 * arrives above it is never told behind what is older; none is left if it is absent.
 */
export type Reached = Mark | undefined

/** Where a page begins: behind a row, or with it. */
interface Begin {
  readonly mark: Mark
  readonly isIncluded: boolean
}

type Read = (begin: Begin, order: Order) => Effect.Effect<ReadonlyArray<Row>, JournalUnavailable | SqlError>

interface Kind {
  readonly read: Read
  readonly markOf: (row: Row) => Mark
  /** Where reading begins, which is past every row. */
  readonly begin: Readonly<Record<Order, Mark>>
  readonly rowsMax: number
}

export class Source {
  readonly #kind: Kind
  readonly #order: Order
  readonly #isPast: (row: Row) => boolean
  #rows: ReadonlyArray<Row> = []
  #index = 0
  #begin: Begin
  #taken: Reached
  #hasMore = true

  constructor(kind: Kind, order: Order, isPast: (row: Row) => boolean, reached: { readonly at: Reached } | undefined) {
    this.#kind = kind
    this.#order = order
    this.#isPast = isPast
    this.#begin = { mark: reached?.at ?? kind.begin[order], isIncluded: reached?.at !== undefined && order === "DESC" }
    if (order === "ASC") this.#taken = reached?.at
    else this.#hasMore = reached === undefined || reached.at !== undefined
  }

  /** The row that stands next; it has to be `filled`. */
  get head(): Row | undefined {
    const row = this.#rows[this.#index]
    return row === undefined || this.#isPast(row) ? undefined : row
  }
  get reached(): Reached {
    if (this.#order === "ASC") return this.#taken
    return this.head === undefined ? undefined : this.#kind.markOf(this.head)
  }
  take(): void {
    const row = this.#rows[this.#index++]
    if (row !== undefined) this.#taken = this.#kind.markOf(row)
  }
  get isFilled(): boolean {
    return this.#index < this.#rows.length || !this.#hasMore
  }
  get filled(): Effect.Effect<void, JournalUnavailable | SqlError> {
    return Effect.map(this.#kind.read(this.#begin, this.#order), (rows) => {
      const last = rows.at(-1)
      if (last !== undefined) this.#begin = { mark: this.#kind.markOf(last), isIncluded: false }
      this.#rows = rows
      this.#index = 0
      this.#hasMore = rows.length === this.#kind.rowsMax
    })
  }
}

const ofEvents = (rows: ReadonlyArray<EventRow>): ReadonlyArray<Row> => rows.map((event) => ({ at: event.at, event }))
/** The number that a page in descending order lies below. */
const below = ({ mark: [number], isIncluded }: Begin): number => (isIncluded ? number + 1 : number)

/** The sequence of a stream is dense, so that it can be read forwards as well. */
const stream = (
  journal: Journal["Service"],
  business: string,
  id: string,
  aggregate: number,
  rowsMax: number
): Kind => ({
  read: (begin, order) => {
    const { mark } = begin
    const before = order === "DESC" ? below(begin) : mark[0] + rowsMax + 1
    return Effect.map(journal.streamEvents(business, { aggregate, id }, before, rowsMax), (rows) =>
      ofEvents(order === "DESC" ? rows : rows.filter(({ seq }) => seq > mark[0]).toReversed())
    )
  },
  markOf: ({ event }) => [event?.seq ?? 0],
  begin: { DESC: [endSeq], ASC: [0] },
  rowsMax
})

const aside = (journal: Journal["Service"], business: string, key: string): Kind => ({
  read: (begin, order) => {
    const offset = order === "DESC" ? below(begin) : begin.mark[0]
    return Effect.map(journal.asideEvents(business, key, { offset, order }, otherRowsMax), ofEvents)
  },
  markOf: ({ event }) => [event?.offset ?? 0],
  begin: { DESC: [endOffset], ASC: [0] },
  rowsMax: otherRowsMax
})

const changes = (sql: SqlClient, business: string, id: string): Kind => ({
  read: ({ mark: [at, change = noId], isIncluded }, order) =>
    Effect.map(changesOfContact(sql, business, id, { at, id: change, isIncluded, order }, otherRowsMax), (found) =>
      found.map((each) => ({ at: each.at, change: each }))
    ),
  markOf: ({ at, change }) => [at, change?.id ?? ""],
  begin: { DESC: endChange, ASC: [0, noId] },
  rowsMax: otherRowsMax
})

/** The sources of a contact's feed, always in this order. */
export const kindsOf = (
  journal: Journal["Service"],
  sql: SqlClient,
  business: string,
  id: string
): ReadonlyArray<Kind> => [
  stream(journal, business, id, contact.code, ownRowsMax),
  stream(journal, business, id, community.code, otherRowsMax),
  aside(journal, business, id),
  changes(sql, business, id)
]
/** How many there are, and which of them is marked by an instant and an id. */
const kindCount = 4
const changesIndex = 3

/** A part of a cursor: what each source has reached. */
export const textOf = (reached: ReadonlyArray<Reached>): string =>
  reached.map((mark) => (mark === undefined ? "" : mark.join("/"))).join(",")

const numberPattern = /^\d{1,16}$/
const changePattern = /^(\d{1,16})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

const markOf = (text: string, index: number): Mark | undefined => {
  const [, at, id] = changePattern.exec(text) ?? []
  if (index === changesIndex) return id === undefined ? undefined : [Number(at), id]
  if (!numberPattern.test(text)) return undefined
  const number = Number(text)
  return number < (index < 2 ? endSeq - ownRowsMax - 1 : endOffset) ? [number] : undefined
}

/** A cursor comes from outside: `undefined` if it is not one of ours. */
export const reachedIn = (text: string): ReadonlyArray<{ readonly at: Reached }> | undefined => {
  const parts = text.split(",")
  if (parts.length !== kindCount) return undefined
  const found = parts.map((part, index) => ({ at: part === "" ? undefined : markOf(part, index), part }))
  return found.every(({ at, part }) => part === "" || at !== undefined) ? found : undefined
}
