/**
 * AUT-6, AUT-10, SEG-3: a filter is judged on what a contact was, and in which segments, when it happened: not before, not
 * after, and just as a dry run judges it.
 */
import { assert, layer } from "@effect/vitest"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Condition, ConditionSets } from "#domain/segment/Condition.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import type { SegmentChange } from "#runtime/segment/SegmentChange.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { aMomentLater, alive, asked, automationId, below, runsOf, save, tag } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const segmentId = (name: string): string => nameUuid("segment of a test", name)
const saveSegment = (
  name: string,
  mode: SegmentDefinition["refresh"]["mode"],
  ...conditions: ReadonlyArray<Condition>
) =>
  ask({
    business: businessId,
    key: businessId,
    command: {
      _tag: "SaveSegment",
      id: segmentId(name),
      name,
      body: { sets: [{ conditions }], refresh: { mode } }
    }
  })

const taggedAtLeast = (value: number): Condition => ({
  type: "COUNT",
  event: "TagsChanged",
  operator: "GREATER_OR_EQUAL",
  value
})
const isTagged = (name: string): Condition => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [name] })
const isIn = (name: string): ConditionSets => [{ conditions: [{ type: "MEMBER", segment: segmentId(name) }] }]

const onTags = (filter: ConditionSets): AutomationDefinition => ({
  trigger: "TAGS_CHANGED",
  filter,
  actions: [{ _tag: "ACTIVITY", type: "CALL" }]
})

const untag = (contact: number, ...remove: ReadonlyArray<string>) =>
  asked(contact, { _tag: "ChangeTags", add: [], remove })
const settled = Effect.flatMap(Projector, (projector) => projector.waitFor("automations"))

/** At which instants it ran for a contact, by the clock. */
const ran = (number: number, contact: number) =>
  Effect.map(runsOf(number, contact), (runs) => runs.map(({ eventAt }) => eventAt).toSorted((one, two) => one - two))

/** What a dry run says of the same automation and contact. */
const wouldHaveRun = Effect.fnUntraced(function* (number: number, contact: number, from: number) {
  const actors = yield* Actors
  const business = actors.business(businessId)
  assert.isDefined(business)
  const { state: automations } = yield* actors.read(businessId, businessId, "automations")
  const { state: segments } = yield* actors.read(businessId, businessId, "segments")
  const definition = automations[automationId(number)]?.body
  assert.isDefined(definition)
  const until = (yield* Clock.currentTimeMillis) + 1
  const { results } = yield* (yield* Automations).dryRun({
    business,
    definitions: [definition],
    segments,
    from,
    until
  })
  return results[0]?.sample.filter((firing) => firing.contact === contactId(contact)).map(({ at }) => at)
})

/** The instant of the last thing that happened to her. */
const lastAt = Effect.fnUntraced(function* (contact: number, type: string) {
  const sql = yield* SqlClient
  const rows = yield* sql<{ at: bigint }>`
    SELECT at FROM event WHERE id = ${contactId(contact)}::uuid AND type = ${type} ORDER BY seq DESC LIMIT 1`
  return Number(rows[0]?.at)
})
const tagged = Effect.fnUntraced(function* (contact: number, name: string) {
  yield* tag(contact, name)
  const at = yield* lastAt(contact, "TagsChanged")
  yield* aMomentLater
  return at
})

