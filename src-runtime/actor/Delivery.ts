/**
 * Delivery of the inbox of the shards held here: messages at once, timers at their instant, and after a crash or a move
 * whatever was not done. The inbox in the journal is the truth; this only keeps it moving. A row leaves it in the commit of the turn it caused, so delivery
 * is at least once and effect is once. A row whose turn threw is parked for an operator and never retried in a loop.
 */
import type { Command } from "#domain/Command.ts"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
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

/** Of rows that are read from the journal, which does not say. */
const unknownSender = "?"

export interface Delivery {
  /** A message of that key is on its way to the journal; `added` or `withdrawn` says what became of it. */
  readonly sent: (row: InboxRow, from: string) => void
  /** It never became durable. */
  readonly withdrawn: (row: InboxRow, from: string) => void
  /** A row is durable: deliver it now or when it is due. A message names the key that sent it. */
  readonly added: (row: InboxRow, command: Command, from?: string) => void
  /** Whether an earlier message from one key to the other is on its way, or may be: a later one queues behind it. */
  readonly isOnTheWay: (from: string, to: string) => boolean
  readonly park: (id: string, reason: string) => void
  /** From now on the shards are delivered here: what was left undone is handed out before it returns, so before new work. */
  readonly take: (shards: ReadonlyArray<number>) => Effect.Effect<void>
  readonly release: (shards: Iterable<number>) => void
  /** Something may have come in from elsewhere. */
  readonly look: () => void
}

export const make = Effect.fn("Delivery.make")(function* (options: {
  readonly now: () => number
  readonly codec: Codec
  readonly deliver: (row: InboxRow, command: Command, done: (reply: Reply) => void) => void
  /** A message became durable for a shard that is not held here. */
  readonly sentElsewhere: (shard: number) => void
}) {
  const journal = yield* Journal
  const scope = yield* Effect.scope
  const context = yield* Effect.context()
  const runFork = Effect.runForkWith(context)
  const held = new Set<number>()
  const sweeping = yield* Semaphore.make(1)
  const underWay = new Set<string>()
  /** By sender and receiver: how many messages are on their way to the journal, or from there to their turn. */
  const onTheWay = new Map<string, number>()
  const wake = yield* Latch.make(false)
  /** The earliest timer known to be waiting. */
  let nextTimerAt = Number.POSITIVE_INFINITY
  /** While the journal holds due rows that were not handed out, only the sweep hands out: order is kept. */
  let behind = false
  let skipped = false
  let finished: Array<string> = []
  /** Keys to which something could not be delivered since the last sweep began, which may not have read that. */
  const failedTo = new Set<string>()

  const leaves = (from: string, to: string): void => {
    const way = `${from}/${to}`
    onTheWay.set(way, (onTheWay.get(way) ?? 0) + 1)
  }
  const arrives = (from: string, to: string): void => {
    const way = `${from}/${to}`
    const count = (onTheWay.get(way) ?? 0) - 1
    if (count > 0) onTheWay.set(way, count)
    else onTheWay.delete(way)
  }

  const hand = (row: InboxRow, command: Command, from = unknownSender): void => {
    underWay.add(row.id)
    leaves(from, row.key)
    options.deliver(row, command, (reply) => {
      arrives(from, row.key)
      // It comes again with the next sweep, and nothing newer may come before it.
      const { _tag } = reply._tag === "Failed" ? reply.refusal : reply
      if (_tag === "ActorUnavailable" || (_tag === "ShardMoved" && held.has(row.shard))) {
        behind = skipped = true
        failedTo.add(row.key)
      }
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
    failedTo.clear()
    skipped = false
    const { rows, nextAt } = yield* journal.due(options.now(), [...held], dueRowsMax + underWay.size)
    nextTimerAt = nextAt ?? Number.POSITIVE_INFINITY
    let full = rows.length === dueRowsMax + underWay.size
    for (const row of rows) {
      if (underWay.has(row.id) || !held.has(row.shard)) continue
      if (failedTo.has(row.key)) {
        full = true
        continue
      }
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

  /** Whether the inbox could be read. */
  const carefulSweep: Effect.Effect<boolean> = sweep.pipe(
    Effect.as(true),
    Effect.catchTag("JournalUnavailable", (error) =>
      Effect.as(Effect.logWarning("the inbox cannot be read", error.operation), false)
    ),
    sweeping.withPermit
  )
  const untilRead = Effect.repeat(carefulSweep, {
    until: (read) => read,
    schedule: Schedule.spaced(sweepIntervalMs)
  })
  const hasMore = (): boolean => behind && underWay.size < underWayMax

  const loop = Effect.gen(function* () {
    yield* carefulSweep
    const untilTimer = Math.max(0, nextTimerAt - options.now())
    const sleep = hasMore() ? 0 : Math.min(untilTimer, sweepIntervalMs)
    yield* Effect.raceFirst(Effect.sleep(sleep), wake.await)
    yield* wake.close
  })

  const take = (row: InboxRow, command: Command, from: string | undefined): void => {
    if (!held.has(row.shard)) return options.sentElsewhere(row.shard)
    if (row.deliverAt > options.now()) {
      if (row.deliverAt >= nextTimerAt) return
      nextTimerAt = row.deliverAt
      wake.openUnsafe()
      return
    }
    // A sweep may have read it between its commit and now.
    if (underWay.has(row.id) && !finished.includes(row.id)) return
    if (!behind && underWay.size < underWayMax) return hand(row, command, from)
    // It stays in the journal, where the sweep finds it in its turn.
    behind = true
    skipped = true
  }

  const delivery: Delivery = {
    sent: (row, from) => leaves(from, row.key),
    withdrawn: (row, from) => arrives(from, row.key),
    added: (row, command, from) => {
      take(row, command, from)
      if (from !== undefined) arrives(from, row.key)
    },
    isOnTheWay: (from, to) => behind || onTheWay.has(`${from}/${to}`) || onTheWay.has(`${unknownSender}/${to}`),
    park,
    take: (shards) =>
      Effect.suspend(() => {
        // Until a sweep that knows of them has handed out what is older, what comes in meanwhile waits for it.
        behind = skipped = true
        for (const shard of shards) held.add(shard)
        return Effect.asVoid(Effect.repeat(untilRead, { while: hasMore }))
      }),
    release: (shards) => {
      for (const shard of shards) held.delete(shard)
    },
    look: () => wake.openUnsafe()
  }
  yield* Effect.forkIn(Effect.forever(loop), scope)
  return delivery
})
