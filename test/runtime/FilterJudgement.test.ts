/** AUT-6: what a contact was when something happened, and when the journal has to be asked for it. */
import { assert, layer } from "@effect/vitest"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import type { Condition } from "#domain/segment/Condition.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import * as PastDefinitions from "#runtime/actor/PastDefinitions.ts"
import { FilterFacts } from "#runtime/automation/FilterFacts.ts"
import * as FilterJudgement from "#runtime/automation/FilterJudgement.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import { DataKeys } from "#runtime/projection/DataKeys.ts"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { alive, asked, below, tag } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId, share } from "./SampleCommands.ts"

const { code: aggregate } = contactAggregate

/** Filters judged at an event of the first contact, and how many contacts were read back for it. */
const judging = Effect.gen(function* () {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const journal = yield* Journal
  const codec = new Codec(yield* Sealer)
  const definitions = yield* Definitions.Definitions
  const counts = { read: 0 }
  const counting: typeof journal = {
    ...journal,
    load: (...given) => {
      counts.read += given[2].length
      return journal.load(...given)
    }
  }
  const judge = FilterJudgement.make({
    definitions: PastDefinitions.make({ journal, codec, definitions }),
    facts: yield* FilterFacts,
    journal: counting,
    codec,
    keys: yield* DataKeys
  })
  return Effect.fnUntraced(function* (seq: number, ...conditions: ReadonlyArray<Condition>) {
    const contact = contactId(1)
    const [row] = yield* sql<{ shard: number; shard_offset: bigint; at: bigint }>`
      SELECT shard, shard_offset, at FROM event WHERE id = ${contact}::uuid AND aggregate = ${aggregate} AND seq = ${seq}`
    const { shard = 0, shard_offset = 0n, at = 0n } = row ?? {}
    const asOf = { at: Number(at), position: { shard, offset: Number(shard_offset) }, until: Number.POSITIVE_INFINITY }
    const question = { business: businessId, contact, filter: [{ conditions }], ...asOf }
    const upTo = [{ shard, offset: actors.committedOffset(shard) }]
    counts.read = 0
    const [holds] = yield* judge(sql, [question], () => upTo)
    return [holds, counts.read] as const
  })
})

const seqs = (type: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql<{ seq: number }>`SELECT seq FROM event WHERE id = ${contactId(1)}::uuid AND type = ${type} ORDER BY seq`,
      (rows) => rows.map((row) => row.seq)
    )
  )
const credit = (entryId: string) =>
  asked(1, { _tag: "PostJournal", entryId, action: "CREDIT", amount: 100n, currency: "EUR" })

layer(below, { excludeTestServices: true })("a filter that is judged later than its event", (it) => {
  it.effect("AUT-6: needs the journal only if something has come that changes what it asks for", () =>
    alive(
      Effect.gen(function* () {
        yield* open
        yield* ask(person(1))
        yield* credit("first")
        const token = {
          id: "t",
          value: "v",
          alternative: "a",
          intent: "SPEND",
          expiresAt: Number.MAX_SAFE_INTEGER
        } as const
        yield* asked(1, { _tag: "IssueToken", token })
        yield* tag(1, "gold")
        const [first = 0] = yield* seqs("FundsCredited")
        const judged = yield* judging
        const balance = (value: number) =>
          ({ type: "COMPARISON", field: "wallet.balance", operator: "EQUAL", value }) as const
        const isGold: Condition = { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["gold"] }
        assert.deepStrictEqual(yield* judged(first, balance(100)), [true, 0])
        assert.deepStrictEqual(yield* judged(first, isGold), [false, 1])
        assert.deepStrictEqual(yield* judged(first, balance(100), isGold), [false, 1])
        const [tagged = 0] = yield* seqs("TagsChanged")
        assert.deepStrictEqual(yield* judged(tagged, isGold, balance(100)), [true, 0])

        yield* credit("second")
        const [, second = 0] = yield* seqs("FundsCredited")
        assert.deepStrictEqual(yield* judged(first, balance(100)), [true, 1])
        assert.deepStrictEqual(yield* judged(tagged, isGold), [true, 1])
        assert.deepStrictEqual(yield* judged(second, balance(200), isGold), [true, 0])
      })
    )
  )

  it.effect("AUT-6, SHR-1: knows the people of an owner, and their terms, as they were then", () =>
    alive(
      Effect.gen(function* () {
        const has = (state: string, least: number): Condition => ({
          type: "ANY",
          field: "people",
          where: [
            { type: "COMPARISON", field: "state", operator: "EQUAL", value: state },
            { type: "COMPARISON", field: "wallet_sharing_max_amount", operator: "GREATER_OR_EQUAL", value: least }
          ]
        })
        yield* ask(person(2))
        yield* tag(1, "before")
        yield* ask(share(1, 2, 5_000n))
        yield* tag(1, "shared")
        yield* asked(1, { _tag: "RemovePerson", relationshipId: "1-2" })
        yield* tag(1, "after")
        const [before = 0, shared = 0, after = 0] = (yield* seqs("TagsChanged")).slice(-3)
        const judged = yield* judging
        const holds = (seq: number, least: number) =>
          Effect.map(judged(seq, has("ACCEPTED", least)), ([isHeld]) => isHeld)
        assert.deepStrictEqual(
          [yield* holds(before, 1), yield* holds(shared, 5_000), yield* holds(shared, 5_001), yield* holds(after, 1)],
          [false, true, false, false]
        )
        const none: Condition = { type: "EXISTENCE", field: "people", exists: false }
        assert.deepStrictEqual([(yield* judged(shared, none))[0], (yield* judged(after, none))[0]], [false, true])
      })
    )
  )
})