layer(below, { excludeTestServices: true })("filters of automations", (it) => {
  it.effect(
    "SEG-3, AUT-10: see the live segment that the very event makes true, or makes false, and those made of it",
    () =>
      Effect.gen(function* () {
        yield* open
        yield* ask(person(1))
        const from = yield* Clock.currentTimeMillis
        yield* saveSegment("regulars", "LIVE", taggedAtLeast(2))
        yield* saveSegment(
          "plain regulars",
          "LIVE",
          { type: "MEMBER", segment: segmentId("regulars") },
          {
            type: "NOT",
            condition: isTagged("gold") as never
          }
        )
        const member = { type: "MEMBER", segment: segmentId("regulars") } as const
        const span = { amount: 1, unit: "HOURS" } as const
        yield* save(1, onTags(isIn("regulars")))
        yield* save(2, onTags(isIn("plain regulars")))
        yield* save(11, onTags([{ conditions: [{ ...member, for: { operator: "LESS_THAN", span } }] }]))
        yield* save(12, onTags([{ conditions: [{ ...member, for: { operator: "AT_LEAST", span } }] }]))
        yield* aMomentLater
        yield* alive(
          Effect.gen(function* () {
            yield* tagged(1, "first")
            const second = yield* tagged(1, "second")
            const third = yield* tagged(1, "gold")
            yield* settled
            assert.deepStrictEqual(yield* ran(1, 1), [second, third])
            assert.deepStrictEqual(yield* ran(2, 1), [second])
            assert.deepStrictEqual([yield* ran(11, 1), yield* ran(12, 1)], [[second, third], []])
            assert.deepStrictEqual(yield* wouldHaveRun(1, 1, from), [second, third])
            assert.deepStrictEqual(yield* wouldHaveRun(2, 1, from), [second])
            assert.deepStrictEqual(yield* wouldHaveRun(11, 1, from), [second, third])
            assert.deepStrictEqual(yield* wouldHaveRun(12, 1, from), [])
          })
        )
      })
  )

  it.effect("AUT-6, AUT-10: what comes before anybody has looked undoes nothing, and makes nothing true", () =>
    Effect.gen(function* () {
      const from = yield* Clock.currentTimeMillis
      const isLow: ConditionSets = [
        { conditions: [{ type: "COMPARISON", field: "wallet.balance", operator: "LESS", value: 100 }] }
      ]
      yield* save(3, { trigger: "WALLET_DEBITED", filter: isLow, actions: [{ _tag: "ACTIVITY", type: "CALL" }] })
      yield* save(4, onTags([{ conditions: [isTagged("gold")] }]))
      const posted = Effect.fnUntraced(function* (action: "CREDIT" | "DEBIT", amount: bigint) {
        const entryId = nameUuid("entry", `${action} ${amount}`)
        yield* asked(10, { _tag: "PostJournal", entryId, action, amount, currency: "EUR" })
        const at = yield* lastAt(10, action === "DEBIT" ? "FundsDebited" : "FundsCredited")
        yield* aMomentLater
        return at
      })
      yield* ask(person(10))
      yield* posted("CREDIT", 200n)
      yield* posted("DEBIT", 20n)
      const low = yield* posted("DEBIT", 150n)
      yield* posted("CREDIT", 1_000n)
      yield* tagged(10, "silver")
      const gold = yield* tagged(10, "gold")
      const still = yield* tagged(10, "also")
      yield* untag(10, "gold")
      // So much that her last snapshot knows more than is asked for.
      for (let nth = 0; nth < 110; nth++) yield* Effect.andThen(tag(10, "again"), untag(10, "again"))
      const sql = yield* SqlClient
      yield* eventually(
        "her snapshot is ahead",
        Effect.map(
          sql<{ seq: number }>`SELECT seq FROM snapshot WHERE id = ${contactId(10)}::uuid AND seq > 50`,
          (rows) => rows.length > 0
        )
      )
      yield* alive(
        Effect.gen(function* () {
          yield* settled
          assert.deepStrictEqual(yield* ran(3, 10), [low])
          assert.deepStrictEqual(yield* ran(4, 10), [gold, still])
          assert.deepStrictEqual(yield* wouldHaveRun(3, 10, from), [low])
          assert.deepStrictEqual(yield* wouldHaveRun(4, 10, from), [gold, still])
        })
      )
    })
  )

  it.effect("AUT-6: a segment's rule is the one that it had, and nobody waits until its members are counted", () =>
    Effect.gen(function* () {
      yield* ask(person(20))
      yield* saveSegment("changed", "LIVE", isTagged("bronze"))
      yield* save(5, onTags(isIn("changed")))
      yield* aMomentLater
      const bronze = yield* tagged(20, "bronze")
      yield* saveSegment("changed", "LIVE", isTagged("silver"))
      yield* aMomentLater
      yield* tagged(20, "gold")
      const silver = yield* tagged(20, "silver")
      yield* alive(
        Effect.gen(function* () {
          yield* settled
          assert.deepStrictEqual(yield* ran(5, 20), [bronze, silver])
        })
      )
    })
  )

  it.effect("SEG-2, SEG-6: who is in by a file or since a refresh was in when it happened", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* ask(person(30))
      yield* saveSegment("counted", "ON_DEMAND", taggedAtLeast(0))
      yield* saveSegment("filed", "LIVE", taggedAtLeast(1_000))
      yield* save(6, onTags(isIn("counted")))
      yield* save(7, onTags(isIn("filed")))
      yield* aMomentLater
      let position = 0
      const moved = (name: string, joined: boolean, reason: string) =>
        Effect.gen(function* () {
          const at = BigInt(yield* Clock.currentTimeMillis)
          const [business, segment, contact] = [businessId, segmentId(name), contactId(30)]
          position += 1
          yield* sql`INSERT INTO segment_change (business, segment, position, id, contact, joined, reason, at, shard)
            VALUES (${business}::uuid, ${segment}::uuid, ${position}, gen_random_uuid(), ${contact}::uuid, ${joined},
              ${reason}, ${at}, 0)`
          yield* joined
            ? sql`INSERT INTO segment_member (business, segment, contact, by_rule, by_import, since) VALUES
                (${business}::uuid, ${segment}::uuid, ${contact}::uuid, ${reason !== "IMPORT"}, ${reason === "IMPORT"}, ${at})`
            : sql`DELETE FROM segment_member WHERE segment = ${segment}::uuid AND contact = ${contact}::uuid`
          yield* aMomentLater
        })
      yield* tagged(30, "before")
      yield* moved("counted", true, "REFRESH")
      yield* moved("filed", true, "IMPORT")
      const first = yield* tagged(30, "in both")
      yield* moved("counted", false, "REFRESH")
      const second = yield* tagged(30, "in one")
      yield* moved("filed", false, "REMOVAL")
      yield* tagged(30, "in none")
      yield* moved("counted", true, "REFRESH")
      yield* moved("filed", true, "IMPORT")
      const last = yield* tagged(30, "in both again")
      yield* alive(
        Effect.gen(function* () {
          yield* settled
          assert.deepStrictEqual(yield* ran(6, 30), [first, last])
          assert.deepStrictEqual(yield* ran(7, 30), [first, second, last])
        })
      )
    })
  )

  it.effect(
    "SEG-3: who joined at an instant is judged as she was then, and who was counted with all others as she is",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* saveSegment("quiet", "LIVE", taggedAtLeast(0))
        yield* save(8, {
          trigger: "SEGMENT_JOINED",
          segmentId: segmentId("quiet"),
          filter: [{ conditions: [isTagged("gold"), taggedAtLeast(1)] }],
          actions: [{ _tag: "ACTIVITY", type: "CALL" }]
        })
        yield* aMomentLater
        yield* ask(person(40))
        const gold = yield* tagged(40, "gold")
        yield* untag(40, "gold")
        const joined = (number: number, reason: SegmentChange["reason"], at: number): SegmentChange => ({
          id: automationId(4_000 + number),
          business: businessId,
          segmentId: segmentId("quiet"),
          position: number,
          contact: contactId(40),
          kind: "JOINED",
          reason,
          at,
          shard: 0
        })
        yield* alive(
          Effect.gen(function* () {
            yield* settled
            const { sink } = yield* Automations
            const those = [joined(1, "TIME", gold - 1), joined(2, "TIME", gold), joined(3, "REFRESH", gold)]
            yield* sql.withTransaction(sink(sql, those))
            const runs = yield* runsOf(8, 40)
            assert.deepStrictEqual(
              runs.map(({ event }) => event),
              [`segment/${automationId(4_002)}`]
            )
          })
        )
      })
  )
})
