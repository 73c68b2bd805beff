/** PUR-3: what purchases name is created, once, whoever buys it first and in whatever order that is read. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { Catalogue, type CatalogueQuery } from "#runtime/projection/Catalogue.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { ask, open, person, readSide, viewRows } from "./ReadSide.ts"
import { businessId, otherBusinessId, purchase } from "./SampleCommands.ts"

type Lines = (typeof PostPurchase.Type)["lines"]
const bread = { productId: "id-bread", sku: "BREAD", quantity: 1, total: 100n }
const coffee = { productId: "id-coffee", sku: "COFFEE", quantity: 1, total: 200n }

const buy = (buyer: number, number: number, lines: Lines, classification?: { id: string; name: string }) => {
  const total = lines.reduce((sum, line) => sum + (line.total ?? 0n), 0n)
  const asked = purchase(buyer, number, total, { lines, ...(classification !== undefined && { classification }) })
  const { spendRequest: _, ...command } = asked.command as typeof PostPurchase.Type
  return ask({ ...asked, command })
}

const first: CatalogueQuery = { business: businessId, size: 10, order: "ASC", includeTotal: true }
/** Both views, for the rows of both are compared. */
const caughtUp = Effect.flatMap(Projector, (projector) =>
  Effect.forEach(["catalogue", "contact_directory"], (name) => projector.waitFor(name), { discard: true })
)

layer(readSide, { excludeTestServices: true })("the catalogue", (it) => {
  it.effect("PUR-3: unknown SKUs and classifications are created by the purchase that names them", () =>
    Effect.gen(function* () {
      yield* open
      yield* Effect.forEach([1, 2, 3, 4], (number) => ask(person(number)), { discard: true })
      yield* buy(1, 1, [bread, { ...coffee, name: "Kafes" }], { id: "food", name: "Food" })
      yield* caughtUp
      const { products, classifications } = yield* Catalogue
      const page = yield* products(first)
      assert.deepStrictEqual(
        page.rows.map(({ firstSeenAt: _, ...product }) => product),
        [
          { productId: "id-bread", sku: "BREAD" },
          { productId: "id-coffee", sku: "COFFEE", name: "Kafes" }
        ]
      )
      assert.deepStrictEqual([page.total, page.hasMore], [2, false])
      assert.deepInclude((yield* classifications(first)).rows[0], { classificationId: "food", name: "Food" })
      assert.deepStrictEqual((yield* products({ ...first, business: otherBusinessId })).rows, [])
    })
  )

  it.effect(
    "PUR-3: the same SKU is the same product for all buyers; its last name and first day stay, rebuilt or not",
    () =>
      Effect.gen(function* () {
        const { products } = yield* Catalogue
        const [known] = (yield* products(first)).rows
        yield* buy(2, 2, [{ ...bread, name: "Psomi" }])
        yield* buy(3, 3, [{ ...bread, name: "Village bread" }], { id: "food", name: "Foods" })
        yield* buy(4, 4, [bread, bread])
        yield* caughtUp
        const [renamed] = (yield* products({ ...first, skus: ["BREAD"] })).rows
        assert.deepStrictEqual(renamed, { ...known!, name: "Village bread" })
        assert.deepStrictEqual(
          (yield* products({ ...first, productIds: ["id-coffee"] })).rows.map(({ sku }) => sku),
          ["COFFEE"]
        )

        const live = yield* viewRows
        yield* (yield* Projector).rebuild("catalogue")
        yield* caughtUp
        assert.deepStrictEqual(yield* viewRows, live)
      })
  )

  it.effect("comes in pages by SKU", () =>
    Effect.gen(function* () {
      const { products } = yield* Catalogue
      const page = yield* products({ ...first, size: 1 })
      const rest = yield* products({ ...first, size: 1, after: page.next })
      assert.deepStrictEqual(
        [...page.rows, ...rest.rows].map(({ sku }) => sku),
        ["BREAD", "COFFEE"]
      )
      assert.deepStrictEqual([page.hasMore, rest.hasMore], [true, false])
    })
  )
})
