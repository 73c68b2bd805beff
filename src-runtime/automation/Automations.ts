/**
 * Automations at work: sets them off, does their runs, and lets people read, repeat and decide them. Everything is asked
 * within one business.
 */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Json } from "effect/Schema"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import * as PastDefinitions from "../actor/PastDefinitions.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { Attempt } from "../outbox/Task.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import type { Page } from "../projection/Paging.ts"
import type { Projection } from "../projection/Projection.ts"
import { type CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"
import type { SegmentChangeSink } from "../segment/SegmentChange.ts"
import { PastLooks } from "../segment/PastLooks.ts"
import { feedIdsOf } from "./CauseLinks.ts"
import * as AutomationVersions from "./AutomationVersions.ts"
import * as DryRun from "./DryRun.ts"
import * as Dispatcher from "./Dispatcher.ts"
import { FilterFacts } from "./FilterFacts.ts"
import * as FilterJudgement from "./FilterJudgement.ts"
import type { SendWebhook } from "./Runner.ts"
import * as Runner from "./Runner.ts"
import type { Run, RunQuery, RunState } from "./RunRows.ts"
import * as RunRows from "./RunRows.ts"

export type { Run, RunQuery } from "./RunRows.ts"

/** The row of a run says that it is over a moment before its task is: so often is looked whether that has passed. */
const looksMax = 100
const lookIntervalMs = 50

/** How often is looked whether the time for an approval is over: every runner may, a run ends once. */
const lapseIntervalMs = 60_000

/** What became of something asked about a run. */
export type Verdict = "DONE" | "NOT_FOUND" | "NOT_SO_NOW"

export class Automations extends Context.Service<
  Automations,
  {
    /** Set off by the journal; for the projector. */
    readonly projection: Projection
    /** Set off by joins and leaves; for whoever changes memberships. */
    readonly sink: SegmentChangeSink
    readonly runs: (query: RunQuery) => Effect.Effect<Page<Run>, CursorInvalid | ViewUnavailable>
    readonly run: (business: string, id: string) => Effect.Effect<Run | undefined, ViewUnavailable>
    readonly attempts: (business: string, run: Run) => Effect.Effect<ReadonlyArray<Attempt>, ViewUnavailable>
    /** A failed run goes on at the action that failed. */
    readonly resume: (business: string, id: string) => Effect.Effect<Verdict, ViewUnavailable>
    /** A run that is over is gone through again; what it did before is not done twice. */
    readonly replay: (business: string, id: string) => Effect.Effect<Verdict, ViewUnavailable>
    /** A run that waits goes on behind the approval. Asked again under the same id, it approves nothing that waits by then. */
    readonly approve: (business: string, id: string, askedAs: string) => Effect.Effect<Verdict, ViewUnavailable>
    readonly reject: (business: string, id: string) => Effect.Effect<Verdict, ViewUnavailable>
    /** Ends the runs whose approval nobody decided in time; done by itself at intervals. */
    readonly lapse: Effect.Effect<void, SqlError>
    /** What it said in one of its versions; `undefined` if it never had that. */
    readonly version: (
      business: string,
      automation: Definition<AutomationDefinition>,
      version: number
    ) => Effect.Effect<AutomationDefinition | undefined, ViewUnavailable>
    /** What would have been done in a time that has passed; nothing is (AUT-10). */
    readonly dryRun: (question: DryRun.Question) => Effect.Effect<DryRun.DryRun, ViewUnavailable>
  }
>()("koinon/runtime/Automations") {}

/** How webhooks of runs leave; whoever delivers them provides it. */
export class RunWebhooks extends Context.Service<RunWebhooks, { readonly send: SendWebhook }>()(
  "koinon/runtime/RunWebhooks"
) {}

/** Somebody else, asked the same, was quicker: what waits now is not what was meant. */
class AlreadyApproved extends Schema.TaggedError<AlreadyApproved>()("AlreadyApproved", {}) {}

/** The outbox keeps what is over for a while only: the row says again how it ended. */
class TaskForgotten extends Schema.TaggedError<TaskForgotten>()("TaskForgotten", {}) {}

const unavailable = (cause: SqlError): ViewUnavailable => new ViewUnavailable({ view: "automation_run", cause })
const journaled = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, ViewUnavailable> =>
  Effect.mapError(effect, (cause) => new ViewUnavailable({ view: "the journal", cause }))
const view = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, ViewUnavailable> =>
  Effect.mapError(effect, unavailable)

const make = Effect.fnUntraced(function* (limits: Parameters<typeof Runner.make>[0]["limits"]) {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const outbox = yield* Outbox
  const { send } = yield* RunWebhooks
  const clock = yield* Clock.Clock
  const rows = RunRows.make(sql)
  const journal = yield* Journal
  const codec = new Codec(yield* Sealer)
  const now = (): number => clock.currentTimeMillisUnsafe()
  const definitions = yield* Definitions
  const keys = yield* DataKeys
  const past = PastDefinitions.make({ journal, codec, definitions })
  const judge = FilterJudgement.make({ definitions: past, facts: yield* FilterFacts, journal, codec, keys })
  const { projection, sink } = Dispatcher.make({ actors, outbox, definitions: past, judge })
  const dryRun = DryRun.make(journal, keys, codec)
  const versionOf = AutomationVersions.make(journal, codec)
  const looks = yield* PastLooks
  yield* outbox.work(
    "automation",
    Runner.make({ actors, definitions, rows, sendWebhook: send, ...(limits && { limits }) })
  )

  const withEvents = Effect.fnUntraced(function* (business: string, runs: ReadonlyArray<Run>) {
    const events = runs.map(({ event }) => event)
    const ids = yield* feedIdsOf(journal, business, events)
    return runs.map((run): Run => ({ ...run, eventId: ids.get(run.event) }))
  }, journaled)

  /** In one transaction: the run's row, and what the outbox makes of it. */
  const verdict = Effect.fnUntraced(
    function* (
      business: string,
      id: string,
      change: Effect.Effect<boolean, SqlError | TaskForgotten | AlreadyApproved>
    ) {
      if (yield* sql.withTransaction(change)) return "DONE"
      return (yield* rows.get(business, id)) === undefined ? "NOT_FOUND" : "NOT_SO_NOW"
    },
    Effect.catchTags({
      TaskForgotten: (): Effect.Effect<Verdict> => Effect.succeed("NOT_SO_NOW"),
      AlreadyApproved: (): Effect.Effect<Verdict> => Effect.succeed("DONE")
    }),
    Effect.mapError(unavailable)
  )
  const untilOver = Effect.fnUntraced(function* (business: string, task: string) {
    for (let looks = 0; looks < looksMax; looks++) {
      if ((yield* outbox.get(business, task))?.state !== "WAITING") return
      yield* Effect.sleep(lookIntervalMs)
    }
  })
  const again = Effect.fnUntraced(function* (
    business: string,
    id: string,
    states: ReadonlyArray<RunState>,
    restart: (business: string, task: string) => Effect.Effect<boolean, SqlError>
  ) {
    const run = yield* view(rows.get(business, id))
    if (run !== undefined && states.includes(run.state)) yield* view(untilOver(business, run.task))
    return yield* verdict(
      business,
      id,
      Effect.gen(function* () {
        const task = yield* rows.again(business, id, states, now())
        if (task === undefined) return false
        return (yield* restart(business, task)) || (yield* new TaskForgotten())
      })
    )
  })

  const lapse = Effect.suspend(() => rows.lapse(now())).pipe(
    Effect.repeat({ while: (count) => count === RunRows.lapsedAtOnceMax }),
    Effect.asVoid
  )
  yield* lapse.pipe(
    Effect.catch((error) => Effect.logWarning("runs that nobody approved wait on for now", error._tag)),
    Effect.delay(lapseIntervalMs),
    Effect.forever,
    Effect.forkScoped
  )

  return Automations.of({
    projection,
    lapse,
    sink,
    runs: Effect.fnUntraced(function* (query) {
      const page = yield* rows.list(query)
      return { ...page, rows: yield* withEvents(query.business, page.rows) }
    }),
    version: (business, automation, version) => journaled(versionOf(business, automation, version)),
    dryRun: (question) => journaled(looks.withPermit(dryRun(question))),
    run: Effect.fnUntraced(function* (business, id) {
      const run = yield* view(rows.get(business, id))
      return run === undefined ? undefined : (yield* withEvents(business, [run]))[0]
    }),
    attempts: (business, run) =>
      view(
        run.task === run.id
          ? outbox.attempts(business, run.id)
          : Effect.zipWith(outbox.attempts(business, run.id), outbox.attempts(business, run.task), (first, later) => [
              ...first,
              ...later
            ])
      ),
    resume: (business, id) => again(business, id, ["FAILED"], outbox.resume),
    replay: (business, id) => again(business, id, ["FAILED", "COMPLETED"], outbox.replay),
    approve: (business, id, askedAs) =>
      verdict(
        business,
        id,
        Effect.gen(function* () {
          const task = nameUuid("automation-approved", id, askedAs)
          const wasAsked = Effect.map(outbox.get(business, task), (known) => known !== undefined)
          if (yield* wasAsked) return true
          const held = yield* rows.decide(business, id, "RUNNING", task, undefined, now())
          if (held === undefined) return false
          // It may be the next approval of the run that was waiting: once the row is locked, it is known.
          if (yield* wasAsked) return yield* new AlreadyApproved()
          const body = JSON.parse(held.held) as Json
          const place = { business, key: held.contact, lane: Dispatcher.laneOfRuns }
          yield* outbox.enqueue([{ id: task, queue: "automation", ...place, body, dueAt: now() }])
          return true
        })
      ),
    reject: (business, id) =>
      verdict(
        business,
        id,
        Effect.gen(function* () {
          const run = yield* rows.get(business, id)
          if (run === undefined) return false
          return (yield* rows.decide(business, id, "REJECTED", run.task, "NOT_APPROVED", now())) !== undefined
        })
      )
  })
})

/** With its worker. `limits` are those of the worker, for tests that cannot wait. */
export const layer = (limits?: Parameters<typeof Runner.make>[0]["limits"]) => Layer.effect(Automations, make(limits))
