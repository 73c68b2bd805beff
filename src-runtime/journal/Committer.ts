/**
 * The committer: takes units in the order they were decided and makes them durable, many to a commit, one commit in
 * flight. While one is under way the next batch fills itself, so a lone unit waits for nothing and a crowd shares a flush.
 *
 * Guarantees: a submission commits whole or not at all, and those that share a group in order; `committed` is called
 * after the commit, in order; one that cannot commit takes down those stacked on it and nobody else. A lost connection is
 * not a failure: the shards are retaken, which makes the old connection's fate final, and the batch id is looked up. A shard
 * that another runner has taken over is lost with all that was decided on it and is not durable; the others go on.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { Histogram, secondsBounds } from "../observability/Histogram.ts"
import { Holdings } from "./Holdings.ts"
import { Journal, type Conflicts, type JournalUnavailable } from "./Journal.ts"
import { groupsOf, separate, separateLost, type Submission, type UnitFailure, wentDown } from "./Submission.ts"
import { claimName, type Batch, type Unit } from "./Unit.ts"

/** Units to a commit, at most: above it a longer batch only adds waiting. */
const batchUnitsMax = 1024
/** Bytes of bodies to a commit, at most. */
const batchBytesMax = 8 * 1024 * 1024
/** Callers told at once: between slices the next batch is started. */
const announcedAtOnceMax = 128
/** How often an unreachable journal is asked again, at most. */
const retryIntervalMs = 500

export interface CommitterStatistics {
  readonly commits: number
  readonly units: number
  readonly conflicts: number
  readonly unknownOutcomes: number
  /** Units decided and not yet durable. */
  readonly waiting: number
  /** Since when the commit under way is under way, epoch milliseconds. */
  readonly stalledSince: number | undefined
  /** Shards that this runner may write. */
  readonly shards: number
  /** Shards that another runner took from this one and still has, as far as is known here. */
  readonly shardsLost: number
  /** Units to a commit, by power of two: index 3 counts batches of 8..15. */
  readonly batchSizes: ReadonlyArray<number>
  /** How long the journal took to make a batch durable. */
  readonly commitSeconds: Histogram
  /** How long the first unit of a batch waited until its commit began. */
  readonly laneWaitSeconds: Histogram
}

export interface Committer {
  /** Never blocks; the caller bounds what it submits by `waiting`. */
  readonly submit: (submission: Submission) => void
  /** Units decided and not yet durable. */
  readonly waiting: () => number
  readonly statistics: () => CommitterStatistics
  /** Whether this runner may write the shard, as far as it knows. */
  readonly holds: (shard: number) => boolean
  /** The last offset of a shard that is known to be durable. */
  readonly committedOffset: (shard: number) => number
  /** Succeeds when nothing, of the shards if any are named, is waiting to become durable. */
  readonly drained: (shards?: ReadonlySet<number>) => Effect.Effect<void>
  /** Takes over the shards: from now on nobody else writes them. */
  readonly take: (shards: ReadonlyArray<number>) => Effect.Effect<void, JournalUnavailable>
  /**
   * Gives the shards up once all that was submitted for them is durable and told. Whoever calls sees to it that nothing
   * more is.
   */
  readonly release: (shards: ReadonlySet<number>) => Effect.Effect<void>
  /** Called when another runner has taken shards over, before those who wait are told. */
  readonly onLost: (listener: (shards: ReadonlySet<number>) => void) => void
  /** Called after each commit with what it made durable, in order. */
  readonly onCommitted: (listener: (submissions: ReadonlyArray<Submission>) => void) => () => void
}

const sizeOf = (units: ReadonlyArray<Unit>): number => {
  let bytes = 0
  for (const unit of units) {
    bytes += unit.command?.outcome?.length ?? 0
    for (const event of unit.events) bytes += event.body.length
    for (const message of unit.inbox) bytes += message.command.length
  }
  return bytes
}

