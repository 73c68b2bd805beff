/**
 * The outbox: effects on the world, written down in the transaction of what calls for them and had afterwards, at least once
 * and under an id by which receivers tell the second time from the first. Order is kept within a lane; lanes do not wait for
 * each other. Whoever works a queue says what comes of each attempt; retries, deadlines and the record are kept here.
 *
 * Bounds: 1 MiB a body; 1,000 tasks read at a time and queue; what is finished stays for 30 days, so an id is known that long.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Json } from "effect/Schema"
import type { Scope } from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Actors } from "../actor/Actors.ts"
import { nameUuid } from "../actor/Naming.ts"
import { allShards, shardOf } from "../actor/Placement.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import { type Condition, readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import type { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"
import * as Notices from "../storage/Notices.ts"
import * as Settling from "./Settling.ts"
import type { Attempt, NewTask, QueueName, TaskState, TaskView, WorkOptions } from "./Task.ts"
import * as TaskRows from "./TaskRows.ts"
import * as TaskSealing from "./TaskSealing.ts"
import { attemptOf, bodyOf } from "./TaskSealing.ts"
import * as Worker from "./Worker.ts"

/** Characters of a body as it is stored. */
const bodySizeMax = 1024 * 1024
/** What is finished is kept this long, and goes so many at a time. */
export const retentionMs = 30 * 24 * 60 * 60_000
const prunedAtOnceMax = 1_000
/** Tasks whose time is moved forward in one statement. */
const hurriedAtOnceMax = 1_000
const pruneIntervalMs = 10 * 60_000
/** A lost connection to the notices is made anew as often; until then the table is looked at each second. */
const listenAgainMs = 1_000

export interface TaskQuery extends PageRequest {
  readonly business: string
  readonly queue: QueueName
  readonly state?: TaskState | undefined
  readonly key?: string | undefined
  /** Only those that are about no contact. */
  readonly isOwn?: boolean
  /** Only those that have gone on from what was enqueued (`Continue`). */
  readonly isChanged?: boolean
}

export interface QueueStatistics {
  readonly queue: QueueName
  /** Over all runners; up to 100,000 are counted. */
  readonly waiting: number
  readonly due: number
  readonly dead: number
  /** How long the oldest that is due has been so. */
  readonly lagMs: number
  /** Of this runner, since it began. */
  readonly meter: Worker.WorkCounts
}

/** Whether this runner does what it should of a queue. */
export interface QueueMovement {
  readonly queue: QueueName
  /** How long its oldest task on the shards held here has been due. */
  readonly lagMs: number
  /**
   * For how long nothing has been settled although it was due. While attempts are under way, as with a receiver that hangs,
   * only the time beyond the longest that an attempt may take.
   */
  readonly stillMs: number
}

export class Outbox extends Context.Service<
  Outbox,
  {
    /** Within the caller's transaction, if there is one: with it they are there, or they never were. */
    readonly enqueue: (tasks: ReadonlyArray<NewTask>) => Effect.Effect<void, SqlError>
    /** Has the tasks of a queue done for as long as the scope is open. */
    readonly work: (queue: QueueName, options: WorkOptions) => Effect.Effect<void, never, Scope>
    readonly list: (query: TaskQuery) => Effect.Effect<Page<TaskView>, CursorInvalid | ViewUnavailable | SqlError>
    readonly get: (business: string, id: string) => Effect.Effect<TaskView | undefined, SqlError>
    /** In order; the last hundred. */
    readonly attempts: (business: string, id: string) => Effect.Effect<ReadonlyArray<Attempt>, SqlError>
    /** Has a task that is finished done again from its beginning, under the same id. False: there is none such. */
    readonly replay: (business: string, id: string) => Effect.Effect<boolean, SqlError>
    /** The same for many; says how many it were. Order within a lane is that of their first enqueueing. */
    readonly replayAll: (business: string, ids: ReadonlyArray<string>) => Effect.Effect<number, SqlError>
    /** Has a task that is dead or cancelled go on where it stood. */
    readonly resume: (business: string, id: string) => Effect.Effect<boolean, SqlError>
    /** What waits for its time on the shards held here is due now, in each lane what comes first. What has failed is not. */
    readonly hurry: (business: string, queue: QueueName) => Effect.Effect<void, SqlError>
    /** What is under way may still have its effect. */
    readonly cancel: (business: string, id: string) => Effect.Effect<boolean, SqlError>
    readonly statistics: Effect.Effect<ReadonlyArray<QueueStatistics>, SqlError>
    /** Of the queues that are worked here. */
    readonly movement: Effect.Effect<ReadonlyArray<QueueMovement>, SqlError>
  }
