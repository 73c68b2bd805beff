/**
 * P9: a view rebuilt from zero equals the live one, row by row, and a projector that is killed between batches leaves
 * neither gap nor duplicate. A projection that throws stands still and says why; the others go on.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { Journal, JournalUnavailable } from "#runtime/journal/Journal.ts"
import { catalogue } from "#runtime/projection/Catalogue.ts"
import type { Projection } from "#runtime/projection/Projection.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import {
  ask,
  open,
  person,
  projections,
  readSide,
  viewRows,
  withoutPatience,
  withProjector,
  writeSide
} from "./ReadSide.ts"
import { changeEmail, contactId, purchase } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const lineOf = (sku: string, name?: string): (typeof PostPurchase.Type)["lines"][number] => ({
  productId: `product-${sku}`,
  sku,
  quantity: 1,
  total: 100n,
  ...(name !== undefined && { name })
})

/** Contacts on many shards who register, change, gain identifiers and buy under changing names. */
const fill = (from: number, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => from + index),
    (number) =>
      Effect.gen(function* () {
        yield* ask(
          person(number, { lastName: `Γεωργίου ${number}`, phone: `357990${String(number).padStart(5, "0")}` })
        )
        if (number % 3 === 0) yield* ask(changeEmail(number, `changed.${number}@example.com`))
        if (number % 4 === 0) yield* ask(identify(number))
        const lines = [lineOf(`sku-${number % 7}`, `Bread ${number % 5}`), lineOf(`sku-${number % 11}`)]
        const classification = { id: `class-${number % 3}`, name: `Class ${number}` }
        const { spendRequest: _, ...command } = purchase(number, number, 200n, { lines, classification })
          .command as typeof PostPurchase.Type
        yield* ask({ ...purchase(number, number, 200n), command })
      }),
    { concurrency: 16, discard: true }
  )

const identify = (number: number) => ({
  ...person(number),
  command: {
    _tag: "AddIdentifiers",
    identity: { loyaltyIdentifiers: [`LOYAL-${number}`], cards: [], giftPasses: [] }
  } as const
})

const caughtUp = Effect.flatMap(Projector, (projector) =>
  Effect.forEach(projections, ({ name }) => projector.waitFor(name), { discard: true })
)

layer(readSide, { excludeTestServices: true })("views that follow", (it) => {
  it.effect("P9: rebuilt from zero equals live, row by row, also with another one in between", () =>
    Effect.gen(function* () {
      yield* open
      yield* fill(1, 150)
      yield* caughtUp
      const live = yield* viewRows
      assert.lengthOf(
        live.filter((row) => row.startsWith("contact_directory")),
        150
      )
      assert.lengthOf(
        live.filter((row) => row.startsWith("catalogue_product")),
        11
      )

      const projector = yield* Projector
      for (const { name } of projections) yield* projector.rebuild(name)
      yield* caughtUp
      assert.deepStrictEqual(yield* viewRows, live)

      yield* Effect.all([fill(200, 50), ...projections.map(({ name }) => projector.rebuild(name))], { concurrency: 3 })
      yield* caughtUp
      const mixed = yield* viewRows
      for (const { name } of projections) yield* projector.rebuild(name)
      yield* caughtUp
      assert.deepStrictEqual(yield* viewRows, mixed)
    })
  )

  it.effect("a read that waits sees what was answered before it, each time", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const projector = yield* Projector
      for (let number = 300; number < 330; number++) {
        yield* ask(person(number))
        yield* projector.waitFor("contact_directory")
        assert.lengthOf(yield* sql`SELECT 1 FROM contact_directory WHERE contact = ${contactId(number)}::uuid`, 1)
      }
    })
  )

  it.effect("a position that does not exist is refused in time, and harms nobody", () =>
    Effect.gen(function* () {
      const projector = yield* Projector
      const refused = yield* Effect.flip(
        withoutPatience(projector.waitFor("catalogue", [{ shard: 3, offset: 1_000_000 }]))
      )
      assert.strictEqual(refused._tag, "ProjectionBehind")
      yield* fill(400, 1)
      yield* caughtUp
      for (const status of yield* projector.status)
        assert.deepInclude(status, { state: "RUNNING", lagEvents: 0, lagMs: 0 })
    })
  )
})

/** Notes each registration in the transaction that applies it, without a key that would hide a second time. */
const witnessed = (each: Projection): Projection => ({
  ...each,
  apply: Effect.fnUntraced(function* (sql, events) {
    for (const { event, row } of events) {
      if (event._tag === "ContactRegistered") yield* sql`INSERT INTO witness VALUES (${row.key}::uuid)`
    }
    yield* each.apply(sql, events)
  })
})

/** How often each contact's registration was applied. */
const timesSeen = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql<{ times: bigint }>`SELECT count(*) AS times FROM witness GROUP BY contact`
  return rows.map(({ times }) => Number(times))
})