/** Takes over the first shards and starts the lane that writes to them; it ends with the scope. */
export const make = Effect.fn("Committer.make")(function* (runner: string, first: ReadonlyArray<number>) {
  const journal = yield* Journal
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const holdings = new Holdings(journal, runner)
  yield* holdings.take(first)

  let queue: Array<Submission> = []
  /** Of the batch under way: those whose fate is not known. */
  let undecided: ReadonlyArray<Submission> = []
  let running = false
  let inFlight = 0
  let stalledSince: number | undefined
  const listeners = new Set<(submissions: ReadonlyArray<Submission>) => void>()
  const lossListeners: Array<(shards: ReadonlySet<number>) => void> = []
  /** Who waits until nothing is left of some shards, or of any. */
  const awaitingDrain = new Set<{ readonly shards: ReadonlySet<number> | undefined; readonly done: () => void }>()
  /** Durable, and not yet told to anybody. */
  const announcements: Array<Submission> = []
  let announcing = false
  const counts = { commits: 0, units: 0, conflicts: 0, unknownOutcomes: 0 }
  const batchSizes: Array<number> = []
  const commitSeconds = new Histogram(secondsBounds)
  const laneWaitSeconds = new Histogram(secondsBounds)
  /** As `performance.now()` told it: when the first of the queue came, and when the batch under way left. */
  let queuedAt = 0
  let leftAt = 0

  const compose = (): Array<Submission> => {
    let count = 0
    let units = 0
    let bytes = 0
    const released = new Set<string>()
    const taken = new Set<string>()
    // One statement sees the values as they were before it: who takes what it releases, or releases what it takes,
    // waits for the next batch.
    const clashes = ({ takes, releases }: Unit): boolean =>
      (released.size > 0 && takes.some((claim) => released.has(claimName(claim)))) ||
      (taken.size > 0 && releases.some((claim) => taken.has(claimName(claim))))
    for (const submission of queue) {
      if (units >= batchUnitsMax || bytes >= batchBytesMax || submission.units.some(clashes)) break
      for (const { takes, releases } of submission.units) {
        for (const claim of releases) released.add(claimName(claim))
        for (const claim of takes) taken.add(claimName(claim))
      }
      bytes += sizeOf(submission.units)
      units += submission.units.length
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = count === queue.length ? [] : queue.slice(count)
    const composedAt = performance.now()
    laneWaitSeconds.observe((composedAt - queuedAt) / 1000)
    queuedAt = composedAt
    undecided = batch
    return batch
  }

  const batchOf = (submissions: ReadonlyArray<Submission>): Batch & { readonly units: Array<Unit> } => {
    leftAt = performance.now()
    const next = new Map<number, number>()
    const units = submissions.flatMap((submission) => submission.units)
    for (const unit of units) {
      let offset = next.get(unit.shard) ?? holdings.offset(unit.shard)
      for (const event of unit.events) event.offset = ++offset
      next.set(unit.shard, offset)
    }
    return {
      id: randomUUID(),
      runner,
      at: clock.currentTimeMillisUnsafe(),
      fence: [...next.keys()].toSorted((a, b) => a - b).map((shard) => [shard, holdings.epoch(shard)] as const),
      units
    }
  }

  const settle = (submissions: ReadonlyArray<Submission>): void => {
    let units = 0
    undecided = submissions.length === undecided.length ? [] : undecided.filter((each) => !submissions.includes(each))
    for (const submission of submissions) {
      units += submission.units.length
      for (const { events, shard } of submission.units) {
        const last = events.at(-1)
        if (last !== undefined) holdings.moved(shard, last.offset)
      }
      if (submission.trace !== undefined) {
        submission.trace = submission.trace.child("commit", { "koinon.batch": submissions.length }, leftAt).end()
      }
      announcements.push(submission)
    }
    counts.commits += 1
    commitSeconds.observe((performance.now() - leftAt) / 1000)
    counts.units += units
    const bucket = Math.floor(Math.log2(units))
    batchSizes[bucket] = (batchSizes[bucket] ?? 0) + 1
    if (!announcing) {
      announcing = true
      setImmediate(announce)
    }
  }

  /**
   * Tells the callers, a slice at a time, while the database already works on the next batch: what the answers set off
   * meanwhile fills the batch after that, so that neither waits for the other.
   */
  const announce = (): void => {
    const slice = announcements.splice(0, announcedAtOnceMax)
    for (const submission of slice) {
      inFlight -= submission.units.length
      submission.committed()
    }
    for (const listener of listeners) listener(slice)
    announcing = announcements.length > 0
    if (announcing) setImmediate(announce)
    releaseDrained()
  }

  const isDrained = (shards: ReadonlySet<number> | undefined): boolean => {
    if (!running && !announcing) return true
    if (shards === undefined) return false
    const touches = ({ units }: Submission): boolean => units.some(({ shard }) => shards.has(shard))
    return !queue.some(touches) && !undecided.some(touches) && !announcements.some(touches)
  }

  const releaseDrained = (): void => {
    for (const waiting of awaitingDrain) {
      if (!isDrained(waiting.shards)) continue
      awaitingDrain.delete(waiting)
      waiting.done()
    }
  }

  const drained = (shards?: ReadonlySet<number>) =>
    Effect.callback<void>((resume) => {
      if (isDrained(shards)) return resume(Effect.void)
      const waiting = { shards, done: () => resume(Effect.void) }
      awaitingDrain.add(waiting)
      return Effect.sync(() => awaitingDrain.delete(waiting))
    })

  const fail = (submission: Submission, failure: UnitFailure, unit?: Unit): void => {
    inFlight -= submission.units.length
    undecided = undecided.filter((each) => each !== submission)
    submission.failed(failure, unit)
  }

  /** Fails what cannot commit and all that was stacked on it, here and in the queue; returns what may still go. */
  const isolate = (submissions: ReadonlyArray<Submission>, conflicts: Conflicts): ReadonlyArray<Submission> => {
    const { standing, fallen, down } = separate(submissions, conflicts)
    for (const { submission, failure, unit } of fallen) fail(submission, failure, unit)
    unstack(down)
    return standing
  }

  /** Fails what the queue still holds of groups that went down. */
  const unstack = (down: Set<object>): void => {
    const [standing, stacked] = [new Array<Submission>(), new Array<Submission>()]
    for (const submission of queue) (wentDown(down, submission) ? stacked : standing).push(submission)
    queue = standing
    for (const submission of stacked) fail(submission, { _tag: "Undermined" })
  }

  const untilReachable = Effect.retry({ schedule: Schedule.spaced(retryIntervalMs) })

  /** What was decided on a lost shard fails, unless the batch of that id is durable after all; tells what may still go. */
  const retake = Effect.fnUntraced(function* (submissions: ReadonlyArray<Submission>, batchId?: string) {
    const gone = yield* untilReachable(holdings.retake)
    if (gone.size > 0) {
      yield* Effect.logError(`another runner has taken over ${gone.size} shards of this one: they are not written here`)
      for (const listener of lossListeners) listener(gone)
    }
    const isDurable = batchId !== undefined && (yield* untilReachable(journal.hasBatch(batchId)))
    if (gone.size === 0) return { isDurable, standing: submissions }
    const { standing, fallen, down } = separateLost(isDurable ? [] : submissions, gone)
    const stacked = separateLost(queue, gone, down)
    queue = [...stacked.standing]
    // Last: whoever is told may act on it at once, and what that brings stands on what is true now.
    for (const { submission, failure } of [...fallen, ...stacked.fallen]) fail(submission, failure)
    return { isDurable, standing: isDurable ? submissions : standing }
  }, Effect.orDie)

  /** Returns the groups that went down. */
  const commit: (submissions: ReadonlyArray<Submission>) => Effect.Effect<Set<object>> = Effect.fnUntraced(
    function* (submissions) {
      let remaining = submissions
      while (remaining.length > 0) {
        const batch = batchOf(remaining)
        const failure = yield* Effect.match(journal.commit(batch), {
          onFailure: (error) => error,
          onSuccess: () => undefined
        })
        if (failure === undefined) {
          // As the callers are below.
          batch.units.length = 0
          break
        }
        if (failure._tag === "JournalUnavailable") {
          counts.unknownOutcomes += 1
          yield* Effect.logWarning("the journal did not answer a commit: its outcome is looked up", failure.operation)
        }
        if (failure._tag === "JournalUnavailable" || failure._tag === "Fenced") {
          // The retaking makes the fate of the batch final. While it asks, the lane stands still.
          const retaken = yield* retake(remaining, failure._tag === "Fenced" ? undefined : batch.id)
          remaining = retaken.standing
          if (retaken.isDurable) break
          continue
        }
        counts.conflicts += 1
        if (failure._tag === "Poisonous") {
          const down = yield* bisect(remaining, failure.state)
          return new Set([...down, ...groupsOf(submissions.filter((submission) => !remaining.includes(submission)))])
        }
        const conflicts = yield* Effect.orDie(untilReachable(journal.conflicts(batch.units)))
        const kept = isolate(remaining, conflicts)
        if (kept.length === remaining.length) {
          // A rule was hit that no row explains any more: everyone judges again on what is true now.
          for (const submission of remaining) fail(submission, { _tag: "Superseded" })
          unstack(groupsOf(remaining))
          return groupsOf(submissions)
        }
        remaining = kept
      }
      if (remaining.length > 0) settle(remaining)
      if (remaining.length === submissions.length) return new Set<object>()
      return groupsOf(submissions.filter((submission) => !remaining.includes(submission)))
    }
  )

  /** One unit is wrong and the store does not say which: halves, in order, until its submission stands alone. */
  const bisect: (submissions: ReadonlyArray<Submission>, state: string) => Effect.Effect<Set<object>> =
    Effect.fnUntraced(function* (submissions, state) {
      const [only] = submissions
      if (submissions.length === 1 && only !== undefined) {
        const down = groupsOf(submissions)
        fail(only, { _tag: "Poisonous", state }, only.units.length === 1 ? only.units[0] : undefined)
        unstack(down)
        return down
      }
      const half = submissions.length >> 1
      const down = yield* commit(submissions.slice(0, half))
      const standing: Array<Submission> = []
      for (const submission of submissions.slice(half)) {
        if (wentDown(down, submission)) fail(submission, { _tag: "Undermined" })
        else standing.push(submission)
      }
      unstack(down)
      for (const group of yield* commit(standing)) down.add(group)
      return down
    })

  const lane = Effect.gen(function* () {
    while (queue.length > 0) {
      const submissions = compose()
      stalledSince = clock.currentTimeMillisUnsafe()
      yield* commit(submissions)
      stalledSince = undefined
      // The driver's hooks remember some statements, and with them this generator, until a full collection: without the
      // callers, at least.
      submissions.length = 0
    }
    running = false
    releaseDrained()
  })

  const runFork = Effect.runForkWith(context)
  let lastRun: Fiber.Fiber<void> | undefined
  // Registered before whatever the caller adds, so released after it: a drain still has its lane.
  yield* Effect.addFinalizer(() => (lastRun === undefined ? Effect.void : Fiber.interrupt(lastRun)))
  const start = (): void => {
    // A root fiber runs at once, up to its first wait; a forked child would wait for the scheduler, and the answers of
    // the batch before would all be given first instead of beside it.
    lastRun = runFork(lane)
  }

  const isHeld = ({ shard }: Unit): boolean => holdings.has(shard)

  const committer: Committer = {
    submit: (submission) => {
      inFlight += submission.units.length
      if (!submission.units.every(isHeld)) return fail(submission, { _tag: "Fenced" })
      if (queue.length === 0) queuedAt = performance.now()
      queue.push(submission)
      if (!running) {
        running = true
        // After the turns of this tick, so that those that arrived together commit together.
        setImmediate(start)
      }
    },
    waiting: () => inFlight,
    statistics: () => ({
      ...counts,
      waiting: inFlight,
      stalledSince,
      shards: holdings.size,
      shardsLost: holdings.lost,
      batchSizes,
      commitSeconds,
      laneWaitSeconds
    }),
    holds: (shard) => holdings.has(shard),
    committedOffset: (shard) => holdings.offset(shard),
    drained,
    take: (shards) => holdings.take(shards),
    release: (shards) => Effect.suspend(() => Effect.map(drained(shards), holdings.releasing(shards))),
    onLost: (listener) => void lossListeners.push(listener),
    onCommitted: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
  return committer
})