>()("koinon/runtime/Outbox") {}

const waiting = { state: "WAITING", finished: null } as const
const queues: ReadonlyArray<QueueName> = ["automation", "webhook", "communication"]

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const clock = yield* Clock.Clock
  const actors = yield* Actors
  const rows = TaskRows.make(sql)
  const sealing = TaskSealing.make(sql, yield* Sealer, yield* DataKeys)
  const settle = yield* Settling.make(rows)
  const listeners = new Map(queues.map((queue) => [queue as string, new Set<() => void>()]))
  const meters = new Map(queues.map((queue) => [queue, new Worker.WorkMeter()]))
  const now = (): number => clock.currentTimeMillisUnsafe()

  const listening = (): void => {
    // What was committed before.
    for (const each of listeners.values()) for (const listener of each) listener()
  }
  const told = (queue: string): void => listeners.get(queue)?.forEach((listener) => listener())
  yield* Notices.hear(TaskRows.noticeChannel, { listening, told }).pipe(
    Effect.catch((error) => Effect.logWarning("notices of the outbox are not heard", reasonOf(error))),
    Effect.andThen(Effect.sleep(listenAgainMs)),
    Effect.forever,
    Effect.forkScoped
  )

  const prune = Effect.suspend(() => rows.prune(now() - retentionMs, prunedAtOnceMax)).pipe(
    Effect.repeat({ while: (gone: number) => gone === prunedAtOnceMax }),
    Effect.catch((error) => Effect.logWarning("old tasks stay for now", reasonOf(error)))
  )
  yield* Effect.forkScoped(Effect.forever(Effect.delay(prune, pruneIntervalMs)))

  const viewOf = (keyOf: TaskSealing.KeyOf, row: TaskRows.TaskRow): TaskView => ({
    id: row.id,
    queue: row.queue,
    business: row.business,
    key: row.key,
    state: row.state,
    enqueuedAt: row.enqueued_at,
    dueAt: row.due_at,
    finishedAt: row.finished_at ?? undefined,
    attempts: row.attempts,
    failures: row.failures,
    body: sealing.open(keyOf, row, row.body, bodyOf(row.id))
  })

  const surroundings: Worker.Surroundings = {
    actors,
    rows,
    sealing,
    settle,
    clock,
    onNotice: (queue, listener) => {
      listeners.get(queue)?.add(listener)
      return () => listeners.get(queue)?.delete(listener)
    }
  }

  const movementOf = (queue: QueueName, since: number | null): ReadonlyArray<QueueMovement> => {
    const { movedAt, underWay, attemptMaxMs } = meters.get(queue) ?? new Worker.WorkMeter()
    if (movedAt === undefined) return []
    const at = now()
    const lagMs = since === null ? 0 : Math.max(0, at - since)
    const stillMs = Math.max(0, Math.min(lagMs, at - movedAt) - (underWay > 0 ? attemptMaxMs : 0))
    return [{ queue, lagMs, stillMs }]
  }

  return Outbox.of({
    movement: Effect.suspend(() => rows.oldestDue(queues, now(), allShards.filter(actors.holds))).pipe(
      Effect.map((found) => found.flatMap(({ queue, since }) => movementOf(queue, since)))
    ),
    enqueue: Effect.fnUntraced(function* (tasks) {
      if (tasks.length === 0) return
      const keyOf = yield* sealing.keysOf(tasks)
      const at = now()
      yield* rows.enqueue(
        tasks.map((task, nth): TaskRows.NewRow => {
          const { id, queue, business, key, lane, body, dueAt, isWithheld = false } = task
          const sealed = sealing.seal(keyOf, task, body, bodyOf(id))
          if (sealed.length > bodySizeMax) throw new RangeError(`the body of a task of ${queue} is too long`)
          const place = { shard: shardOf(key), lane: nameUuid("lane", queue, business, key, lane) }
          const end = isWithheld ? ({ state: "WITHHELD", finished: at } as const) : waiting
          return { nth, id, queue, business, key, ...place, body: sealed, at, due: Math.round(dueAt), ...end }
        })
      )
    }),
    work: (queue, options) => Worker.start(surroundings, queue, options, meters.get(queue) ?? new Worker.WorkMeter()),
    list: Effect.fn("Outbox.list")(function* ({
      business,
      queue,
      state,
      key,
      isOwn = false,
      isChanged = false,
      ...request
    }) {
      const conditions: ReadonlyArray<Condition> = [
        ["business = ?::uuid", business],
        ["queue = ?", queue],
        ...(state === undefined ? [] : [["state = ?", state] as const]),
        ...(key === undefined ? [] : [["key = ?::uuid", key] as const]),
        ...(isOwn ? [["key = business"] as const] : []),
        ...(isChanged ? [["origin IS NOT NULL"] as const] : [])
      ]
      const page = yield* readPage<TaskRows.TaskRow>(sql, {
        table: "outbox_task",
        columns: TaskRows.listedColumns,
        conditions,
        sort: [
          { column: "position", type: "bigint", valueOf: ({ position }) => Number(position) },
          { column: "id", type: "uuid", valueOf: ({ id }) => id }
        ],
        request
      })
      const keyOf = yield* sealing.keysOf(page.rows)
      return { ...page, rows: page.rows.map((row) => viewOf(keyOf, TaskRows.plain(row))) }
    }),
    get: Effect.fn("Outbox.get")(function* (business, id) {
      const row = yield* rows.get(business, id)
      return row === undefined ? undefined : viewOf(yield* sealing.keysOf([row]), row)
    }),
    attempts: Effect.fn("Outbox.attempts")(function* (business, id) {
      const task = yield* rows.get(business, id)
      if (task === undefined) return []
      const keyOf = yield* sealing.keysOf([task])
      return (yield* rows.attempts(business, id)).map(({ number, started_at, ended_at, outcome, detail }): Attempt => {
        const told = sealing.open(keyOf, task, detail, attemptOf(id, number)) as Record<string, Json> | undefined
        return {
          number,
          startedAt: started_at,
          endedAt: ended_at,
          outcome,
          reason: told?.["reason"] as string | undefined,
          result: told?.["result"],
          log: told?.["log"]
        }
      })
    }),
    replay: (business, id) =>
      Effect.suspend(() => Effect.map(rows.replay(business, [id], now()), (count) => count > 0)),
    replayAll: (business, ids) => Effect.suspend(() => rows.replay(business, ids, now())),
    resume: (business, id) =>
      Effect.suspend(() => Effect.map(rows.resume(business, [id], now()), (count) => count > 0)),
    hurry: Effect.fnUntraced(function* (business, queue) {
      const at = now()
      const shards = allShards.filter(actors.holds)
      let behind: number | undefined = 0
      while (behind !== undefined) behind = yield* rows.hurry(business, queue, at, shards, behind, hurriedAtOnceMax)
    }),
    cancel: (business, id) => Effect.suspend(() => rows.cancel(business, id, now())),
    statistics: Effect.suspend(() => {
      // Read before the table: what a meter counts as settled is then seen there too.
      const metered = new Map([...meters].map(([queue, meter]) => [queue, meter.counts()]))
      return Effect.map(rows.counts(queues, now()), (counts) =>
        counts.map(({ queue, waiting, due, dead, oldestDueAt }): QueueStatistics => ({
          queue,
          waiting,
          due,
          dead,
          lagMs: oldestDueAt === undefined ? 0 : Math.max(0, now() - oldestDueAt),
          meter: metered.get(queue) ?? new Worker.WorkMeter().counts()
        }))
      )
    })
  })
})

export const layer: Layer.Layer<Outbox, never, SqlClient | Notices.Source | Actors | Sealer | DataKeys> = Layer.effect(
  Outbox,
  make
)
