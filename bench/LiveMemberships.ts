/**
 * (m) How soon a commit is seen in live segments: 100 of them over the 1,000 wallets, of every kind of condition, while
 * 2,000 events a second are committed, open loop. A time begins with the commit of a change of tags and ends when the
 * membership that it changes is durable; a second one, when a follower of that segment has been told.
 * A process of its own, with everything in it.
 */
import "effect/schema/SchemaJITCompiler/enable"
import type { Condition, ConditionSets } from "#domain/segment/Condition.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as ContactDirectory from "#runtime/projection/ContactDirectory.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import type { Projection } from "#runtime/projection/Projection.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as HistoricalFacts from "#runtime/segment/HistoricalFacts.ts"
import * as LiveMembership from "#runtime/segment/LiveMembership.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as Segments from "#runtime/segment/Segments.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import * as SegmentTopics from "#runtime/segment/SegmentTopics.ts"
import * as Notifications from "#runtime/storage/Notifications.ts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { answerParent, BenchFailed } from "./Peer.ts"
import { businessId, contactId, database, ofContact, open, registerAndFund, runtime, wallets } from "./World.ts"

const liveSegments = 100
const eventsOffered = 2_000
const tickMs = 5
/** Of the commands: changes of the tag that the probing segment asks for. */
const probesPerSecond = 200
const probeTag = "probe"

const tagged = (value: string): Condition => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [value] })
const lastDays = (amount: number) => ({ last: { amount, unit: "DAYS" as const } })

/** One of each kind in turn, no two alike. */
const conditionsOf = (index: number): ReadonlyArray<Condition> => {
  const kinds: ReadonlyArray<ReadonlyArray<Condition>> = [
    [tagged(`tag-${index % 20}`)],
    [{ type: "COMPARISON", field: "wallet.balance", operator: "GREATER", value: 1e12 + index * 100 }],
    [{ type: "COUNT", event: "FundsCredited", window: lastDays(30), operator: "GREATER_OR_EQUAL", value: index }],
    [
      {
        type: "SUM",
        event: "FundsDebited",
        field: "amount",
        window: lastDays(7),
        operator: "GREATER",
        value: index * 1_000
      }
    ],
    [{ type: "ANNIVERSARY", field: "demographics.date_of_birth", operator: "TODAY" }, tagged(`tag-${index % 20}`)],
    [{ type: "TEXT", field: "last_name", operator: "STARTS_WITH", value: "Γεωργ" }, tagged(`tag-${index % 20}`)],
    [
      { type: "EXISTENCE", field: "email", exists: true },
      { type: "NOT", condition: tagged(`tag-${index % 20}`) as never }
    ],
    [
      {
        type: "LAST",
        event: "FundsCredited",
        is: [{ type: "COMPARISON", field: "amount", operator: "GREATER", value: index }]
      }
    ],
    [{ type: "MEMBER", segment: nameUuid("segment of the bench", "0") }, tagged(`tag-${index % 20}`)],
    [{ type: "RECENCY", field: "registered_at", operator: "IN_LAST", span: { amount: index + 1, unit: "DAYS" } }]
  ]
  return kinds[index % kinds.length] ?? []
}

const segments = Effect.gen(function* () {
  const actors = yield* Actors
  const save = (id: string, name: string, sets: ConditionSets) =>
    actors.ask({
      business: businessId,
      key: businessId,
      command: { _tag: "SaveSegment", id, name, body: { sets, refresh: { mode: "LIVE" } } }
    })
  const probe = nameUuid("segment of the bench", probeTag)
  yield* save(probe, probeTag, [{ conditions: [tagged(probeTag)] }])
  const ids = [probe]
  for (let index = 0; index < liveSegments - 1; index += 1) {
    const id = nameUuid("segment of the bench", String(index))
    ids.push(id)
    yield* save(id, `Segment ${index}`, [{ conditions: conditionsOf(index) }])
  }
  const service = yield* Segments.Segments
  for (const id of ids) {
    while ((yield* service.status(businessId, id)).state !== "READY") yield* Effect.sleep(20)
  }
  return probe
})

/** Contacts who have the tag; rounds follow on each other. */
const isIn = new Set<string>()

/** Told of each contact whose events a pass has been through, once what it wrote is durable. */
let passed: (contact: string) => void = () => undefined

