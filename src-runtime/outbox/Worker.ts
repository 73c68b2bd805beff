/**
 * Has the tasks of one queue done: those of the shards held here, lanes in parallel, each lane one task after another. A task
 * leaves its lane only when what came of it is durable; until then a crash has it done again, with the same id.
 *
 * The table is the truth. In memory stand only the lanes that are under way, and a few tasks of each; what happens beside
 * them (something enqueued, taken up again, a shard gained) is told by a notice, or seen at the next look.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import type { Json } from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { Actors } from "../actor/Actors.ts"
import { allShards } from "../actor/Placement.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import * as Backoff from "./Backoff.ts"
import type { Settle } from "./Settling.ts"
import type { Outcome, QueueName, Task, WorkOptions } from "./Task.ts"
import type { SettledRow, TaskRow, TaskRows } from "./TaskRows.ts"
import { attemptOf, bodyOf, type KeyOf, type TaskSealing } from "./TaskSealing.ts"

/** Tasks read at a time. */
const rowsMax = 1_000
/** Of one lane; the rest of it is read when these are done. */
const rowsOfLaneMax = 64
/** Lanes in memory, for each attempt that may be under way. */
const lanesOfAttempt = 4
/** The table is looked at this often even if nothing was heard. */
const pollIntervalMs = 1_000
const attemptMaxMsDefault = 60_000
const giveUpAfterMsDefault = 3 * 24 * 60 * 60_000
const backoffDefault: Backoff.Backoff = { firstMs: 1_000, mostMs: 60 * 60_000 }

/** What one worker has counted since it began: an attempt as it begins, what came of it once that is stored. */
export class WorkMeter {
  attempts = 0
  done = 0
  retried = 0
  dead = 0
  /** Attempts under way. */
  underWay = 0
  /** When anything was last settled, or shards came or went; undefined until somebody works the queue. */
  movedAt: number | undefined = undefined
  /** An attempt has ended by itself after so long. */
  attemptMaxMs = 0

  settled({ outcome, ended }: Pick<SettledRow, "outcome" | "ended">): void {
    this.movedAt = ended
    if (outcome === "DONE") this.done += 1
    if (outcome === "DEAD") this.dead += 1
    if (outcome === "RETRY") this.retried += 1
  }

  /** As they are now. */
  counts(): WorkCounts {
    const { attempts, done, retried, dead, underWay } = this
    return { attempts, done, retried, dead, underWay }
  }
}

export type WorkCounts = Pick<WorkMeter, "attempts" | "done" | "retried" | "dead" | "underWay">

interface Lane {
  readonly id: string
  readonly shard: number
  /** The shard was given up: nothing that was read of it holds any more. */
  left: boolean
}

export interface Surroundings {
  readonly actors: Actors["Service"]
  readonly rows: TaskRows
  readonly sealing: TaskSealing
  readonly settle: Settle
  readonly clock: Clock.Clock
  /** Called when something of the queue may have changed. */
  readonly onNotice: (queue: QueueName, listener: () => void) => () => void
}

/** An attempt that threw says what, but never with the values that it had in hand. */
const defect = (cause: Cause.Cause<unknown>): Outcome => {
  const error = Cause.squash(cause)
  return { _tag: "Retry", reason: error instanceof Error ? `it threw ${error.name}` : "it threw" }
}

const detailOf = (outcome: Exclude<Outcome, { readonly _tag: "Later" | "Withheld" }>): Json => ({
  ...("reason" in outcome && { reason: outcome.reason }),
  ...("result" in outcome && { result: outcome.result }),
  ...("log" in outcome && { log: outcome.log })
})

