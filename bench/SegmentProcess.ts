/**
 * The process of (l): a journal of many contacts, the embedded segment store that follows it from zero, as after each start,
 * and segments of which all members are computed anew: one of what contacts are, one of what happened to them.
 */
import "effect/schema/SchemaJITCompiler/enable"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import { pipelineOf } from "#runtime/segment/Mql.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { writeContacts } from "./BulkContacts.ts"
import { answerParent, BenchFailed } from "./Peer.ts"
import { residentMebibytes } from "./Processor.ts"
import { makeReopening } from "./Reopening.ts"
import { businessId, database, open, runtime } from "./World.ts"

const pollMs = 100
const mebibyte = 1024 * 1024

const projector = Layer.unwrap(Effect.map(SegmentFeed.SegmentFeed, ({ projection }) => Projector.layer([projection])))
/** Behind actors that are there. */
const following = SegmentStore.layer.pipe(
  Layer.provideMerge(projector),
  Layer.provide(SegmentFeed.layer),
  Layer.provide(SegmentDatabase.layer({ url: undefined, database: "koinon" })),
  Layer.provide(DataKeys.layer)
)

/** Every tenth contact by her code, of those with money; and everybody who was ever given some. */
const segments: Readonly<Record<"profiles" | "events", ConditionSets>> = {
  profiles: [
    {
      conditions: [
        { type: "COMPARISON", field: "wallet.balance", operator: "GREATER", value: 1_000 },
        { type: "TEXT", field: "code", operator: "ENDS_WITH", value: "7" }
      ]
    }
  ],
  events: [{ conditions: [{ type: "COUNT", event: "FundsCredited", operator: "GREATER_OR_EQUAL", value: 1 }] }]
}

const makeAnswers = Effect.gen(function* () {
  const { context } = yield* database(process.argv[2] ?? "")
  const storage = Layer.succeedContext(context)
  const actors = runtime(process.argv[3] ?? "").pipe(Layer.provideMerge(storage))
  const { opened, reopened, close } = yield* makeReopening(actors)
  const followed = yield* makeReopening(
    Layer.fresh(following).pipe(Layer.provide(Layer.unwrap(Effect.map(opened, (built) => Layer.succeedContext(built)))))
  )
  const run = Effect.runPromiseWith(yield* Effect.context())
  const refused = (cause: { readonly _tag: string }) => new BenchFailed({ message: `segments: ${cause._tag}` })

  const members = Effect.fnUntraced(function* (store: SegmentStore.SegmentStore["Service"], sets: ConditionSets) {
    const at = yield* Clock.currentTimeMillis
    const options = { business: businessId, at, zones: ["Asia/Nicosia"] as const, members: () => new Map() }
    const startedAt = performance.now()
    const found = yield* Stream.runCount(store.matching(businessId, pipelineOf(sets, options)))
    return { found, tookMs: performance.now() - startedAt }
  })

  return {
    /** Writes the contacts of numbers from `from` on. */
    fill: ({ from, contacts }: { readonly from: number; readonly contacts: number }) =>
      run(
        Effect.gen(function* () {
          const built = yield* reopened
          const service = Context.get(built, Actors.Actors)
          if (service.business(businessId) === undefined) yield* Effect.provide(open, built)
          const business = service.business(businessId)
          if (business === undefined) return yield* new BenchFailed({ message: "the business was not opened" })
          yield* Effect.provide(writeContacts(business, from, contacts), built)
          // It has lost its shards to the writing.
          yield* close
        })
      ),
    /** From an empty store until it holds all events: how long, at what cost, and what the process then holds of the memory. */
    follow: () =>
      run(
        Effect.gen(function* () {
          yield* opened
          yield* followed.close
          const startedAt = performance.now()
          const before = process.cpuUsage()
          const service = Context.get(yield* followed.opened, Projector.Projector)
          let most = 0
          for (;;) {
            const [status] = yield* Effect.mapError(service.status, refused)
            if (status?.state === "STOPPED") {
              return yield* new BenchFailed({ message: `the segment store stopped: ${status.reason ?? ""}` })
            }
            most = Math.max(most, status?.lagEvents ?? 0)
            if (status?.lagEvents === 0) break
            yield* Effect.sleep(pollMs)
          }
          const seconds = (performance.now() - startedAt) / 1000
          const { user, system } = process.cpuUsage(before)
          return {
            events: most,
            cpuMicrosEach: (user + system) / Math.max(1, most),
            seconds,
            mebibytes: residentMebibytes(process.pid) ?? process.memoryUsage().rss / mebibyte
          }
        })
      ),
    /** How long it takes to compute all members of a segment, and how many there are. */
    recompute: ({ of }: { readonly of: keyof typeof segments }) =>
      run(
        Effect.gen(function* () {
          const store = Context.get(yield* followed.opened, SegmentStore.SegmentStore)
          return yield* Effect.mapError(members(store, segments[of]), refused)
        })
      )
  }
})
export type SegmentAnswers = Effect.Success<typeof makeAnswers>

const program = Effect.gen(function* () {
  const answers = yield* makeAnswers
  yield* Effect.callback<void>((resume) => answerParent(answers, () => resume(Effect.void)))
}).pipe(Effect.scoped)

// Imported for its types too; a program only when it was forked.
if (import.meta.main) NodeRuntime.runMain(program)
