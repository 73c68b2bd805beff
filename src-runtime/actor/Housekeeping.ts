/** What a runner does now and then: idle groups leave memory, old rows of commits leave the journal. */
import * as Effect from "effect/Effect"
import { Journal } from "../journal/Journal.ts"
import type { Group } from "./Group.ts"
import type { Groups } from "./Groups.ts"

const passivationIntervalMs = 5_000
/** Rows of commits are kept this long, and go so many at a time: a batch is asked for within seconds, or never. */
const batchRetentionMs = 24 * 60 * 60_000
const forgottenAtOnceMax = 5_000
const forgettingIntervalMs = 10 * 60_000

export const start = Effect.fnUntraced(function* (options: {
  readonly groups: Groups
  readonly now: () => number
  readonly leaving: (group: Group) => void
}) {
  const { groups, now, leaving } = options
  const journal = yield* Journal
  const passivate = Effect.sync(() => groups.passivate(now(), leaving))
  const forgetBatches = Effect.suspend(() => journal.forgetBatches(now() - batchRetentionMs, forgottenAtOnceMax)).pipe(
    Effect.repeat({ while: (gone: number) => gone === forgottenAtOnceMax }),
    Effect.catchTag("JournalUnavailable", (error) => Effect.logWarning("old batches stay for now", error.operation))
  )
  yield* Effect.forkScoped(Effect.forever(Effect.delay(passivate, passivationIntervalMs)))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetBatches, forgettingIntervalMs)))
})