export const start = Effect.fnUntraced(function* (
  { actors, rows, sealing, settle, clock, onNotice }: Surroundings,
  queue: QueueName,
  options: WorkOptions,
  meter: WorkMeter
) {
  const { concurrency, attempt, attemptMaxMs = attemptMaxMsDefault, backoff = backoffDefault } = options
  const { maxAttempts = Number.POSITIVE_INFINITY, giveUpAfterMs = giveUpAfterMsDefault } = options
  const lanesMax = concurrency * lanesOfAttempt
  const lanes = new Map<string, Lane>()
  const permits = yield* Semaphore.make(concurrency)
  const wake = yield* Latch.make(true)
  const scope = yield* Effect.scope
  const now = (): number => clock.currentTimeMillisUnsafe()
  let nextAt = 0
  meter.movedAt = now()
  meter.attemptMaxMs = attemptMaxMs

  yield* Effect.acquireRelease(
    Effect.sync(() => [
      onNotice(queue, () => wake.openUnsafe()),
      actors.onHeld(() => {
        meter.movedAt = now()
        for (const lane of lanes.values()) if (!actors.holds(lane.shard)) lane.left = true
        wake.openUnsafe()
      })
    ]),
    (unsubscribe) => Effect.sync(() => unsubscribe.forEach((leave) => leave()))
  )

  const taskOf = (row: TaskRow, body: Json): Task => ({
    id: row.id,
    queue,
    business: row.business,
    key: row.key,
    body,
    enqueuedAt: row.enqueued_at,
    dueAt: row.due_at,
    attempt: row.attempts + 1,
    failures: row.failures
  })

  /** Its body, or why there is none. */
  const opened = (
    keyOf: KeyOf,
    row: TaskRow
  ): { readonly body: Json } | Extract<Outcome, { readonly _tag: "Dead" }> => {
    try {
      const body = sealing.open(keyOf, row, row.body, bodyOf(row.id))
      return body === undefined ? { _tag: "Dead", reason: "whom it was about has been erased" } : { body }
    } catch (error) {
      return { _tag: "Dead", reason: `what was stored cannot be trusted: ${reasonOf(error)}` }
    }
  }

  const attempting = (row: TaskRow, given: ReturnType<typeof opened>): Effect.Effect<Outcome> => {
    if ("_tag" in given) return Effect.succeed(given)
    return Effect.suspend(() => {
      meter.attempts += 1
      meter.underWay += 1
      return attempt(taskOf(row, given.body))
    }).pipe(
      Effect.timeoutOrElse({
        duration: attemptMaxMs,
        orElse: () => Effect.succeed<Outcome>({ _tag: "Retry", reason: `it took longer than ${attemptMaxMs} ms` })
      }),
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.succeed(defect(cause)))),
      Effect.ensuring(Effect.sync(() => void (meter.underWay -= 1)))
    )
  }

  /** The row after a failure: waiting for its next attempt, or dead. */
  const afterFailure = (
    row: TaskRow,
    { notBefore = 0 }: Extract<Outcome, { readonly _tag: "Retry" }>,
    startedAt: number,
    chance: number
  ) => {
    const at = now()
    const failures = row.failures + 1
    const failing_since = row.failing_since ?? startedAt
    if (failures >= maxAttempts || at - failing_since >= giveUpAfterMs) {
      return { state: "DEAD", due: row.due_at, failures, failing_since, finished: at, outcome: "DEAD" } as const
    }
    const due = Math.max(at + Backoff.delayMs(failures, backoff, chance), notBefore)
    return { state: "WAITING", due, failures, failing_since, finished: null, outcome: "RETRY" } as const
  }

  const settled = (keyOf: KeyOf, row: TaskRow, outcome: Outcome, startedAt: number, chance: number): SettledRow => {
    const at = now()
    const { id, version, failures, failing_since, due_at: due } = row
    const sealedBody = (body: Json | undefined) =>
      body === undefined ? null : sealing.seal(keyOf, row, body, bodyOf(id))
    const same = {
      id,
      version,
      due,
      body: null,
      failures,
      failing_since,
      finished: null,
      started: startedAt,
      ended: at
    }
    if (outcome._tag === "Later") {
      const { at: later, body } = outcome
      return { ...same, state: "WAITING", due: later, body: sealedBody(body), outcome: null, detail: null }
    }
    if (outcome._tag === "Withheld") return { ...same, state: "WITHHELD", finished: at, outcome: null, detail: null }
    const detail = sealing.seal(keyOf, row, detailOf(outcome), attemptOf(id, row.attempts + 1))
    switch (outcome._tag) {
      case "Done":
        return { ...same, state: "DONE", finished: at, outcome: "DONE", detail }
      case "Dead":
        return { ...same, state: "DEAD", finished: at, outcome: "DEAD", detail }
      case "Continue": {
        const body = sealedBody(outcome.body)
        return { ...same, state: "WAITING", body, failures: 0, failing_since: null, outcome: "CONTINUE", detail }
      }
      case "Retry":
        return { ...same, ...afterFailure(row, outcome, startedAt, chance), detail }
    }
  }

  /** One task until it has left its lane; says whether the next one may begin. */
  const runTask = Effect.fnUntraced(function* (lane: Lane, keyOf: KeyOf, found: TaskRow) {
    let row = found
    let given = opened(keyOf, row)
    while (true) {
      if (lane.left || !actors.holds(row.shard) || row.due_at > now()) return false
      const startedAt = now()
      // Once something was done, it is settled before anything else.
      const [outcome, written] = yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.zip(restore(attempting(row, given)), Random.next), ([outcome, chance]) => {
          const after = settled(keyOf, row, outcome, startedAt, chance)
          return Effect.map(settle(after), (isOurs) => {
            if (isOurs) meter.settled(after)
            return [outcome, isOurs ? after : undefined] as const
          })
        })
      )
      if (written === undefined) return false
      if (written.state !== "WAITING") return true
      if (outcome._tag !== "Continue") return false
      const { failures, failing_since } = written
      row = { ...row, version: row.version + 1, attempts: row.attempts + 1, failures, failing_since }
      given = { body: outcome.body }
    }
  })

  const runLane = Effect.fnUntraced(function* (lane: Lane, keyOf: KeyOf, tasks: ReadonlyArray<TaskRow>) {
    for (const task of tasks) if (!(yield* runTask(lane, keyOf, task))) return
  })

  const left = (lane: Lane): void => {
    lanes.delete(lane.id)
    // More of it may stand in the table, and nobody else looks.
    if (lanes.size <= lanesMax / 2) wake.openUnsafe()
  }

  const begin = (id: string, keyOf: KeyOf, tasks: ReadonlyArray<TaskRow>) => {
    const lane: Lane = { id, shard: tasks[0]?.shard ?? 0, left: false }
    lanes.set(id, lane)
    return permits.withPermit(runLane(lane, keyOf, tasks)).pipe(
      Effect.catchDefect((error) =>
        // A fault of ours: the lane is left as it is, and must not turn in a circle.
        Effect.delay(Effect.logError(`a lane of the queue ${queue} stands still`, reasonOf(error)), pollIntervalMs)
      ),
      Effect.ensuring(Effect.sync(() => left(lane))),
      Effect.forkIn(scope)
    )
  }

  const look = Effect.fnUntraced(function* () {
    const shards = allShards.filter(actors.holds)
    const at = now()
    nextAt = at + pollIntervalMs
    if (shards.length === 0) return
    const most = Math.min(rowsMax, (lanesMax - lanes.size) * rowsOfLaneMax)
    const found = yield* rows.due(queue, at, shards, [...lanes.keys()], most, rowsOfLaneMax)
    const byLane = Map.groupBy(found, ({ lane }) => lane)
    const blocked: Array<{ lane: string; until: number }> = []
    const keyOf = yield* sealing.keysOf(found)
    yield* actors.learn(found.map(({ business }) => business))
    for (const [id, tasks] of byLane) {
      const [first] = tasks
      if (first !== undefined && first.due_at > at) blocked.push({ lane: id, until: first.due_at })
      else if (lanes.size < lanesMax) yield* begin(id, keyOf, tasks)
    }
    if (blocked.length > 0) yield* rows.defer(blocked)
    // There may be more; if not, lanes that end call for the next look.
    if (found.length > 0 && lanes.size <= lanesMax / 2) wake.openUnsafe()
    nextAt = Math.min(nextAt, (yield* rows.next(queue, at, shards)) ?? nextAt)
  })

  const step = Effect.gen(function* () {
    yield* Effect.raceFirst(wake.await, Effect.sleep(Math.max(0, nextAt - now())))
    yield* wake.close
    if (lanes.size > lanesMax / 2) {
      nextAt = now() + pollIntervalMs
      return
    }
    const exit = yield* Effect.exit(look())
    if (Exit.isSuccess(exit)) return
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    nextAt = now() + pollIntervalMs
    yield* Effect.logWarning(`the queue ${queue} cannot be read`, reasonOf(Cause.squash(exit.cause)))
    yield* Effect.sleep(pollIntervalMs)
  })
  yield* Effect.forkScoped(Effect.forever(step))
})
