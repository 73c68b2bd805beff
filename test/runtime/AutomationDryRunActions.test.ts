/** AUT-10: a dry run tells which actions would have been done, and what sets two versions apart; none of it is done. */
import { assert, layer } from "@effect/vitest"
import type { Action, AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Condition, ConditionSets } from "#domain/segment/Condition.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Definitions } from "#runtime/actor/Definitions.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import type { Asked } from "#runtime/automation/DryRun.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { asked, automationId, automationSide, endpoints, save, Stage, tag, webhook } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"

const now = Clock.currentTimeMillis
const call = { _tag: "ACTIVITY", type: "CALL", subject: "Say thank you" } as const
const onTags = (actions: ReadonlyArray<Action>, filter?: ConditionSets): AutomationDefinition => ({
  trigger: "TAGS_CHANGED",
  ...(filter !== undefined && { filter }),
  actions
})
const tagged = (operator: "GREATER" | "EQUAL", value: number): ConditionSets => [
  { conditions: [{ type: "COUNT", event: "TagsChanged", operator, value }] }
]

/** All that anything done would leave: rows of every table there is, and what an endpoint was sent. */
const traces = Effect.gen(function* () {
  const sql = yield* SqlClient
  const { sent } = yield* Stage
  const projector = yield* Projector
  yield* projector.waitFor("automations")
  const tables = yield* sql<{
    name: string
  }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()`
  const rows = yield* Effect.forEach(tables, ({ name }) =>
    Effect.map(sql.unsafe<{ rows: number }>(`SELECT count(*)::int AS rows FROM "${name}"`), ([row]) => [
      name,
      row?.rows
    ])
  )
  assert.isAbove(rows.length, 20)
  return { rows: Object.fromEntries(rows), sent: sent.length }
})

const dryRunSince = Effect.fnUntraced(function* (from: number) {
  const business = (yield* Actors).business(businessId)
  assert.isDefined(business)
  const automations = yield* Automations
  const until = (yield* now) + 1
  return (...definitions: ReadonlyArray<Asked>) =>
    automations.dryRun({ business, definitions, segments: {}, from, until })
})

layer(automationSide, { excludeTestServices: true })("the actions of a dry run", (it) => {
  it.effect("AUT-10: are told with what each says, those of two set against each other, and none is done", () =>
    Effect.gen(function* () {
      yield* open
      yield* endpoints("old", "new")
      const from = yield* now
      yield* ask(person(1))
      for (const name of ["a", "b", "c"]) yield* tag(1, name)
      const seen = { _tag: "TAG", add: ["seen"], remove: [] } as const
      const later = { ...call, dueInMinutes: 60 }
      const first = onTags([webhook("old"), call, seen], tagged("GREATER", 1))
      const second = onTags([call, webhook("new"), later], tagged("GREATER", 2))
      const dryRun = yield* dryRunSince(from)
      const before = yield* traces
      const found = yield* dryRun(first, second)
      const { results, difference } = found
      assert.deepStrictEqual(
        results.map(({ fired, actions, doings }) => [fired, actions, doings.map(({ action }) => action)]),
        [
          [2, { WEBHOOK: 2, ACTIVITY: 2, TAG: 2 }, [webhook("old"), call, seen]],
          [1, { WEBHOOK: 1, ACTIVITY: 2 }, [call, webhook("new"), later]]
        ]
      )
      const { onlyFirst, onlySecond, both, actions = [] } = difference ?? {}
      assert.deepStrictEqual([onlyFirst?.count, onlySecond?.count, both?.count], [1, 0, 1])
      assert.deepStrictEqual(onlyFirst?.changes, {
        onlyFirst: first.actions.map((action, index) => ({ index, action })),
        onlySecond: [],
        both: []
      })
      assert.deepStrictEqual(both?.changes, {
        onlyFirst: [
          { index: 0, action: webhook("old") },
          { index: 2, action: seen }
        ],
        onlySecond: [
          { index: 1, action: webhook("new") },
          { index: 2, action: later }
        ],
        both: [{ index: 1, action: call, secondIndex: 0 }]
      })
      assert.deepStrictEqual(
        actions.map(({ action: _, ...each }) => each),
        [
          { firstIndex: 0, onlyFirst: 2, onlySecond: 0, both: 0 },
          { firstIndex: 2, onlyFirst: 2, onlySecond: 0, both: 0 },
          { secondIndex: 1, onlyFirst: 0, onlySecond: 1, both: 0 },
          { secondIndex: 2, onlyFirst: 0, onlySecond: 1, both: 0 },
          { firstIndex: 1, secondIndex: 0, onlyFirst: 1, onlySecond: 0, both: 1 }
        ]
      )
      const same = yield* dryRun(first, first)
      assert.deepStrictEqual(same.difference?.both.changes.onlyFirst, [])
      assert.deepStrictEqual(yield* dryRun(first, second), found)
      assert.deepStrictEqual(yield* traces, before)
    })
  )

  it.effect("AUT-10: the same action said twice, or as what its message goes, is one that stays", () =>
    Effect.gen(function* () {
      const dryRun = yield* dryRunSince(yield* now)
      const message = { _tag: "COMMUNICATION", templateId: automationId(9), channel: "EMAIL" } as const
      const { difference } = yield* dryRun(
        onTags([call, call, { ...message, purpose: "MARKETING" }]),
        onTags([message, call])
      )
      const { onlyFirst, onlySecond, both = [] } = difference?.both.changes ?? {}
      assert.deepStrictEqual(onlyFirst, [{ index: 1, action: call }])
      assert.deepStrictEqual(onlySecond, [])
      assert.deepStrictEqual(
        both.map(({ index, secondIndex }) => [index, secondIndex]),
        [
          [0, 1],
          [2, 0]
        ]
      )
    })
  )

  it.effect(
    "AUT-2, AUT-10: one that judges before is asked as before each change, and does nothing after a rejection",
    () =>
      Effect.gen(function* () {
        const from = yield* now
        yield* ask(person(21))
        const rename = (lastName: string) => asked(21, { _tag: "UpdateContact", profile: { lastName } })
        for (const name of ["Ioannou", "Petrou", "Nicolaou"]) yield* rename(name)
        const dryRun = yield* dryRunSince(from)
        const updates = (operator: "EQUAL" | "GREATER", value: number): Condition => ({
          type: "COUNT",
          event: "ContactUpdated",
          operator,
          value
        })
        const is = (value: string): Condition => ({ type: "COMPARISON", field: "last_name", operator: "EQUAL", value })
        const judging = (trigger: AutomationDefinition["trigger"], ...conditions: ReadonlyArray<Condition>) => ({
          trigger,
          filter: [{ conditions }],
          actions: [{ _tag: "HOLD" }, { _tag: "REJECT", reason: "No." }, webhook("old"), call] as const
        })
        const before = yield* traces
        const fired = (...conditions: ReadonlyArray<Condition>) =>
          Effect.map(dryRun(judging("PRIOR_TO_UPDATE", ...conditions)), ({ results: [result] }) => result?.fired)
        // The profile is the proposed one, and what had happened does not yet hold the change.
        assert.strictEqual(yield* fired(is("Ioannou"), updates("EQUAL", 0)), 1)
        assert.strictEqual(yield* fired(is("Ioannou"), updates("GREATER", 0)), 0)
        assert.strictEqual(yield* fired(is("Nicolaou"), updates("EQUAL", 2)), 1)
        assert.strictEqual(yield* fired(updates("GREATER", 0)), 2)
        const registered: Condition = { type: "COUNT", event: "ContactRegistered", operator: "EQUAL", value: 0 }
        const { results } = yield* dryRun(judging("PRIOR_TO_CREATION", registered))
        assert.deepInclude(results[0], { considered: 1, fired: 1, actions: { HOLD: 1, REJECT: 1 } })
        assert.deepStrictEqual(
          results[0]?.sample.map(({ contact }) => contact),
          [contactId(21)]
        )
        assert.deepStrictEqual(yield* traces, before)
      })
  )

  it.effect("AUT-10: any version that an automation ever had can be asked for, and none that it had not", () =>
    Effect.gen(function* () {
      const count = 12
      const subjectOf = (version: number) => `Version ${version}`
      for (let version = 1; version <= count; version++) {
        yield* save(5, onTags([{ ...call, subject: subjectOf(version) }]))
        yield* save(6, onTags([{ ...call, subject: `Another ${version}` }]))
      }
      const definitions = yield* Definitions
      const automation = (yield* definitions.of(businessId, "automations"))[automationId(5)]
      assert.isDefined(automation)
      assert.isBelow(automation.earlier.length, count - 1, "the oldest are forgotten by the definition")
      const automations = yield* Automations
      const asked = (version: number) => automations.version(businessId, automation, version)
      for (let version = 1; version <= count; version++) {
        const [action] = (yield* asked(version))?.actions ?? []
        assert.deepInclude(action, { subject: subjectOf(version) })
      }
      for (const version of [-1, 0, count + 1]) assert.isUndefined(yield* asked(version))
    })
  )
})
