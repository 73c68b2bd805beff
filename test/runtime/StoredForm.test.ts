/**
 * What stands in the store: nothing personal in the clear (decision 10), nothing torn or altered that is served (P14), and
 * snapshots that are the fold of the events and never more than that.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { RegisterContact } from "#domain/contact/ContactCommand.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { history, isAtRest, start } from "./Runners.ts"
import type { Runner } from "./Runners.ts"
import {
  businessId,
  changeEmail,
  commandId,
  contactId,
  credit,
  debit,
  openBusiness,
  purchase,
  register,
  share,
  transfer
} from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

const bakery = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  yield* runner.actors.ask(register(1))
  return { store, runner }
})

const read = (runner: Runner, number = 1) => runner.actors.read(businessId, contactId(number), "contact")
const stream = `2/${contactId(1)}`

describe("what is personal", () => {
  const person: Partial<typeof RegisterContact.Type> = {
    profile: {
      firstName: "Kalliope",
      middleName: "Artemisia",
      lastName: "Papadimitriou",
      email: "kalliope.p@example.org",
      phone: { type: "MOBILE", number: "99 123 456", e164: "+35799123456" },
      demographics: { passport: { number: "K7781234", issuingCountryCode: "CYP", expirationDate: 1_900_000_000 } },
      customFields: [{ key: "nickname", value: "Popi-the-baker" }]
    },
    identity: {
      code: "KALLIOPE-1",
      referralCode: "KALLI7",
      walletCode: "4929111122223333",
      loyaltyIdentifiers: ["LOYAL-000777"],
      cards: [{ hash: "cardhash-5fe1", firstSix: "541333", lastFour: "0087" }],
      giftPasses: ["GIFT-2026-11"]
    }
  }
  // Where a text begins: six digits alone stand in ids by chance as well.
  const words =
    "Kalliope,Artemisia,Papadimitriou,kalliope.p,new.address,99 123 456,35799123456,K7781234,Popi-the-baker,"
      .concat(
        'KALLI7,4929111122223333,LOYAL-000777,cardhash-5fe1,"541333,GIFT-2026-11,token-value-91,8888777766665555,'
      )
      .concat("happy birthday")
      .split(",")

  it.effect(
    "stands nowhere in the store in the clear: no event, snapshot, message, command, answer or claim (decision 10, P17)",
    () =>
      Effect.gen(function* () {
        const { store, runner } = yield* bakery
        const { ask, accept } = runner.actors
        const { command, ...place } = register(5)
        const birth = { ...place, command: { ...command, ...person } as typeof command }
        yield* ask({ ...birth, id: commandId(1), fingerprint: "one" })
        yield* ask(changeEmail(5, "new.address@example.org"))
        yield* ask({ ...changeEmail(1, "new.address@example.org") }).pipe(Effect.flip)
        const journal = credit(5, 5_000n, "opening")
        yield* ask({ ...journal, command: { ...journal.command, notes: "happy birthday" } as typeof command })
        const token = {
          id: "token-1",
          value: "token-value-91",
          alternative: "8888777766665555",
          intent: "SPEND",
          expiresAt: 1_000_000
        } as const
        yield* ask({ ...place, command: { _tag: "IssueToken", token } })
        yield* ask(purchase(5, 1, 100n, { tokenValue: token.value }))
        yield* ask(share(5, 1))
        yield* ask(purchase(1, 2, 100n, { communityId: contactId(5) }))
        const gift = transfer(5, 1, 50n, "gift")
        yield* ask({ ...gift, command: { ...gift.command, notes: "happy birthday" } as typeof command })
        yield* accept(credit(5, 1n, "accepted"))
        for (let index = 0; index < 230; index++) yield* ask(credit(5, 1n, `${index}`))
        yield* until(() => isAtRest(store) && store.snapshots.has(`2/${contactId(5)}`))

        const rows = [
          ...[...store.streams.values()].flat(),
          ...store.snapshots.values(),
          ...store.inbox.values(),
          ...store.commands.values(),
          ...[...store.claims].map(([name, holder]) => ({ name, holder })),
          // What was in the inbox for a moment only.
          ...runner.connection.sent.flatMap((batch) => batch.units)
        ]
        const found = rows
          .map((row) => JSON.stringify(row))
          .flatMap((text) => words.filter((word) => text.includes(word)))
        assert.deepStrictEqual([...new Set(found)], [])
        const { state } = yield* read(runner, 5)
        assert.strictEqual(state.profile.lastName, "Papadimitriou", "and yet it is all there")
      })
  )

  it.effect("cannot be moved to another contact: what is sealed for one is refused for another (P14)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(register(2))
      yield* runner.crash
      const [own, other] = [contactId(1), contactId(2)].map((id) => store.dataKeys.get(id))
      assert.isTrue(own !== undefined && other !== undefined)
      if (own !== undefined && other !== undefined) store.dataKeys.set(contactId(1), { ...own, wrapped: other.wrapped })
      const next = yield* start(store)
      assert.strictEqual((yield* Effect.flip(read(next)))._tag, "ActorUnavailable")
      assert.strictEqual((yield* read(next, 2)).state.id, contactId(2))
    })
  )
})

describe("a row that was torn or altered (P14)", () => {
  const tear = (text: string): string => text.replace(/1/, "7")

  it.effect("stops its own actor and no other: neither read nor written, whatever column it is in", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(register(2))
      yield* runner.actors.ask(credit(1, 100n, "opening"))
      yield* runner.crash
      const rows = store.streams.get(stream) ?? []
      const whole = structuredClone(rows)
      const [first, last] = [whole[0], whole.at(-1)]
      assert.isTrue(first !== undefined && last !== undefined)
      if (first === undefined || last === undefined) return
      const damages = [
        [first, { ...last, body: tear(last.body) }],
        [first, { ...last, body: last.body.slice(0, -9) }],
        [first, { ...last, checksum: last.checksum ^ 1 }],
        [first, { ...last, type: "FundsMinted" }],
        [{ ...first, body: tear(first.body) }, last],
        // A row that is missing, one that stands elsewhere, one of a version that nobody knows yet.
        [last],
        [{ ...last, seq: 1 }],
        [first, { ...last, version: 9 }]
      ]
      for (const damaged of damages) {
        store.streams.set(stream, damaged)
        const next = yield* start(store)
        const refused = yield* Effect.flip(next.actors.ask(debit(1, 1n, "spend")))
        assert.strictEqual(refused._tag, "ActorUnavailable", JSON.stringify(damaged.at(-1)))
        assert.strictEqual((yield* Effect.flip(read(next)))._tag, "ActorUnavailable")
        assert.strictEqual((yield* read(next, 2)).seq, 1)
        assert.strictEqual(
          (yield* Effect.exit(next.actors.lookUp(businessId, "contact", contactId(1))))._tag,
          "Failure"
        )
        yield* next.crash
      }
      store.streams.set(stream, whole)
      assert.strictEqual((yield* read(yield* start(store))).seq, 2)
    })
  )

  it.effect("does no harm in a snapshot: the events are folded instead", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      for (let index = 0; index < 205; index++) yield* runner.actors.ask(credit(1, 1n, `${index}`))
      const kept = yield* until(() => store.snapshots.get(stream))
      const expected = yield* read(runner)
      yield* runner.crash
      const damages = [
        { ...kept, body: kept.body.replace('"remaining":"1"', '"remaining":"9"') },
        { ...kept, body: kept.body.slice(0, 100) },
        { ...kept, checksum: kept.checksum ^ 1 },
        { ...kept, stateVersion: kept.stateVersion + 1 },
        { ...kept, seq: kept.seq - 1 }
      ]
      for (const damaged of damages) {
        store.snapshots.set(stream, damaged)
        const next = yield* start(store)
        assert.deepStrictEqual(yield* read(next), expected)
        yield* next.crash
      }
    })
  )
})

describe("a snapshot", () => {
  it.effect("is taken every 100 events and equals the fold of the events up to it", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      const seqs: Array<number> = []
      for (let index = 0; index < 250; index++) {
        yield* runner.actors.ask((index % 3 === 2 ? debit : credit)(1, 1n, `${index}`))
        const seq = store.snapshots.get(stream)?.seq
        if (seq !== undefined && seq !== seqs.at(-1)) seqs.push(seq)
      }
      assert.deepStrictEqual(seqs, [100, 200])
      const kept = store.snapshots.get(stream)
      assert.isDefined(kept)
      if (kept === undefined) return
      yield* runner.crash
      const entries = yield* history(store, "contact", contactId(1))
      const next = yield* start(store)
      const { state, seq } = yield* read(next)
      assert.deepStrictEqual([seq, state], [251, entries.at(-1)?.state])
      assert.strictEqual(seq - kept.seq, 51)
    })
  )

  it.effect(
    "that was due when its neighbour in the same commit failed is saved all the same, and the lane goes on",
    () =>
      Effect.gen(function* () {
        const { store, runner } = yield* bakery
        yield* runner.actors.ask(register(2))
        yield* runner.actors.ask(changeEmail(2, "taken@example.com"))
        for (let index = 0; index < 98; index++) yield* runner.actors.ask(credit(1, 1n, `${index}`))
        const both = yield* Effect.all(
          [
            Effect.exit(runner.actors.ask(credit(1, 1n, "the 200th"))),
            Effect.exit(runner.actors.ask(changeEmail(1, "taken@example.com")))
          ],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          both.map((exit) => exit._tag),
          ["Success", "Failure"]
        )
        yield* until(() => store.snapshots.has(stream))
        yield* runner.actors.ask(credit(2, 1n, "and on"))
      })
  )
})

describe("an idle group", () => {
  it.effect("leaves memory, keeps a snapshot of a long tail, and comes back as it was", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      for (let index = 0; index < 30; index++) yield* runner.actors.ask(credit(1, 1n, `${index}`))
      const before = yield* read(runner)
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual(runner.actors.statistics().residentGroups, 2)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(runner.actors.statistics().residentGroups, 0)
      assert.strictEqual(store.snapshots.get(stream)?.seq, 31)
      assert.deepStrictEqual(yield* read(runner), before)
      yield* runner.actors.ask(debit(1, 30n, "all of it"))
      assert.deepStrictEqual((yield* read(runner)).state.lots, [])
    })
  )
})
