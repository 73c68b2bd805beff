/** AUT-10: a dry run tells what would have been done, does none of it, and says the same when it is asked again. */
import { assert, layer } from "@effect/vitest"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { automationId, automationSide, endpoints, runsOf, save, tag, webhook } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"

const now = Clock.currentTimeMillis

/** She has been tagged more than so many times. */
const taggedMoreThan = (value: number): ConditionSets => [
  { conditions: [{ type: "COUNT", event: "TagsChanged", operator: "GREATER", value }] }
]
const isGold: ConditionSets = [{ conditions: [{ type: "LIST", field: "tags", operator: "HAS_ANY", values: ["gold"] }] }]
const onTags = (filter?: ConditionSets): AutomationDefinition => ({
  trigger: "TAGS_CHANGED",
  ...(filter !== undefined && { filter }),
  actions: [webhook("dry"), { _tag: "ACTIVITY", type: "CALL" }]
})

const segmentOf = (number: number, sets: ConditionSets) => ({
  id: automationId(number),
  name: `Segment ${number}`,
  version: 1,
  savedAt: 0,
  state: "ACTIVE" as const,
  stateSince: 0,
  earlier: [],
  body: { sets, refresh: { mode: "LIVE" as const } }
})

const tables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const names = ["event", "command", "outbox_task", "automation_run", "inbox"]
  return yield* Effect.forEach(names, (name) => sql.unsafe(`SELECT count(*)::int AS rows FROM ${name}`))
})

