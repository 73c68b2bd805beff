/**
 * The tags that a business has put on its contacts: each once, however many have it, with when it was first used and last
 * changed. A tag that nobody has any more stays, as one that nobody has. It follows the journal (see `Projector.waitFor`).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { nameUuid } from "../actor/Naming.ts"
import { readPage, type SortColumn } from "./Listing.ts"
import type { Page, PageRequest } from "./Paging.ts"
import { type Committed, type Projection, recordset, storedText } from "./Projection.ts"
import type { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

export interface ContactTag {
  /** Made of its name: the same tag of the same business has the same id for ever. */
  readonly id: string
  readonly name: string
  /** Contacts that have it now. */
  readonly bearers: number
}

export interface ContactTagQuery extends PageRequest {
  readonly business: string
  /** By when it was first used, when it was last put on or taken away, or by its name as it is written. */
  readonly sort: "CREATED_DATE" | "UPDATED_DATE" | "NAME"
}

export class ContactTags extends Context.Service<
  ContactTags,
  {
    readonly list: (query: ContactTagQuery) => Effect.Effect<Page<ContactTag>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/ContactTags") {}

interface Row {
  readonly name: string
  readonly bearers: number | bigint
  readonly created_at: number | bigint
  readonly updated_at: number | bigint
}

/** What a batch does to one tag. */
interface Use {
  readonly business: string
  readonly name: string
  readonly bearers: number
  readonly created_at: number
  readonly updated_at: number
}

interface Tagged {
  readonly business: string
  readonly contact: string
  readonly tags: ReadonlyArray<string>
}

const placeOf = ({ business, contact }: Omit<Tagged, "tags">): string => `${business}/${contact}`

/** In one order, so that two writers cannot wait for each other. */
const inOrder = (uses: ReadonlyMap<string, Use>): ReadonlyArray<Use> =>
  [...uses.entries()].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, use]) => use)

/** What follows from the changes, given what each contact had before: what she has now, and what that does to each tag. */
const folded = (before: ReadonlyMap<string, Tagged>, events: ReadonlyArray<Committed>) => {
  const contacts = new Map(before)
  const uses = new Map<string, Use>()
  const used = (business: string, name: string, at: number, change: 1 | -1): void => {
    const key = `${business}/${name}`
    const known = uses.get(key) ?? { business, name, bearers: 0, created_at: at, updated_at: at }
    uses.set(key, {
      ...known,
      bearers: known.bearers + change,
      created_at: Math.min(known.created_at, at),
      updated_at: Math.max(known.updated_at, at)
    })
  }
  for (const { event, row } of events) {
    if (event._tag !== "TagsChanged") continue
    const { business, key: contact, at } = row
    const had = contacts.get(placeOf({ business, contact }))?.tags ?? []
    const tags = [...new Set(event.tags.map(storedText))]
    for (const name of tags) if (!had.includes(name)) used(business, name, at, 1)
    for (const name of had) if (!tags.includes(name)) used(business, name, at, -1)
    contacts.set(placeOf({ business, contact }), { business, contact, tags })
  }
  return { contacts: [...contacts.values()], uses: inOrder(uses) }
}

const knownTo = (sql: SqlClient, events: ReadonlyArray<Committed>) =>
  sql.unsafe<Tagged>(
    "SELECT business, contact, tags FROM tagged_contact WHERE (business, contact) IN " +
      "(SELECT business, contact FROM json_to_recordset($1::json) AS r(business uuid, contact uuid))",
    [recordset(events.map(({ row }) => ({ business: row.business, contact: row.key })))]
  )

export const contactTags: Projection = {
  name: "contact_tags",
  types: ["TagsChanged"],
  opensPersonalData: false,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE contact_tag, tagged_contact")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const known = yield* knownTo(sql, events)
    const { contacts, uses } = folded(new Map(known.map((tagged) => [placeOf(tagged), tagged])), events)
    yield* sql.unsafe(
      "INSERT INTO tagged_contact (business, contact, tags) SELECT business, contact, tags " +
        "FROM json_to_recordset($1::json) AS r(business uuid, contact uuid, tags text[]) " +
        "ON CONFLICT (business, contact) DO UPDATE SET tags = excluded.tags",
      [recordset(contacts)]
    )
    yield* sql.unsafe(
      "INSERT INTO contact_tag (business, name, bearers, created_at, updated_at) " +
        "SELECT business, name, bearers, created_at, updated_at FROM json_to_recordset($1::json) " +
        "AS r(business uuid, name text, bearers bigint, created_at bigint, updated_at bigint) " +
        "ON CONFLICT (business, name) DO UPDATE SET bearers = contact_tag.bearers + excluded.bearers, " +
        "created_at = least(contact_tag.created_at, excluded.created_at), " +
        "updated_at = greatest(contact_tag.updated_at, excluded.updated_at)",
      [recordset(uses)]
    )
  })
}

const byName: SortColumn<Row> = { column: "name", type: "text", valueOf: (row) => row.name }
const sorts: Record<ContactTagQuery["sort"], SortColumn<Row>> = {
  CREATED_DATE: { column: "created_at", type: "bigint", valueOf: (row) => Number(row.created_at) },
  UPDATED_DATE: { column: "updated_at", type: "bigint", valueOf: (row) => Number(row.updated_at) },
  NAME: byName
}

export const layer: Layer.Layer<ContactTags, never, SqlClient> = Layer.effect(
  ContactTags,
  Effect.map(SqlClient, (sql) =>
    ContactTags.of({
      list: Effect.fn("ContactTags.list")(function* (query) {
        const { business, sort } = query
        const page = yield* readPage<Row>(sql, {
          table: "contact_tag",
          columns: "name, bearers, created_at, updated_at",
          conditions: [["business = ?", business]],
          sort: [sorts[sort], byName],
          request: query
        })
        const rows = page.rows.map(({ name, bearers }): ContactTag => ({
          id: nameUuid("contact tag", business, name),
          name,
          bearers: Number(bearers)
        }))
        return { ...page, rows }
      })
    })
  )
)
