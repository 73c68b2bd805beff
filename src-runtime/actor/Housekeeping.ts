/**
 * What a runner does now and then: idle groups leave memory, old rows of commits leave the journal, and where somebody waits
 * for long it is looked whether the shard is still here, for who commits nothing does not hear that it is not.
 */
import * as Effect from "effect/Effect"
import { Journal } from "../journal/Journal.ts"
import { emptyUnit } from "../journal/Unit.ts"
import type { Group } from "./Group.ts"
import type { Groups } from "./Groups.ts"
import type { Host } from "./Host.ts"
import type { OpenCommands } from "./OpenCommands.ts"

const passivationIntervalMs = 5_000
/** Who waits longer than this, and at most twice as long, is told of a shard that has gone. */
const openIntervalMs = 1_000
/** Rows of commits are kept this long, and go so many at a time: a batch is asked for within seconds, or never. */
const batchRetentionMs = 24 * 60 * 60_000
const forgottenAtOnceMax = 5_000
const forgettingIntervalMs = 10 * 60_000

export const start = Effect.fnUntraced(function* (options: {
  readonly groups: Groups
  readonly open: OpenCommands
  readonly commit: Host["commit"]
  readonly now: () => number
  readonly leaving: (group: Group) => void
}) {
  const { groups, open, commit, now, leaving } = options
  const journal = yield* Journal
  const passivate = Effect.sync(() => groups.passivate(now(), leaving))
  // Nothing is stored: a shard that has gone fences it, and all who wait for it are told.
  const confirmOpen = Effect.sync(() => {
    for (const { business, key, shard } of open.look()) {
      const unit = emptyUnit(business, key, shard)
      commit({ units: [unit], groups: [], committed: () => undefined, failed: () => undefined })
    }
  })
  const forgetBatches = Effect.suspend(() => journal.forgetBatches(now() - batchRetentionMs, forgottenAtOnceMax)).pipe(
    Effect.repeat({ while: (gone: number) => gone === forgottenAtOnceMax }),
    Effect.catchTag("JournalUnavailable", (error) => Effect.logWarning("old batches stay for now", error.operation))
  )
  yield* Effect.forkScoped(Effect.forever(Effect.delay(passivate, passivationIntervalMs)))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(confirmOpen, openIntervalMs)))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetBatches, forgettingIntervalMs)))
})
