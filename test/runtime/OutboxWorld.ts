/**
 * An outbox over a database of its own, with tasks that a test writes down by number and attempts that it decides. Waiting is
 * for something to be reached, by the real clock also where the test's own stands still.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as Actors from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Outbox from "#runtime/outbox/Outbox.ts"
import type { NewTask, Outcome, Task, WorkOptions } from "#runtime/outbox/Task.ts"
import { writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"

export const outboxSide = Layer.provideMerge(Outbox.layer, writeSide)

export const taskId = (number: number): string => nameUuid("task", String(number))

/** Task `number` of contact `contact`, in a lane of hers. */
export const task = (number: number, contact: number, more: Partial<NewTask> = {}): NewTask => ({
  id: taskId(number),
  queue: "webhook",
  business: businessId,
  key: contactId(contact),
  lane: "lane",
  body: { number },
  dueAt: 0,
  ...more
})

export const enqueue = (...tasks: ReadonlyArray<NewTask>) =>
  Effect.flatMap(Outbox.Outbox, (outbox) => outbox.enqueue(tasks))

export const numberOf = ({ body }: Task): number => (body as { readonly number: number }).number

export const done: Outcome = { _tag: "Done" }

/** Works the queue of webhooks, and notes which numbers were attempted. */
export const working = (
  attempt: (task: Task) => Effect.Effect<Outcome>,
  options: Partial<WorkOptions> = {}
): Effect.Effect<Array<number>, never, Outbox.Outbox | Scope> =>
  Effect.gen(function* () {
    const outbox = yield* Outbox.Outbox
    const attempted: Array<number> = []
    yield* outbox.work("webhook", {
      concurrency: 8,
      ...options,
      attempt: (task) =>
        Effect.suspend(() => {
          attempted.push(numberOf(task))
          return attempt(task)
        })
    })
    return attempted
  })

export const view = (number: number) =>
  Effect.flatMap(Outbox.Outbox, (outbox) => outbox.get(businessId, taskId(number)))

export const isIn = (number: number, state: string) => Effect.map(view(number), (found) => found?.state === state)

/** Rows of the outbox as they are stored. */
export const storedText = Effect.gen(function* () {
  const sql = yield* SqlClient
  const tasks = yield* sql.unsafe<{ row: string }>("SELECT t::text AS row FROM outbox_task t")
  const attempts = yield* sql.unsafe<{ row: string }>("SELECT t::text AS row FROM outbox_attempt t")
  return [...tasks, ...attempts].map(({ row }) => row).join("\n")
})

/** A runner over the same database that begins with the shards it is given. */
export const runner = (shards: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const { actors, placed } = yield* Actors.make(shards)
    const outbox = yield* Effect.map(
      Layer.build(Layer.fresh(Outbox.layer).pipe(Layer.provide(Layer.succeed(Actors.Actors, actors)))),
      (context) => Effect.provide(Outbox.Outbox, context)
    )
    return { actors, placed, outbox: yield* outbox }
  })