layer(writeSide, { excludeTestServices: true })("a projector that dies", (it) => {
  it.effect("P9: killed 20 times between and within batches, it leaves no gap and no duplicate", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE witness (contact uuid NOT NULL)`
      yield* open
      yield* fill(1, 120)
      let batches = 0
      const waiting: Array<() => void> = []
      const counting = projections.map(witnessed).map((each): Projection => ({
        ...each,
        apply: (client, events) =>
          Effect.tap(each.apply(client, events), () => {
            batches += 1
            for (const wait of waiting.splice(0)) wait()
            return Effect.void
          })
      }))
      // It dies where it is: the rows are written, the transaction is not committed.
      const aBatch = Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void)))
      for (let life = 0; life < 20; life++) {
        yield* Effect.all([withProjector(() => aBatch, counting), fill(1_000 + life * 3, 3)], { concurrency: 2 })
      }
      assert.isAtLeast(batches, 20)
      yield* withProjector(
        (projector) => Effect.forEach(projections, ({ name }) => projector.waitFor(name)),
        projections.map(witnessed)
      )
      const times = yield* timesSeen
      assert.lengthOf(times, 180)
      assert.deepStrictEqual([...new Set(times)], [1])

      const survived = yield* viewRows
      yield* withProjector((projector) =>
        Effect.gen(function* () {
          for (const { name } of projections) yield* projector.rebuild(name)
          for (const { name } of projections) yield* projector.waitFor(name)
        })
      )
      assert.deepStrictEqual(yield* viewRows, survived)
    })
  )

  it.effect("two at once apply each event once", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`TRUNCATE witness`
      const twice = projections.map(witnessed)
      yield* withProjector(
        (first) =>
          withProjector(
            (second) =>
              Effect.gen(function* () {
                yield* fill(2_000, 40)
                for (const { name } of projections) {
                  yield* Effect.all([first.waitFor(name), second.waitFor(name)], { concurrency: 2 })
                }
              }),
            twice
          ),
        twice
      )
      const times = yield* timesSeen
      assert.lengthOf(times, 40)
      assert.deepStrictEqual([...new Set(times)], [1])
    })
  )

  it.effect(
    "a projection that throws stands still with its reason, holds up no other, and goes on once it is mended",
    () =>
      Effect.gen(function* () {
        let isBroken = true
        const fragile: Projection = {
          ...catalogue,
          name: "fragile",
          apply: (_, events) => {
            if (isBroken && events.length > 0) throw new RangeError("no shelf is free")
            return Effect.void
          },
          reset: () => Effect.void
        }
        yield* withProjector(
          (projector) =>
            Effect.gen(function* () {
              yield* fill(3_000, 2)
              const refused = yield* Effect.flip(projector.waitFor("fragile"))
              assert.deepInclude(refused, { _tag: "ProjectionBehind", reason: "RangeError: no shelf is free" })
              yield* projector.waitFor("contact_directory")
              yield* fill(3_100, 1)
              yield* projector.waitFor("contact_directory")
              const [stopped, running] = yield* projector.status
              assert.deepInclude(stopped, {
                projection: "fragile",
                state: "STOPPED",
                reason: "RangeError: no shelf is free"
              })
              assert.isAbove(stopped?.lagEvents ?? 0, 0)
              assert.deepInclude(running, { state: "RUNNING", lagEvents: 0 })
              isBroken = false
              yield* projector.rebuild("fragile")
              yield* projector.waitFor("fragile")
              assert.deepInclude((yield* projector.status)[0], { state: "RUNNING", lagEvents: 0 })
            }),
          [fragile, projections[0]!]
        )
      })
  )

  it.effect("an unreachable journal is waited for, and shows as lag meanwhile", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      let isDown = true
      const broken = Layer.succeed(Journal, {
        ...journal,
        scan: (...asked) =>
          isDown ? Effect.fail(new JournalUnavailable({ operation: "scan", cause: "gone" })) : journal.scan(...asked)
      })
      yield* ask(person(5_000))
      yield* withProjector((projector) =>
        Effect.gen(function* () {
          const status = yield* eventually(
            "it says what it waits for",
            Effect.map(projector.status, (all) =>
              all.find(({ projection, reason }) => projection === "contact_directory" && reason !== undefined)
            )
          )
          const refused = yield* Effect.flip(withoutPatience(projector.waitFor("contact_directory")))
          assert.deepInclude(refused, { reason: "JournalUnavailable: scan" })
          assert.strictEqual(status.state, "RUNNING")
          assert.isAbove(status.lagEvents, 0)
          isDown = false
          yield* projector.waitFor("contact_directory")
        })
      ).pipe(Effect.provide(broken))
    })
  )

  it.effect("P14, P15: an altered event is never applied: the projection stops and its lag is seen", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* fill(4_000, 1)
      yield* sql`UPDATE event SET body = replace(body, 'sku-', 'SKU-') WHERE type = 'PurchasePosted' AND key = ${contactId(4_000)}::uuid`
      const before = yield* viewRows
      yield* withProjector((projector) =>
        Effect.gen(function* () {
          const refused = yield* Effect.flip(projector.waitFor("catalogue"))
          assert.match(refused._tag === "ProjectionBehind" ? (refused.reason ?? "") : "", /checksum/)
          const status = (yield* projector.status).find(({ projection }) => projection === "catalogue")
          assert.strictEqual(status?.state, "STOPPED")
          assert.isAbove(status?.lagEvents ?? 0, 0)
        })
      )
      const ofCatalogue = (rows: ReadonlyArray<string>) => rows.filter((row) => row.startsWith("catalogue"))
      assert.deepStrictEqual(ofCatalogue(yield* viewRows), ofCatalogue(before))
    })
  )
})
