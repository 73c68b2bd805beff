/**
 * The catalogue: the products and classifications that purchases have named (PUR-3). Its ids arrive with the events, so
 * the same SKU is the same product however often, and in whatever order, it is bought. No personal data.
 */
import type { Receipt } from "#domain/purchase/PurchaseState.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage } from "./Listing.ts"
import type { Page, PageRequest } from "./Paging.ts"
import { type Committed, type Projection, recordset } from "./Projection.ts"
import type { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

export interface Product {
  readonly productId: string
  readonly sku: string
  /** As a purchase named it last; absent while none has. */
  readonly name?: string
  /** Epoch milliseconds. */
  readonly firstSeenAt: number
}

export interface Classification {
  readonly classificationId: string
  readonly name: string
  readonly firstSeenAt: number
}

export interface CatalogueQuery extends PageRequest {
  readonly business: string
}

export interface ProductQuery extends CatalogueQuery {
  readonly skus?: ReadonlyArray<string> | undefined
  readonly productIds?: ReadonlyArray<string> | undefined
}

export class Catalogue extends Context.Service<
  Catalogue,
  {
    /** By SKU. */
    readonly products: (query: ProductQuery) => Effect.Effect<Page<Product>, CursorInvalid | ViewUnavailable>
    /** By name. */
    readonly classifications: (
      query: CatalogueQuery
    ) => Effect.Effect<Page<Classification>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/Catalogue") {}

interface ProductRow {
  readonly business: string
  readonly id: string
  readonly sku: string
  readonly name: string | null
  readonly named_at: number
  readonly first_seen_at: number | bigint
}
type ClassificationRow = Omit<ProductRow, "sku" | "name"> & { readonly name: string }

/** Longer ones would not fit an index; no till prints them. */
const nameLengthMax = 256
const short = (text: string): string => text.slice(0, nameLengthMax)

const receiptOf = ({ event }: Committed): Receipt | undefined =>
  event._tag === "PurchaseOpened" || event._tag === "PurchasePosted" ? event.receipt : undefined

const productsOf = (committed: Committed): ReadonlyArray<ProductRow> =>
  (receiptOf(committed)?.lines ?? []).map(({ productId, sku, name }) => ({
    business: committed.row.business,
    id: short(productId),
    sku: short(sku),
    name: name === undefined ? null : short(name),
    // Before all time, so that any name is newer than none.
    named_at: name === undefined ? 0 : committed.row.at,
    first_seen_at: committed.row.at
  }))

const classificationsOf = (committed: Committed): ReadonlyArray<ClassificationRow> => {
  const classification = receiptOf(committed)?.classification
  if (classification === undefined) return []
  const { business, at } = committed.row
  return [{ business, id: short(classification.id), name: short(classification.name), named_at: at, first_seen_at: at }]
}

type Named = ProductRow | ClassificationRow
const isNewer = (left: Named, right: Named): boolean =>
  left.named_at === right.named_at ? (left.name ?? "") > (right.name ?? "") : left.named_at > right.named_at

/** One row for each id: the last name and the earliest instant, in whatever order the rows are given. */
const merged = <Row extends Named>(rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const byId = new Map<string, Row>()
  for (const row of rows) {
    const name = `${row.business}/${row.id}`
    const known = byId.get(name)
    const first_seen_at = Math.min(Number(known?.first_seen_at ?? row.first_seen_at), Number(row.first_seen_at))
    byId.set(name, { ...(known !== undefined && isNewer(known, row) ? known : row), first_seen_at })
  }
  // In one order, so that two writers cannot wait for each other.
  return [...byId.entries()].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row)
}

const upsert = (table: string, columns: ReadonlyArray<readonly [name: string, type: string]>): string => {
  const names = columns.map(([name]) => name).join(", ")
  const isNewer = `(excluded.named_at, coalesce(excluded.name, '') COLLATE "C") > (${table}.named_at, coalesce(${table}.name, '') COLLATE "C")`
  return (
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_to_recordset($1::json) ` +
    `AS r(${columns.map(([name, type]) => `${name} ${type}`).join(", ")}) ON CONFLICT (business, id) DO UPDATE SET ` +
    `name = CASE WHEN ${isNewer} THEN excluded.name ELSE ${table}.name END, ` +
    `named_at = greatest(${table}.named_at, excluded.named_at), ` +
    `first_seen_at = least(${table}.first_seen_at, excluded.first_seen_at)`
  )
}
const place = [
  ["business", "uuid"],
  ["id", "text"]
] as const
const naming = [
  ["name", "text"],
  ["named_at", "bigint"],
  ["first_seen_at", "bigint"]
] as const
const upsertProducts = upsert("catalogue_product", [...place, ["sku", "text"], ...naming])
const upsertClassifications = upsert("catalogue_classification", [...place, ...naming])

export const catalogue: Projection = {
  name: "catalogue",
  types: ["PurchaseOpened", "PurchasePosted"],
  opensPersonalData: false,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE catalogue_product, catalogue_classification")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const products = merged(events.flatMap(productsOf))
    const classifications = merged(events.flatMap(classificationsOf))
    if (products.length > 0) yield* sql.unsafe(upsertProducts, [recordset(products)])
    if (classifications.length > 0) yield* sql.unsafe(upsertClassifications, [recordset(classifications)])
  })
}

const oneOf = (column: string, values: ReadonlyArray<string> | undefined): ReadonlyArray<Condition> =>
  values === undefined ? [] : [[`${column} = ANY (?::text[])`, values]]

export const layer: Layer.Layer<Catalogue, never, SqlClient> = Layer.effect(
  Catalogue,
  Effect.map(SqlClient, (sql) =>
    Catalogue.of({
      products: Effect.fn("Catalogue.products")(function* (query) {
        const { business, skus, productIds } = query
        const page = yield* readPage<ProductRow>(sql, {
          table: "catalogue_product",
          columns: "id, sku, name, first_seen_at",
          conditions: [["business = ?", business], ...oneOf("sku", skus), ...oneOf("id", productIds)],
          sort: [
            { column: "sku", type: "text", valueOf: (row) => row.sku },
            { column: "id", type: "text", valueOf: (row) => row.id }
          ],
          request: query
        })
        const rows = page.rows.map(({ id, sku, name, first_seen_at }): Product => ({
          productId: id,
          sku,
          ...(name !== null && { name }),
          firstSeenAt: Number(first_seen_at)
        }))
        return { ...page, rows }
      }),
      classifications: Effect.fn("Catalogue.classifications")(function* (query) {
        const page = yield* readPage<ClassificationRow>(sql, {
          table: "catalogue_classification",
          columns: "id, name, first_seen_at",
          conditions: [["business = ?", query.business]],
          sort: [
            { column: "name", type: "text", valueOf: (row) => row.name },
            { column: "id", type: "text", valueOf: (row) => row.id }
          ],
          request: query
        })
        const rows = page.rows.map(({ id, name, first_seen_at }): Classification => ({
          classificationId: id,
          name,
          firstSeenAt: Number(first_seen_at)
        }))
        return { ...page, rows }
      })
    })
  )
)