layer(automationSide, { excludeTestServices: true })("a dry run over what has happened", (it) => {
  it.effect("AUT-10: tells what would have been done, with nothing done, and tells it again", () =>
    Effect.gen(function* () {
      yield* open
      yield* endpoints("dry")
      const from = yield* now
      yield* Effect.forEach([1, 2, 3], (contact) => ask(person(contact)))
      for (const name of ["a", "b", "gold", "d"]) yield* tag(1, name)
      for (const name of ["a", "b"]) yield* tag(2, name)
      yield* tag(3, "gold")
      const until = (yield* now) + 1
      const actors = yield* Actors
      const business = actors.business(businessId)
      assert.isDefined(business)
      const automations = yield* Automations
      const dryRun = (...definitions: ReadonlyArray<AutomationDefinition>) =>
        automations.dryRun({ business, definitions, segments: {}, from, until })

      const before = yield* tables
      const all = yield* dryRun(onTags())
      assert.deepInclude(all.results[0], { considered: 7, fired: 7, actions: { WEBHOOK: 7, ACTIVITY: 7 } })
      assert.strictEqual(
        Object.values(all.results[0]?.days ?? {}).reduce((sum, count) => sum + count, 0),
        7
      )
      assert.lengthOf(all.results[0]?.sample ?? [], 7)

      // Each event is judged on what was known then: the third and fourth of the first contact only.
      const often = yield* dryRun(onTags(taggedMoreThan(2)))
      assert.deepInclude(often.results[0], { considered: 7, fired: 2 })
      assert.deepStrictEqual(new Set(often.results[0]?.sample.map(({ contact }) => contact)), new Set([contactId(1)]))

      const both = yield* dryRun(onTags(taggedMoreThan(2)), onTags(isGold))
      assert.deepStrictEqual(
        both.results.map(({ fired }) => fired),
        [2, 3]
      )
      const { onlyFirst, onlySecond, both: shared } = both.difference ?? {}
      assert.deepStrictEqual([onlyFirst?.count, onlySecond?.count, shared?.count], [0, 1, 2])
      assert.deepStrictEqual(
        onlySecond?.sample.map(({ contact }) => contact),
        [contactId(3)]
      )

      assert.deepStrictEqual(yield* dryRun(onTags(taggedMoreThan(2)), onTags(isGold)), both)
      assert.deepStrictEqual(yield* tables, before)
      assert.deepInclude(
        (yield* automations.dryRun({ business, definitions: [onTags()], segments: {}, from: 0, until: from }))
          .results[0],
        {
          considered: 0,
          fired: 0
        }
      )
    })
  )

  it.effect("AUT-10: agrees with what then really happens", () =>
    Effect.gen(function* () {
      const from = yield* now
      const definition = onTags(taggedMoreThan(1))
      yield* save(1, definition)
      yield* Effect.forEach([11, 12], (contact) => ask(person(contact)))
      for (const name of ["a", "b", "c"]) yield* tag(11, name)
      for (const name of ["a", "b"]) yield* tag(12, name)
      const projector = yield* Projector
      yield* projector.waitFor("automations")
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const { results } = yield* automations.dryRun({
        business,
        definitions: [definition],
        segments: {},
        from,
        until: (yield* now) + 1
      })
      const ran = yield* runsOf(1)
      assert.strictEqual(results[0]?.fired, 3)
      assert.deepStrictEqual(
        new Set(ran.map(({ contact, eventAt }) => `${contact} ${eventAt}`)),
        new Set(results[0]?.sample.map(({ contact, at }) => `${contact} ${at}`))
      )
    })
  )

  it.effect("AUT-10: segments are judged by their rules on what was known before and after", () =>
    Effect.gen(function* () {
      const from = yield* now
      yield* ask(person(21))
      yield* tag(21, "gold")
      yield* ask({
        business: businessId,
        key: contactId(21),
        command: { _tag: "ChangeTags", add: [], remove: ["gold"] }
      })
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const segment = segmentOf(77, isGold)
      const of = (trigger: "SEGMENT_JOINED" | "SEGMENT_LEFT"): AutomationDefinition => ({
        trigger,
        segmentId: segment.id,
        actions: [webhook("dry")]
      })
      const { results } = yield* automations.dryRun({
        business,
        definitions: [of("SEGMENT_JOINED"), of("SEGMENT_LEFT")],
        segments: { [segment.id]: segment },
        from,
        until: (yield* now) + 1
      })
      assert.deepStrictEqual(
        results.map(({ fired }) => fired),
        [1, 1]
      )
    })
  )

  it.effect("AUT-10: segments made of segments, and those of others, are each judged once", () =>
    Effect.gen(function* () {
      const from = yield* now
      yield* ask(person(31))
      yield* tag(31, "gold")
      yield* ask(person(32))
      yield* tag(32, "silver")
      const depth = 8
      const nested = Array.from({ length: depth }, (_, index): ReturnType<typeof segmentOf> => {
        const member = { type: "MEMBER", segment: automationId(100 + index - 1) } as const
        return segmentOf(
          100 + index,
          index === 0 ? isGold : Array.from({ length: 20 }, () => ({ conditions: [member] }))
        )
      })
      const filter: ConditionSets = [{ conditions: [{ type: "MEMBER", segment: automationId(100 + depth - 1) }] }]
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const { results } = yield* automations.dryRun({
        business,
        definitions: [onTags(filter)],
        segments: Object.fromEntries(nested.map((segment) => [segment.id, segment])),
        from,
        until: (yield* now) + 1
      })
      assert.deepInclude(results[0], { considered: 2, fired: 1 })
      assert.strictEqual(results[0]?.sample[0]?.contact, contactId(31))
    })
  )

  it.effect("AUT-10, SEG-2: says which segments are judged as live that are not, also behind another", () =>
    Effect.gen(function* () {
      const of = (segment: string): ConditionSets => [{ conditions: [{ type: "MEMBER", segment }] }]
      const lazy = (number: number, sets: ConditionSets, mode: "ON_DEMAND" | "NEVER") => ({
        ...segmentOf(number, sets),
        body: { sets, refresh: { mode } }
      })
      const asked = lazy(401, isGold, "ON_DEMAND")
      const imported = lazy(400, isGold, "NEVER")
      const outer = segmentOf(402, of(asked.id))
      const off = { ...segmentOf(403, isGold), state: "INACTIVE" as const }
      const unnamed = lazy(404, isGold, "ON_DEMAND")
      const all = [asked, imported, outer, off, unnamed]
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const at = yield* now
      const dryRun = (...definitions: ReadonlyArray<AutomationDefinition>) =>
        automations.dryRun({
          business,
          definitions,
          segments: Object.fromEntries(all.map((segment) => [segment.id, segment])),
          from: at,
          until: at
        })
      assert.deepStrictEqual((yield* dryRun(onTags(), onTags(of(segmentOf(405, isGold).id)))).assumedLive, [])
      assert.deepStrictEqual((yield* dryRun(onTags(of(outer.id)))).assumedLive, [asked.id])
      const joined: AutomationDefinition = { trigger: "SEGMENT_JOINED", segmentId: off.id, actions: [webhook("dry")] }
      const { assumedLive } = yield* dryRun(joined, onTags([...of(outer.id), ...of(imported.id)]))
      assert.deepStrictEqual(assumedLive, [imported.id, asked.id, off.id])
    })
  )

  it.effect("AUT-10, SEG-3: who joins and leaves because time has come is counted, at that instant", () =>
    Effect.gen(function* () {
      const from = yield* now
      yield* ask(person(41))
      yield* tag(41, "quiet soon")
      const minute = 60_000
      /** Not tagged within the last minute; the other is made of it. */
      const quiet = segmentOf(200, [
        {
          conditions: [
            {
              type: "COUNT",
              event: "TagsChanged",
              operator: "EQUAL",
              value: 0,
              window: { last: { amount: 1, unit: "MINUTES" } }
            }
          ]
        }
      ])
      const outer = segmentOf(201, [
        {
          conditions: [
            { type: "MEMBER", segment: quiet.id },
            { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["quiet soon"] }
          ]
        }
      ])
      const settled = segmentOf(202, [
        {
          conditions: [
            { type: "MEMBER", segment: outer.id, for: { operator: "AT_LEAST", span: { amount: 3, unit: "MINUTES" } } }
          ]
        }
      ])
      const of = (trigger: "SEGMENT_JOINED" | "SEGMENT_LEFT", segmentId: string): AutomationDefinition => ({
        trigger,
        segmentId,
        filter: [{ conditions: [{ type: "LIST", field: "tags", operator: "HAS_ANY", values: ["quiet soon"] }] }],
        actions: [webhook("dry")]
      })
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const end = yield* now
      const dryRun = (until: number, ...definitions: ReadonlyArray<AutomationDefinition>) =>
        automations.dryRun({
          business,
          definitions,
          segments: { [quiet.id]: quiet, [outer.id]: outer, [settled.id]: settled },
          from,
          until
        })
      const definitions = [of("SEGMENT_JOINED", outer.id), of("SEGMENT_LEFT", quiet.id)] as const
      const soon = yield* dryRun(end + 1, ...definitions)
      assert.deepStrictEqual(
        soon.results.map(({ fired }) => fired),
        [0, 1]
      )
      const later = yield* dryRun(end + 2 * minute, ...definitions)
      assert.isTrue(later.isComplete)
      assert.deepStrictEqual(
        later.results.map(({ fired }) => fired),
        [1, 1]
      )
      const [left] = soon.results[1]?.sample ?? []
      const [joined] = later.results[0]?.sample ?? []
      assert.deepInclude(left, { event: "TagsChanged", contact: contactId(41) })
      assert.deepInclude(joined, { event: "TIME", contact: contactId(41), at: (left?.at ?? 0) + minute })
      assert.deepStrictEqual(yield* dryRun(end + 2 * minute, ...definitions), later)
      const { results } = yield* dryRun(end + 6 * minute, of("SEGMENT_JOINED", settled.id))
      assert.strictEqual(results[0]?.fired, 1)
      assert.deepInclude(results[0]?.sample[0], { event: "TIME", at: (left?.at ?? 0) + 4 * minute })
    })
  )

  it.effect("AUT-10: more birthdays than are followed for one contact are not passed off as all of them", () =>
    Effect.gen(function* () {
      const from = yield* now
      const born = { year: 1980, month: 2, day: 29 }
      const asked = person(51)
      const { command } = asked
      assert.strictEqual(command._tag, "RegisterContact")
      if (command._tag !== "RegisterContact") return
      const profile = { ...command.profile, demographics: { dateOfBirth: born } }
      yield* ask({ ...asked, command: { ...command, profile } })
      const birthday = segmentOf(300, [
        { conditions: [{ type: "ANNIVERSARY", field: "demographics.date_of_birth", operator: "TODAY" }] }
      ])
      const automations = yield* Automations
      const business = (yield* Actors).business(businessId)
      assert.isDefined(business)
      const definition: AutomationDefinition = {
        trigger: "SEGMENT_JOINED",
        segmentId: birthday.id,
        actions: [webhook("dry")]
      }
      const years = (number: number) =>
        automations.dryRun({
          business,
          definitions: [definition],
          segments: { [birthday.id]: birthday },
          from,
          until: from + number * 366 * 86_400_000
        })
      const four = yield* years(4)
      assert.deepInclude(four, { isComplete: true })
      assert.strictEqual(four.results[0]?.fired, 4)
      const thousand = yield* years(1_000)
      assert.isFalse(thousand.isComplete)
      assert.strictEqual(thousand.results[0]?.fired, 500)
    })
  )
})
