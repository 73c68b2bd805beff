/**
 * Delivery of the inbox: messages at once, timers at their instant, and after a crash whatever was not done. The inbox in
 * the journal is the truth; this only keeps it moving. A row leaves it in the commit of the turn it caused, so delivery
 * is at least once and effect is once. A row whose turn threw is parked for an operator and never retried in a loop.
 */
import type { Command } from "#domain/Command.ts"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import type { InboxRow } from "../journal/Unit.ts"
import type { Reply } from "./Pending.ts"

/** Rows fetched at a time after a restart or when timers fire together. */
const dueRowsMax = 1_000
/** Messages under way at once: what is beyond waits in the journal. */
const underWayMax = 10_000
/** Finished rows remembered before the next sweep clears them. */
const finishedMax = 2_000
/** The inbox is looked at this often even if nothing asked for it: what a failed delivery left behind is found then. */
const sweepIntervalMs = 1_000

export interface Delivery {
  /** A row is durable: deliver it now or when it is due. */
  readonly added: (row: InboxRow, command: Command) => void
  readonly park: (id: string, reason: string) => void
  /** Hands out what was left undone, before any new work, and goes on looking for due rows until the scope closes. */
  readonly start: Effect.Effect<void>
}

export const make = Effect.fn("Delivery.make")(function* (options: {
  readonly now: () => number
  readonly codec: Codec
  readonly deliver: (row: InboxRow, command: Command, done: (reply: Reply) => void) => void
}) {
  const journal = yield* Journal
  const scope = yield* Effect.scope
  const context = yield* Effect.context()
  const runFork = Effect.runForkWith(context)
  const underWay = new Set<string>()
  const wake = yield* Latch.make(false)
  /** The earliest timer known to be waiting. */
  let nextTimerAt = Number.POSITIVE_INFINITY
  /** While the journal holds due rows that were not handed out, only the sweep hands out: order is kept. */
  let behind = false
  let skipped = false
  let finished: Array<string> = []

  const hand = (row: InboxRow, command: Command): void => {
    underWay.add(row.id)
    options.deliver(row, command, (reply) => {
      // It comes again with the next sweep, and nothing newer may come before it.
      if (reply._tag === "Failed" && reply.refusal._tag === "ActorUnavailable") behind = skipped = true
      // Under way until the next sweep begins, so that a sweep that read the row just before cannot repeat it.
      finished.push(row.id)
      if (finished.length >= finishedMax) wake.openUnsafe()
    })
  }

  const park = (id: string, reason: string): void => {
    runFork(
      Effect.andThen(Effect.logError(`a message was parked: ${id}`, reason), Effect.ignore(journal.park(id, reason)))
    )
  }

  const sweep = Effect.gen(function* () {
    for (const id of finished) underWay.delete(id)
    finished = []
    skipped = false
    const { rows, nextAt } = yield* journal.due(options.now(), dueRowsMax + underWay.size)
    nextTimerAt = nextAt ?? Number.POSITIVE_INFINITY
    let full = rows.length === dueRowsMax + underWay.size
    for (const row of rows) {
      if (underWay.has(row.id)) continue
      if (underWay.size >= underWayMax) {
        full = true
        break
      }
      const command = yield* Effect.try({
        try: () => options.codec.readCommand(row.command, undefined, row.id),
        catch: String
      }).pipe(
        Effect.catch((reason) => {
          park(row.id, reason)
          return Effect.succeed(undefined)
        })
      )
      if (command !== undefined) hand(row, command)
    }
    behind = full || (behind && skipped)
  })

  const carefulSweep = Effect.catchTag(sweep, "JournalUnavailable", (error) =>
    Effect.logWarning("the inbox cannot be read", error.operation)
  )
  const hasMore = (): boolean => behind && underWay.size < underWayMax

  const loop = Effect.gen(function* () {
    yield* carefulSweep
    const untilTimer = Math.max(0, nextTimerAt - options.now())
    const sleep = hasMore() ? 0 : Math.min(untilTimer, sweepIntervalMs)
    yield* Effect.raceFirst(Effect.sleep(sleep), wake.await)
    yield* wake.close
  })

  const delivery: Delivery = {
    added: (row, command) => {
      if (row.deliverAt <= options.now()) {
        if (!behind && underWay.size < underWayMax) return hand(row, command)
        // It stays in the journal, where the sweep finds it in its turn.
        behind = true
        skipped = true
        return
      }
      if (row.deliverAt < nextTimerAt) {
        nextTimerAt = row.deliverAt
        wake.openUnsafe()
      }
    },
    park,
    start: carefulSweep.pipe(
      Effect.repeat({ while: hasMore }),
      Effect.andThen(Effect.forkIn(Effect.forever(loop), scope)),
      Effect.asVoid
    )
  }
  return delivery
})
