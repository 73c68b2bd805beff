/**
 * SEG-4: for random histories, memberships that followed commit by commit are those of a full computation, and the changes
 * that were told add up to them, each once: also when what keeps them is killed in the middle, and after a rebuild.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import { contactDirectory } from "#runtime/projection/ContactDirectory.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { liveSegmentsName } from "#runtime/segment/LiveSegments.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import type { SegmentChangeSink } from "#runtime/segment/SegmentChange.ts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open, withoutPatience, writeSide } from "./ReadSide.ts"
import { businessId, contactId, credit, debit, purchase, register } from "./SampleCommands.ts"
import {
  computed,
  definition,
  followingWith,
  membersOf,
  save,
  segmentId,
  tag,
  witness,
  witnessed,
  witnessTable
} from "./MembershipSide.ts"

const people = 12

/** Numbers that look drawn, the same for the same seed. */
const chanceOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
type Chance = ReturnType<typeof chanceOf>

const tags = ["red", "green", "blue"]
const tagged = (value: string): Condition => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [value] })
const not = (condition: Condition): Condition => (condition.type === "NOT" ? condition : { type: "NOT", condition })

const conditionOf = (chance: Chance, names: ReadonlyArray<string>): Condition => {
  const kinds: ReadonlyArray<() => Condition> = [
    () => tagged(tags[chance(3)] ?? "red"),
    () => not(tagged(tags[chance(3)] ?? "red")),
    () => ({ type: "COMPARISON", field: "wallet.balance", operator: "GREATER", value: chance(20) * 100 }),
    () => ({ type: "COUNT", event: "PurchasePaid", operator: "GREATER_OR_EQUAL", value: 1 + chance(3) }),
    () => ({
      type: "SUM",
      event: "PurchasePaid",
      field: "total",
      window: { last: { amount: 2, unit: "DAYS" } },
      operator: "GREATER",
      value: chance(1000)
    }),
    () => ({ type: "COUNT", event: "FundsCredited", operator: "EQUAL", value: chance(4) }),
    ...names.map((name) => () => ({ type: "MEMBER", segment: segmentId(name) }) as const),
    ...names.map((name) => () => not({ type: "MEMBER", segment: segmentId(name) }))
  ]
  return (kinds[chance(kinds.length)] ?? kinds[0])?.() as Condition
}

const setsOf = (chance: Chance, names: ReadonlyArray<string>) =>
  Array.from({ length: 1 + chance(2) }, () => Array.from({ length: 1 + chance(2) }, () => conditionOf(chance, names)))

let made = 0

/** Something happens to somebody. */
const happen = (chance: Chance) => {
  const number = 1 + chance(people)
  made += 1
  const something = [
    () => tag(number, [tags[chance(3)] ?? "red"]),
    () => tag(number, [], [tags[chance(3)] ?? "red"]),
    () => credit(number, BigInt(1 + chance(900)), `c-${made}`),
    () => debit(number, BigInt(1 + chance(900)), `d-${made}`),
    () => {
      const { spendRequest: _, ...command } = purchase(number, made, BigInt(1 + chance(700))).command as never as {
        readonly spendRequest: unknown
      }
      return { ...purchase(number, made, 100n), command: command as never }
    }
  ][chance(5)]
  // A debit that the wallet does not cover is refused, which is as good.
  return Effect.ignore(ask((something ?? (() => tag(number, ["red"])))()))
}

const names = ["a", "b", "c", "d", "e"]

/** Whatever was said is what is so, and what a full computation says. */
const agree = Effect.fnUntraced(function* () {
  const segments = yield* Segments
  for (const name of names) {
    const status = yield* computed(name)
    const members = yield* membersOf(name)
    assert.lengthOf(members, status.members)
    const told = yield* witnessed(name)
    assert.lengthOf(new Set(told.map(({ id }) => id)), told.length, `${name}: a change was told twice`)
    const changes = yield* segments.changes(businessId, segmentId(name), 0, 10_000)
    assert.deepStrictEqual(
      changes.map(({ position }) => position),
      changes.map((_, index) => index + 1)
    )
    assert.sameMembers(
      told.map(({ id }) => id),
      changes.map(({ id }) => id)
    )
    const sum = new Set<number>()
    for (const { contact, kind } of changes) {
      const number = Number(contact.slice(-12))
      if (kind === "JOINED") assert.isFalse(sum.has(number), `${name}: ${number} joined twice`)
      else assert.isTrue(sum.has(number), `${name}: ${number} left, and was not in`)
      if (kind === "JOINED") sum.add(number)
      else sum.delete(number)
    }
    assert.sameMembers([...sum], [...members], name)
  }
})