/** As it is, and watched. */
const watched = (projection: Projection): Projection => {
  const passing = new Set<string>()
  return {
    ...projection,
    apply: (sql, events) => {
      passing.clear()
      for (const { row } of events) passing.add(row.key)
      return projection.apply(sql, events)
    },
    applied: () => {
      projection.applied?.()
      passing.forEach(passed)
    }
  }
}

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const load = Effect.fnUntraced(function* (probe: string, seconds: number, warmUpSeconds: number) {
  const actors = yield* Actors
  const topics = yield* SegmentTopics.SegmentTopics
  /** By contact: when the change that is under way was committed. */
  const committed = new Map<string, number>()
  const underWay = new Set<string>()
  const durable: Array<number> = []
  const told: Array<number> = []
  let events = 0
  let isMeasured = false
  const unsubscribe = actors.onCommitted((turn) => {
    events += turn.events.length
    if (underWay.has(turn.key) && !committed.has(turn.key)) committed.set(turn.key, performance.now())
  })
  const leave = yield* topics.follow({
    business: businessId,
    segment: probe,
    after: undefined,
    roomy: Effect.void,
    receiver: {
      started: () => undefined,
      reload: () => undefined,
      deliver: (contact) => {
        const at = committed.get(contact)
        if (at !== undefined && isMeasured) told.push(performance.now() - at)
        committed.delete(contact)
        underWay.delete(contact)
      }
    }
  })
  passed = (contact) => {
    const at = committed.get(contact)
    if (at !== undefined && isMeasured) durable.push(performance.now() - at)
  }
  const probers = wallets / 10
  let serial = 0
  let failures = 0
  const ask = (number: number, command: Parameters<typeof ofContact>[1]): void =>
    actors.askWith(ofContact(number, command), (reply) => {
      if (reply._tag === "Failed") failures += 1
    })
  const tick = (probes: number, others: number): void => {
    for (let index = 0; index < probes; index += 1) {
      serial += 1
      const number = serial % probers
      const contact = contactId(number)
      // The change before is still on its way: nothing is asked of her that could not be told apart.
      if (underWay.has(contact)) continue
      underWay.add(contact)
      const isMember = isIn.has(contact)
      if (isMember) isIn.delete(contact)
      else isIn.add(contact)
      ask(number, { _tag: "ChangeTags", add: isMember ? [] : [probeTag], remove: isMember ? [probeTag] : [] })
    }
    for (let index = 0; index < others; index += 1) {
      serial += 1
      const number = probers + (serial % (wallets - probers))
      const entryId = nameUuid("entry of the bench", String(process.pid), String(serial))
      const action = serial % 3 === 0 ? "DEBIT" : "CREDIT"
      const isRemoved = Math.floor(serial / (wallets - probers)) % 2 === 1
      const tags = [`tag-${serial % 20}`]
      if (serial % 4 === 0)
        ask(number, { _tag: "ChangeTags", add: isRemoved ? [] : tags, remove: isRemoved ? tags : [] })
      else ask(number, { _tag: "PostJournal", entryId, action, amount: 100n, currency: "EUR" })
    }
  }
  const probes = (probesPerSecond * tickMs) / 1_000
  const others = ((eventsOffered - probesPerSecond) * tickMs) / 1_000
  const startedAt = performance.now()
  let cpu = process.cpuUsage()
  let eventsBefore = 0
  let measuredFrom = startedAt
  let ticks = 0
  while (performance.now() - startedAt < (warmUpSeconds + seconds) * 1_000) {
    if (!isMeasured && performance.now() - startedAt >= warmUpSeconds * 1_000) {
      isMeasured = true
      cpu = process.cpuUsage()
      eventsBefore = events
      measuredFrom = performance.now()
    }
    // Open loop: what is due is asked, however late the one before is.
    while (ticks * tickMs <= performance.now() - startedAt) {
      tick(probes, others)
      ticks += 1
    }
    yield* Effect.sleep(1)
  }
  const spent = process.cpuUsage(cpu)
  const measured = (performance.now() - measuredFrom) / 1_000
  const ascending = (times: ReadonlyArray<number>) => times.toSorted((left, right) => left - right)
  const [sorted, sortedTold] = [ascending(durable), ascending(told)]
  leave()
  unsubscribe()
  if (failures > 0) return yield* new BenchFailed({ message: `${failures} commands failed` })
  return {
    eventsPerSecond: (events - eventsBefore) / measured,
    observed: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
    toldP50Ms: quantile(sortedTold, 0.5),
    toldP99Ms: quantile(sortedTold, 0.99),
    cpuMicrosEach: (spent.user + spent.system) / (events - eventsBefore)
  }
})

const projector = Layer.unwrap(
  Effect.gen(function* () {
    const feed = yield* SegmentFeed.SegmentFeed
    const live = yield* LiveMembership.LiveMembership
    return Projector.layer([ContactDirectory.contactDirectory, feed.projection, watched(live.projection)])
  })
)

const served = Layer.mergeAll(
  Segments.layer,
  SegmentTopics.layer(({ contact }) => contact)
).pipe(
  Layer.provideMerge(Layer.mergeAll(SegmentStore.layer, HistoricalFacts.layer)),
  Layer.provideMerge(projector),
  Layer.provideMerge(Layer.mergeAll(LiveMembership.layer, SegmentFeed.layer)),
  Layer.provideMerge(SegmentDatabase.layer({ url: undefined, database: "bench" })),
  Layer.provideMerge(Layer.mergeAll(DataKeys.layer, Definitions.layer, Notifications.layer))
)

const makeAnswers = Effect.gen(function* () {
  const { context } = yield* database(process.argv[2] ?? "")
  const built = yield* Layer.build(
    served.pipe(Layer.provideMerge(runtime(process.argv[3] ?? "")), Layer.provideMerge(Layer.succeedContext(context)))
  )
  const run = Effect.runPromiseWith(Context.merge(yield* Effect.context(), built))
  let probe = ""
  return {
    prepare: () =>
      run(
        Effect.gen(function* () {
          yield* open
          yield* registerAndFund(0, wallets)
          probe = yield* segments
        })
      ),
    measure: ({ seconds, warmUpSeconds }: { readonly seconds: number; readonly warmUpSeconds: number }) =>
      run(load(probe, seconds, warmUpSeconds))
  }
})
export type LiveMembershipAnswers = Effect.Success<typeof makeAnswers>

const program = Effect.gen(function* () {
  const answers = yield* makeAnswers
  yield* Effect.callback<void>((resume) => answerParent(answers, () => resume(Effect.void)))
}).pipe(Effect.scoped)

// Imported for its types and figures too; a program only when it was forked.
if (import.meta.main) NodeRuntime.runMain(program)
