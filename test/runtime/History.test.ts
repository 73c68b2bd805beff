/** One contact's history: filters, pages and totals against the same list taken whole, in both orders. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { contact } from "#domain/contact/Contact.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { CreditWithinEventsMax, History, type WalletEntryFilters } from "#runtime/projection/History.ts"
import type { PageRequest } from "#runtime/projection/Paging.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { ask, open, person, writeSide } from "./ReadSide.ts"
import {
  businessId,
  cancel,
  contactId,
  createPool,
  credit,
  debit,
  noon,
  otherBusinessId,
  purchase,
  share,
  transfer,
  venueId
} from "./SampleCommands.ts"

const member = contactId(2)
const whatThereIs = { restrictFullyCovered: false }

const entries = (filters: WalletEntryFilters = {}, page: Partial<PageRequest> = {}, id = member) =>
  Effect.flatMap(History, (history) =>
    history.walletEntries(businessId, id, filters, { size: 200, order: "DESC", ...page })
  )
const purchases = (page: Partial<PageRequest> = {}, filters = {}) =>
  Effect.flatMap(History, (history) =>
    history.purchases(businessId, member, filters, { size: 200, order: "DESC", ...page })
  )

layer(writeSide, { excludeTestServices: true })("a contact's history", (it) => {
  it.effect("holds at once what has been answered, newest first, each id once", () =>
    Effect.gen(function* () {
      yield* open
      yield* ask(createPool({ id: "any" }))
      yield* Effect.forEach([1, 2, 3], (number) => ask(person(number)), { discard: true })
      yield* ask(credit(1, 5_000n, "salary"))
      yield* ask(credit(2, 1_000n, "gift"))
      yield* ask(credit(2, 500n, "voucher", "any"))
      yield* ask(share(1, 2, 1_000n))
      yield* ask(transfer(2, 3, 100n, "t-1"))
      yield* ask(purchase(2, 1, 2_000n, { spendRequest: whatThereIs }))
      yield* ask(cancel(2, 1))
      for (let number = 2; number < 30; number++) yield* ask(purchase(2, number, 10n, { spendRequest: whatThereIs }))
      yield* ask(debit(2, 7n, "correction"))
      const { rows, total, hasMore } = yield* entries({}, { includeTotal: true })
      assert.deepStrictEqual([rows[0]?.id, rows.at(-1)?.id], ["correction", "gift"])
      assert.deepStrictEqual([total, hasMore], [rows.length, false])
      assert.strictEqual(new Set(rows.map((entry) => entry.id)).size, rows.length)
      assert.deepStrictEqual((yield* entries({}, { order: "ASC" })).rows, rows.toReversed())
    })
  )

  it.effect("WAL-1: sums to the balances that the actor has", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      for (const number of [1, 2, 3]) {
        const { state } = yield* actors.read(businessId, contactId(number), "contact")
        for (const pocket of ["BUSINESS", "BUSINESS_COMMERCE"] as const) {
          const { rows } = yield* entries({ pocket }, {}, contactId(number))
          const sum = rows.reduce((net, { type, amount }) => (type === "CREDIT" ? net + amount : net - amount), 0n)
          assert.strictEqual(sum, balance(state.lots, pocket))
        }
      }
    })
  )

  it.effect("filters by type, kind, pocket, pool, counterpart, purchase and period, with exact totals", () =>
    Effect.gen(function* () {
      const all = (yield* entries()).rows
      const middle = all[20]!.at
      const cases: ReadonlyArray<readonly [WalletEntryFilters, (entry: (typeof all)[number]) => boolean]> = [
        [{ type: "CREDIT" }, (entry) => entry.type === "CREDIT"],
        [{ transactionTypes: ["SPEND", "TRANSFER"] }, (entry) => ["SPEND", "TRANSFER"].includes(entry.transactionType)],
        [{ pocket: "BUSINESS_COMMERCE" }, (entry) => entry.pocket === "BUSINESS_COMMERCE"],
        [{ poolId: "any", type: "DEBIT" }, (entry) => entry.poolId === "any" && entry.type === "DEBIT"],
        [{ counterpartId: contactId(1) }, (entry) => entry.counterpartId === contactId(1)],
        [{ counterpartId: contactId(3) }, (entry) => entry.transferId === "t-1"],
        [{ purchaseId: all[5]!.purchaseId! }, (entry) => entry.purchaseId === all[5]!.purchaseId],
        [{ from: middle }, (entry) => entry.at >= middle],
        [{ until: middle }, (entry) => entry.at < middle],
        [
          { from: middle - 5, until: middle + 5, type: "DEBIT" },
          ({ at, type }) => at >= middle - 5 && at < middle + 5 && type === "DEBIT"
        ],
        [{ from: noon * 2 }, () => false]
      ]
      for (const [filters, matches] of cases) {
        const expected = all.filter(matches)
        for (const order of ["ASC", "DESC"] as const) {
          const { rows, total } = yield* entries(filters, { order, includeTotal: true })
          const inOrder = order === "DESC" ? expected : expected.toReversed()
          assert.deepStrictEqual(rows, inOrder, JSON.stringify(filters))
          assert.strictEqual(total, expected.length)
        }
      }
    })
  )

  it.effect("comes in the same pages by number and by cursor, counted or not, also when an event is cut in two", () =>
    Effect.gen(function* () {
      for (const order of ["ASC", "DESC"] as const) {
        const all = (yield* entries({}, { order })).rows
        for (const includeTotal of [true, false]) {
          for (const size of [1, 3, 7]) {
            const seen = []
            let after: string | undefined
            for (let page = 1; seen.length < all.length; page++) {
              const numbered = yield* entries({}, { order, size, page, includeTotal })
              const following = yield* entries({}, { order, size, after, includeTotal })
              assert.deepStrictEqual(following, numbered)
              assert.strictEqual(following.total, includeTotal ? all.length : undefined)
              seen.push(...following.rows)
              after = following.next
            }
            assert.deepStrictEqual([seen, after], [all, undefined])
          }
        }
      }
    })
  )

  it.effect("a cursor stays where it is while entries arrive", () =>
    Effect.gen(function* () {
      const all = (yield* entries()).rows
      const first = yield* entries({}, { size: 10 })
      yield* ask(credit(2, 1n, "late"))
      const second = yield* entries({}, { size: 10, after: first.next })
      assert.deepStrictEqual([...first.rows, ...second.rows], all.slice(0, 20))
    })
  )

  it.effect("lists the purchases that were posted, cancelled ones too, by place and period", () =>
    Effect.gen(function* () {
      const { rows, total } = yield* purchases({ includeTotal: true })
      assert.deepStrictEqual([rows.length, total], [29, 29])
      assert.strictEqual(new Set(rows.map(({ purchaseId }) => purchaseId)).size, 29)
      const oldest = yield* purchases({ order: "ASC", size: 2 })
      assert.deepStrictEqual(oldest.rows, rows.toReversed().slice(0, 2))
      assert.deepStrictEqual((yield* purchases({}, { organisationIds: [venueId] })).rows, rows)
      assert.deepStrictEqual((yield* purchases({}, { organisationIds: ["elsewhere"] })).rows, [])
      const later = yield* purchases({}, { from: rows[3]!.postedAt })
      assert.deepStrictEqual(
        later.rows,
        rows.filter(({ postedAt }) => postedAt >= rows[3]!.postedAt)
      )
    })
  )

  it.effect("reads a long stream in bounded pages and stops with the page that is asked for", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* Effect.forEach(
        Array.from({ length: 1_300 }, (_, index) => index),
        (index) => ask(credit(3, 1n, `lot-${index}`)),
        {
          concurrency: 64,
          discard: true
        }
      )
      for (const order of ["ASC", "DESC"] as const) {
        let after: string | undefined
        const seen = []
        do {
          const page = yield* entries({}, { order, size: 200, after }, contactId(3))
          seen.push(...page.rows)
          after = page.next
        } while (after !== undefined)
        assert.lengthOf(seen, 1_301)
        assert.strictEqual((yield* entries({}, { order, size: 1, includeTotal: true }, contactId(3))).total, 1_301)
      }
      // The first event of the stream is damaged: whoever does not need it does not notice.
      const damaged = { ...(yield* entries({}, { order: "ASC", size: 1 }, contactId(3))).rows[0]! }
      yield* sql.unsafe(
        "UPDATE event SET checksum = checksum + 1 WHERE id = $1::uuid AND aggregate = $2 AND type = 'FundsCredited' AND seq = " +
          "(SELECT min(seq) FROM event WHERE id = $1::uuid AND aggregate = $2 AND type = 'FundsCredited')",
        [contactId(3), contact.code]
      )
      assert.lengthOf((yield* entries({}, { size: 5 }, contactId(3))).rows, 5)
      const refused = yield* Effect.flip(entries({}, { size: 5, order: "ASC" }, contactId(3)))
      assert.strictEqual(refused._tag, "ViewUnavailable", `P14: ${damaged.id} is served`)
    })
  )

  it.effect("finds a credit by its id among her newest events, and looks no further", () =>
    Effect.gen(function* () {
      const history = yield* History
      const credited = (id: string, eventsMax?: number, of = contactId(3)) => {
        const looked = Effect.map(history.credit(businessId, of, id), (found) => found?.id)
        return eventsMax === undefined ? looked : Effect.provideService(looked, CreditWithinEventsMax, eventsMax)
      }
      const [newest] = (yield* entries({}, { size: 1 }, contactId(3))).rows
      const [lately = "", longAgo] = [newest?.id, "lot-10"]
      assert.strictEqual(yield* credited(lately, 1), lately)
      // More than one page back.
      assert.strictEqual(yield* credited(longAgo), longAgo)
      assert.isUndefined(yield* credited(longAgo, 1_200))
      // It would be read with the damaged one, if it went on to the beginning.
      assert.isUndefined(yield* credited("unknown", 1_200))
      assert.strictEqual((yield* Effect.flip(credited("unknown")))._tag, "ViewUnavailable")
      assert.deepStrictEqual(
        [yield* credited("gift", 200, member), yield* credited("correction", 200, member)],
        ["gift", undefined]
      )
    })
  )

  it.effect("is empty for a stranger and for another business, and refuses a cursor it did not give", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* entries({}, { includeTotal: true }, contactId(99)), {
        rows: [],
        total: 0,
        hasMore: false
      })
      const history = yield* History
      const elsewhere = yield* history.walletEntries(otherBusinessId, member, {}, { size: 10, order: "DESC" })
      assert.deepStrictEqual(elsewhere.rows, [])
      const { next } = yield* entries({}, { size: 1 })
      const forged = (...values: ReadonlyArray<unknown>) => Buffer.from(JSON.stringify(values)).toString("base64url")
      for (const page of [
        { after: next, order: "ASC" },
        { after: "nonsense" },
        { after: forged("entries DESC", "x", 1) },
        { after: forged("entries DESC", 1e12, 1) }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(entries({}, page)))._tag, "CursorInvalid")
      }
    })
  )
})
