/**
 * What other runners commit of the things that are remembered here. It is heard through the journal; while it is not heard,
 * nothing may be remembered, and once it is heard again everything is read anew.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { Notice } from "../journal/Notice.ts"
import type { Businesses } from "./Businesses.ts"

/** How soon it listens again, and how soon a business that could not be read is read again. */
const retryIntervalMs = 500

export interface Others {
  /** A runner alone has no others to miss: it hears all from the start, and until it begins to listen. */
  readonly areHeard: () => boolean
  readonly hear: Effect.Effect<never>
}

export const make = Effect.fnUntraced(function* (options: {
  readonly businesses: Businesses
  /** Called after what is remembered of it is up to date again. */
  readonly tell: (notice: Notice | undefined) => void
}) {
  const journal = yield* Journal
  const runFork = Effect.runForkWith(yield* Effect.context())
  const { businesses, tell } = options
  let heard = true

  const read = (reading: Effect.Effect<unknown, JournalUnavailable>, notice: Notice | undefined): void => {
    const untilRead = Effect.retry(reading, { schedule: Schedule.spaced(retryIntervalMs) })
    runFork(Effect.map(untilRead, () => tell(notice)))
  }

  const listening = journal.hear({
    listening: () => {
      heard = true
      read(businesses.readAll, undefined)
    },
    notice: (notice) => {
      if ("released" in notice) tell(notice)
      // Also of one that is thought to be here: another runner may have it by now.
      else read(businesses.read(notice.business), notice)
    }
  })
  return {
    areHeard: () => heard,
    hear: Effect.suspend(() => {
      heard = false
      tell(undefined)
      return listening
    }).pipe(
      Effect.catchTag("JournalUnavailable", (error) =>
        Effect.logWarning("what other runners commit is not heard for now", error.operation)
      ),
      Effect.andThen(Effect.sleep(retryIntervalMs)),
      Effect.forever
    )
  } satisfies Others
})
