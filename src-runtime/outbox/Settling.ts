/**
 * Writes what came of attempts, many in one statement: what is settled while one is under way goes together in the next. An
 * unreachable database is tried again for a few seconds, so that what was done is not done again for nothing; then the
 * attempt counts for nothing, and the task is found as it was.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { SqlError } from "effect/sql/SqlError"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import type { SettledRow, TaskRows } from "./TaskRows.ts"

/** Settled in one statement. */
const batchMax = 500
const tries = 5
const retryIntervalMs = 500

interface Pending {
  readonly row: SettledRow
  readonly done: (isOurs: boolean) => void
}

/** Says whether the row was still as the attempt had found it: if not, somebody else has it now. */
export type Settle = (row: SettledRow) => Effect.Effect<boolean>

export const make = Effect.fnUntraced(function* (rows: TaskRows) {
  const pending: Array<Pending> = []
  const wake = yield* Latch.make(false)

  const write = (batch: ReadonlyArray<SettledRow>): Effect.Effect<ReadonlySet<string>, SqlError> => {
    let left = tries
    return Effect.retry(rows.settle(batch), {
      while: (error) => {
        left -= 1
        return Effect.as(
          Effect.delay(Effect.logWarning("the outbox cannot settle", reasonOf(error)), retryIntervalMs),
          left > 0
        )
      }
    })
  }

  const step = Effect.gen(function* () {
    yield* wake.await
    const batch = pending.splice(0, batchMax)
    if (pending.length === 0) yield* wake.close
    if (batch.length === 0) return
    const moved = yield* Effect.orElseSucceed(write(batch.map(({ row }) => row)), (): ReadonlySet<string> => new Set())
    for (const { row, done } of batch) done(moved.has(row.id))
  })
  yield* Effect.forkScoped(Effect.forever(step))

  const settle: Settle = (row) =>
    Effect.callback((resume) => {
      pending.push({ row, done: (isOurs) => resume(Effect.succeed(isOurs)) })
      wake.openUnsafe()
    })
  return settle
})