const agreeWithFull = Effect.fnUntraced(function* (bodies: ReadonlyMap<string, ReturnType<typeof definition>>) {
  const segments = yield* Segments
  for (const name of names) {
    const body = bodies.get(name)
    if (body === undefined) continue
    const found = yield* segments.preview(businessId, body.sets, { sampleSize: 100 })
    const full = found.sample.map(({ contact }) => Number(contact.slice(-12)))
    assert.sameMembers([...(yield* membersOf(name))], full, `${name}: ${JSON.stringify(body.sets)}`)
  }
})

/** Saves the segments, each naming only those before it. */
const define = Effect.fnUntraced(function* (
  chance: Chance,
  bodies: Map<string, ReturnType<typeof definition>>,
  which: ReadonlyArray<string>
) {
  for (const name of which) {
    const body = definition(setsOf(chance, names.slice(0, names.indexOf(name))))
    yield* save(name, body)
    bodies.set(name, body)
  }
})

const beginning = Effect.gen(function* () {
  yield* open
  for (let number = 1; number <= people; number++) yield* ask(register(number))
})

describe("memberships", () => {
  for (const seed of [11, 12, 13]) {
    it.live(
      `SEG-4: followed are those computed, after a random history (seed ${seed})`,
      () =>
        Effect.gen(function* () {
          const chance = chanceOf(seed)
          const bodies = new Map<string, ReturnType<typeof definition>>()
          yield* beginning
          yield* Effect.gen(function* () {
            yield* define(chance, bodies, names)
            for (let round = 0; round < 4; round++) {
              yield* Effect.forEach(Array.from({ length: 60 }), () => happen(chance), { concurrency: 6, discard: true })
              yield* define(chance, bodies, [names[chance(names.length)] ?? "a"])
              yield* Effect.forEach(Array.from({ length: 20 }), () => happen(chance), { concurrency: 6, discard: true })
              yield* agree()
              yield* agreeWithFull(bodies)
            }
            // From zero: nobody leaves for it, and nobody is told anything.
            const before = yield* Effect.forEach(names, (name) => witnessed(name))
            const projector = yield* Projector
            yield* projector.rebuild(liveSegmentsName)
            yield* projector.waitFor(liveSegmentsName)
            yield* agree()
            yield* agreeWithFull(bodies)
            assert.deepStrictEqual(yield* Effect.forEach(names, (name) => witnessed(name)), before)
          }).pipe(Effect.provide(followingWith([witness])))
        }).pipe(Effect.provide(witnessTable.pipe(Layer.provideMerge(writeSide))), Effect.scoped),
      240_000
    )
  }

  it.live(
    "SEG-4: killed in the middle of a pass, again and again, none is lost and none is told twice",
    () =>
      Effect.gen(function* () {
        const chance = chanceOf(21)
        const bodies = new Map<string, ReturnType<typeof definition>>()
        yield* beginning
        yield* define(chance, bodies, names)
        for (let life = 0; life < 8; life++) {
          yield* Effect.forEach(Array.from({ length: 15 }), () => happen(chance), { concurrency: 6, discard: true })
          // On one side of the sinks or the other, and in the middle of them.
          const lives = chance(6)
          let calls = 0
          const deadly: SegmentChangeSink = (sql, changes) =>
            Effect.suspend(() => {
              calls += 1
              return calls > lives ? Effect.andThen(witness(sql, changes), Effect.never) : witness(sql, changes)
            })
          yield* Effect.gen(function* () {
            const segments = yield* Segments
            yield* Effect.ignore(withoutPatience(segments.status(businessId, segmentId("a"))))
            yield* Effect.forEach(Array.from({ length: 10 }), () => happen(chance), { concurrency: 3, discard: true })
            yield* Effect.ignore(withoutPatience(segments.status(businessId, segmentId("b"))))
          }).pipe(Effect.provide(Layer.fresh(followingWith([deadly])), { local: true }))
        }
        yield* Effect.gen(function* () {
          const projector = yield* Projector
          yield* projector.waitFor(contactDirectory.name)
          yield* agree()
          yield* agreeWithFull(bodies)
        }).pipe(Effect.provide(Layer.fresh(followingWith([witness])), { local: true }))
        const sql = yield* SqlClient
        assert.lengthOf(yield* sql`SELECT 1 FROM segment_candidate`, 0)
        assert.isTrue((yield* sql`SELECT 1 FROM segment_change WHERE contact = ${contactId(1)}::uuid`).length > 0)
      }).pipe(Effect.provide(witnessTable.pipe(Layer.provideMerge(writeSide))), Effect.scoped),
    240_000
  )
})
