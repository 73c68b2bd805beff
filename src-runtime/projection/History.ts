/**
 * What moved on the wallet of one contact and what she bought, read page by page from her own stream: what was committed
 * before the call is in it, and there is no view that could lag behind. Rows are read in bounded pages and only those that a
 * list is made of are decoded; a list that is not counted stops reading with its page.
 */
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { Pocket } from "#domain/wallet/Lot.ts"
import type { TransactionType, WalletEntry } from "#domain/wallet/WalletEntries.ts"
import { walletEntries, walletEventTags } from "#domain/wallet/WalletEntries.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Codec } from "../journal/Codec.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "./DataKeys.ts"
import { boundsOf, type Page, type PageRequest, pageOf, type Place, placeOf } from "./Paging.ts"
import { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

/** Rows of a stream read at a time. */
const rowsMax = 500
/**
 * Of a contact's newest events, those among which a credit is looked for by its id: there is no index of them, and one that
 * does not exist is not to be looked for in all that ever happened to her. A reference, so that a test need not make as many.
 */
export const CreditWithinEventsMax = Context.Reference<number>("koinon/runtime/CreditWithinEventsMax", {
  defaultValue: () => 10_000
})
/** Above any sequence number: the end of a stream. */
const endSeq = 2 ** 31 - 1

/** When something was posted, epoch milliseconds: `from` included, `until` not. */
export interface Period {
  readonly from?: number | undefined
  readonly until?: number | undefined
}

/** All that is given has to match. */
export interface WalletEntryFilters extends Period {
  readonly type?: WalletEntry["type"] | undefined
  readonly transactionTypes?: ReadonlyArray<TransactionType> | undefined
  readonly pocket?: Pocket | undefined
  readonly poolId?: string | undefined
  /** The member who drew, the owner who shared, the other side of a transfer. */
  readonly counterpartId?: string | undefined
  readonly purchaseId?: string | undefined
}

export interface PurchaseFilters extends Period {
  readonly organisationIds?: ReadonlyArray<string> | undefined
  /** When it happened, which may be long before it was posted. */
  readonly dated?: Period | undefined
}

export interface PostedPurchase {
  readonly purchaseId: string
  readonly organisationId: string
  /** When it was posted, which may be later than it happened. */
  readonly postedAt: number
  readonly date: number
}

export class History extends Context.Service<
  History,
  {
    readonly walletEntries: (
      business: string,
      contactId: string,
      filters: WalletEntryFilters,
      page: PageRequest
    ) => Effect.Effect<Page<WalletEntry>, CursorInvalid | ViewUnavailable>
    /** A credit by its id, if it is among her newest events (`CreditWithinEventsMax`). */
    readonly credit: (
      business: string,
      contactId: string,
      id: string
    ) => Effect.Effect<WalletEntry | undefined, ViewUnavailable>
    /** Every purchase that was posted, also those cancelled since: their state is the purchase's own. */
    readonly purchases: (
      business: string,
      contactId: string,
      filters: PurchaseFilters,
      page: PageRequest
    ) => Effect.Effect<Page<PostedPurchase>, CursorInvalid | ViewUnavailable>
    /** All of these kinds since an instant, oldest first. */
    readonly since: <Tag extends ContactEvent["_tag"]>(
      business: string,
      contactId: string,
      from: number,
      tags: ReadonlyArray<Tag>
    ) => Effect.Effect<ReadonlyArray<Extract<ContactEvent, { readonly _tag: Tag }>>, ViewUnavailable>
  }
>()("koinon/runtime/History") {}

/** How a list is made of events. */
interface Reading<Item> {
  readonly list: string
  readonly tags: ReadonlyArray<ContactEvent["_tag"]>
  readonly itemsOf: (event: ContactEvent, row: EventRow) => ReadonlyArray<Item>
  readonly matches: (item: Item) => boolean
}

/** An item and where it stands: the sequence number of its event, and its number among that event's items. */
interface Placed<Item> {
  readonly item: Item
  readonly seq: number
  readonly index: number
}

type Sequence = readonly [seq: number, index: number]

/** A cursor comes from outside: it may hold any two values. */
const isSequence = (place: Place): place is Sequence =>
  place.every((value) => typeof value === "number" && Number.isInteger(value) && value >= 0 && value < endSeq - rowsMax)

/** Whether the item comes behind the cursor's. */
const isBehind = (placed: Placed<unknown>, [seq, index]: Sequence, order: PageRequest["order"]): boolean => {
  const distance = placed.seq - seq || placed.index - index
  return order === "ASC" ? distance > 0 : distance < 0
}

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)

  /** The next rows behind a sequence number. Those are dense, so that a stream can be read forwards as well. */
  const rowsBehind = (business: string, id: string, seq: number, order: PageRequest["order"]) => {
    const stream = { aggregate: contact.code, id }
    return order === "DESC"
      ? journal.streamEvents(business, stream, seq, rowsMax)
      : Effect.map(journal.streamEvents(business, stream, seq + rowsMax + 1, rowsMax), (rows) =>
          rows.filter((row) => row.seq > seq).toReversed()
        )
  }

  const read = Effect.fnUntraced(function* <Item>(
    business: string,
    contactId: string,
    { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY }: Period,
    request: PageRequest,
    { list, tags, itemsOf, matches }: Reading<Item>
  ): Effect.fn.Return<Page<Item>, CursorInvalid | JournalUnavailable> {
    const { order } = request
    const name = `${list} ${order}`
    const after = yield* placeOf(name, request.after)
    if (after !== undefined && !isSequence(after)) return yield* new CursorInvalid()
    const counts = request.includeTotal === true
    const { size, skip } = boundsOf(request)
    const wanted: ReadonlySet<string> = new Set(tags)
    const key = yield* keys.get(business, contactId)
    /** Instants never go back within a stream: past the period there is nothing more. */
    const isPast = (row: EventRow): boolean => (order === "DESC" ? row.at < from : row.at >= until)

    // A total is of the whole list, wherever the page begins.
    let seq = order === "DESC" ? endSeq : 0
    if (after !== undefined && !counts) seq = after[0] + (order === "DESC" ? 1 : -1)
    const found: Array<Placed<Item>> = []
    let total = 0
    let passed = 0
    reading: for (;;) {
      const rows = yield* rowsBehind(business, contactId, seq, order)
      for (const row of rows) {
        if (isPast(row)) break reading
        seq = row.seq
        if (!wanted.has(row.type) || row.at < from || row.at >= until) continue
        const event = codec.readEvent(row, key) as ContactEvent
        const items = itemsOf(event, row).map((item, index): Placed<Item> => ({ item, seq: row.seq, index }))
        for (const placed of order === "ASC" ? items : items.toReversed()) {
          if (!matches(placed.item)) continue
          total += 1
          if (found.length > size || (after !== undefined && !isBehind(placed, after, order))) continue
          passed += 1
          if (passed > skip) found.push(placed)
        }
        if (found.length > size && !counts) break reading
      }
      if (rows.length < rowsMax) break
    }
    const page = pageOf(name, found, size, ({ seq, index }) => [seq, index], counts ? total : undefined)
    return { ...page, rows: page.rows.map(({ item }) => item) }
  })

  const since = Effect.fnUntraced(function* <Tag extends ContactEvent["_tag"]>(
    business: string,
    contactId: string,
    from: number,
    tags: ReadonlyArray<Tag>
  ) {
    const wanted: ReadonlySet<string> = new Set(tags)
    const key = yield* keys.get(business, contactId)
    let seq = endSeq
    const events: Array<Extract<ContactEvent, { readonly _tag: Tag }>> = []
    // From the end: what comes before is not read.
    reading: for (;;) {
      const rows = yield* rowsBehind(business, contactId, seq, "DESC")
      for (const row of rows) {
        if (row.at < from) break reading
        seq = row.seq
        if (wanted.has(row.type)) events.push(codec.readEvent(row, key) as (typeof events)[number])
      }
      if (rows.length < rowsMax) break
    }
    return events.toReversed()
  })

  const credit = Effect.fnUntraced(function* (business: string, contactId: string, id: string) {
    const key = yield* keys.get(business, contactId)
    const eventsMax = yield* CreditWithinEventsMax
    let seq = endSeq
    for (let looked = 0; looked < eventsMax; looked += rowsMax) {
      const rows = (yield* rowsBehind(business, contactId, seq, "DESC")).slice(0, eventsMax - looked)
      for (const row of rows) {
        seq = row.seq
        if (row.type !== "FundsCredited") continue
        const found = walletEntries(codec.readEvent(row, key) as ContactEvent).find((entry) => entry.id === id)
        if (found !== undefined) return found
      }
      if (rows.length < rowsMax) return undefined
    }
    return undefined
  })

  /** A row that cannot be trusted is never served, nor is the list without it. */
  const readable = <A, E extends CursorInvalid>(
    effect: Effect.Effect<A, E | JournalUnavailable>
  ): Effect.Effect<A, E | ViewUnavailable> =>
    effect.pipe(
      Effect.catchDefect((cause) => Effect.fail(new ViewUnavailable({ view: "History", cause }))),
      Effect.mapError((refusal) =>
        refusal._tag === "JournalUnavailable" ? new ViewUnavailable({ view: "History", cause: refusal }) : refusal
      )
    )

  return History.of({
    walletEntries: Effect.fn("History.walletEntries")((business, contactId, filters, page) => {
      const { type, transactionTypes, pocket, poolId, counterpartId, purchaseId } = filters
      return readable(
        read(business, contactId, filters, page, {
          list: "entries",
          tags: walletEventTags,
          itemsOf: walletEntries,
          matches: (entry) =>
            (type === undefined || entry.type === type) &&
            (transactionTypes === undefined || transactionTypes.includes(entry.transactionType)) &&
            (pocket === undefined || entry.pocket === pocket) &&
            (poolId === undefined || entry.poolId === poolId) &&
            (counterpartId === undefined || entry.counterpartId === counterpartId) &&
            (purchaseId === undefined || entry.purchaseId === purchaseId)
        })
      )
    }),
    credit: Effect.fn("History.credit")((business, contactId, id) =>
      readable<WalletEntry | undefined, never>(credit(business, contactId, id))
    ),
    purchases: Effect.fn("History.purchases")((business, contactId, filters, page) => {
      const { organisationIds, dated = {} } = filters
      const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = dated
      return readable(
        read<PostedPurchase>(business, contactId, filters, page, {
          list: "purchases",
          tags: ["PurchasePaid"],
          itemsOf: (event) => (event._tag === "PurchasePaid" ? [postedOf(event)] : []),
          matches: ({ organisationId, date }) =>
            (organisationIds?.includes(organisationId) ?? true) && date >= from && date < until
        })
      )
    }),
    since: <Tag extends ContactEvent["_tag"]>(
      business: string,
      contactId: string,
      from: number,
      tags: ReadonlyArray<Tag>
    ) =>
      readable<ReadonlyArray<Extract<ContactEvent, { readonly _tag: Tag }>>, never>(
        since(business, contactId, from, tags)
      )
  })
})

const postedOf = ({
  purchaseId,
  organisationId,
  date,
  at
}: Extract<ContactEvent, { _tag: "PurchasePaid" }>): PostedPurchase => ({
  purchaseId,
  organisationId,
  postedAt: at,
  date: date ?? at
})

export const layer: Layer.Layer<History, never, Journal | Sealer | DataKeys> = Layer.effect(History, make)
