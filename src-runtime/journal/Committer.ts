/**
 * The committer: takes units in the order they were decided and makes them durable, many to a commit, one commit in
 * flight. While one is under way the next batch fills itself, so a lone unit waits for nothing and a crowd shares a flush.
 *
 * Guarantees: units of one group commit in order or not at all; `committed` is called after the commit, in order;
 * a unit that cannot commit takes down those stacked on it and nobody else. A lost connection is not a failure: the
 * shards are retaken, which makes the old connection's fate final, and the batch id is looked up.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { type Fenced, Journal, type JournalUnavailable, type Conflicts } from "./Journal.ts"
import { claimName, streamName, type Batch, type CommandRow, type Unit } from "./Unit.ts"

/** Units to a commit, at most: above it a longer batch only adds waiting. */
const batchUnitsMax = 1024
/** Bytes of bodies to a commit, at most. */
const batchBytesMax = 8 * 1024 * 1024
/** Callers told at once: between slices the next batch is started. */
const announcedAtOnceMax = 128
/** How often an unreachable journal is asked again, at most. */
const retryIntervalMs = 500

export type UnitFailure =
  /** The command id is in the journal: the row tells its outcome. */
  | { readonly _tag: "Duplicate"; readonly row: CommandRow }
  /** Somebody else holds a value that the unit takes. */
  | { readonly _tag: "ClaimTaken"; readonly kind: string }
  /** The stream is longer than the unit thought: judge again on what is true. */
  | { readonly _tag: "Superseded" }
  /** It stood on a unit that failed, through no fault of its own: judge again on what is true. */
  | { readonly _tag: "Undermined" }
  /** The store will never take it. */
  | { readonly _tag: "Poisonous"; readonly state: string }
  /** The shard has another owner now. */
  | { readonly _tag: "Fenced" }

export interface Submission {
  readonly unit: Unit
  /** Units of one group stand and fall together, in order. */
  readonly group: object
  readonly committed: () => void
  readonly failed: (failure: UnitFailure) => void
}

export interface CommitterStatistics {
  readonly commits: number
  readonly units: number
  readonly conflicts: number
  readonly unknownOutcomes: number
  /** Units decided and not yet durable. */
  readonly waiting: number
  /** Since when the commit under way is under way, epoch milliseconds. */
  readonly stalledSince: number | undefined
  readonly fenced: boolean
  /** Units to a commit, by power of two: index 3 counts batches of 8..15. */
  readonly batchSizes: ReadonlyArray<number>
}

export interface Committer {
  /** Never blocks; the caller bounds what it submits by `statistics().waiting`. */
  readonly submit: (submission: Submission) => void
  readonly statistics: () => CommitterStatistics
  /** The last offset of a shard that is known to be durable. */
  readonly committedOffset: (shard: number) => number
  /** Succeeds when nothing is waiting to become durable. */
  readonly drained: Effect.Effect<void>
  /** Called once, when another runner has taken over: nothing that is told afterwards is true of this one. */
  readonly onFenced: (listener: () => void) => void
  /** Called after each commit with what it made durable, in order. */
  readonly onCommitted: (listener: (submissions: ReadonlyArray<Submission>) => void) => () => void
}

const sizeOf = (unit: Unit): number => {
  let bytes = unit.command?.outcome?.length ?? 0
  for (const event of unit.events) bytes += event.body.length
  for (const message of unit.inbox) bytes += message.command.length
  return bytes
}

/** Takes over the shards and starts the lane that writes to them; it ends with the scope. */
export const make = Effect.fn("Committer.make")(function* (runner: string, shards: ReadonlyArray<number>) {
  const journal = yield* Journal
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const epochs = new Map<number, number>()
  const offsets = new Map<number, number>()
  for (const hold of yield* journal.takeOver(runner, shards)) {
    epochs.set(hold.shard, hold.epoch)
    offsets.set(hold.shard, hold.lastOffset)
  }

  let queue: Array<Submission> = []
  /** Of the batch under way: those who have not been told what became of them. */
  let undecided = new Set<Submission>()
  let running = false
  let fenced = false
  let inFlight = 0
  let stalledSince: number | undefined
  const listeners = new Set<(submissions: ReadonlyArray<Submission>) => void>()
  const fenceListeners: Array<() => void> = []
  const awaitingDrain = new Set<() => void>()
  /** Durable, and not yet told to anybody. */
  const announcements: Array<Submission> = []
  let announcing = false
  const counts = { commits: 0, units: 0, conflicts: 0, unknownOutcomes: 0 }
  const batchSizes: Array<number> = []

  const compose = (): Array<Submission> => {
    let size = 0
    let bytes = 0
    const released = new Set<string>()
    const taken = new Set<string>()
    for (const { unit } of queue) {
      if (size >= batchUnitsMax || bytes >= batchBytesMax) break
      // One statement sees the values as they were before it: who takes what it releases, or releases what it takes,
      // waits for the next batch.
      if (released.size > 0 && unit.takes.some((claim) => released.has(claimName(claim)))) break
      if (taken.size > 0 && unit.releases.some((claim) => taken.has(claimName(claim)))) break
      for (const claim of unit.releases) released.add(claimName(claim))
      for (const claim of unit.takes) taken.add(claimName(claim))
      bytes += sizeOf(unit)
      size += 1
    }
    const batch = queue.slice(0, size)
    queue = size === queue.length ? [] : queue.slice(size)
    undecided = new Set(batch)
    return batch
  }

  const batchOf = (submissions: ReadonlyArray<Submission>): Batch => {
    const next = new Map<number, number>()
    for (const { unit } of submissions) {
      let offset = next.get(unit.shard) ?? offsets.get(unit.shard) ?? 0
      for (const event of unit.events) event.offset = ++offset
      next.set(unit.shard, offset)
    }
    return {
      id: randomUUID(),
      runner,
      at: clock.currentTimeMillisUnsafe(),
      fence: [...next.keys()].toSorted((a, b) => a - b).map((shard) => [shard, epochs.get(shard) ?? 0] as const),
      units: submissions.map((submission) => submission.unit)
    }
  }

  const settle = (submissions: ReadonlyArray<Submission>): void => {
    counts.commits += 1
    counts.units += submissions.length
    const bucket = Math.floor(Math.log2(submissions.length))
    batchSizes[bucket] = (batchSizes[bucket] ?? 0) + 1
    for (const { unit } of submissions) {
      const last = unit.events.at(-1)
      if (last !== undefined) offsets.set(unit.shard, last.offset)
    }
    for (const submission of submissions) {
      undecided.delete(submission)
      announcements.push(submission)
    }
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
    inFlight -= slice.length
    for (const submission of slice) submission.committed()
    for (const listener of listeners) listener(slice)
    announcing = announcements.length > 0
    if (announcing) setImmediate(announce)
    else releaseDrained()
  }

  const releaseDrained = (): void => {
    if (running || announcing) return
    for (const done of awaitingDrain) done()
    awaitingDrain.clear()
  }

  const fail = (submission: Submission, failure: UnitFailure): void => {
    inFlight -= 1
    undecided.delete(submission)
    submission.failed(failure)
  }

  /** Splits off what cannot commit and all that was stacked on it, here and in the queue; returns what may still go. */
  const isolate = (submissions: ReadonlyArray<Submission>, conflicts: Conflicts): ReadonlyArray<Submission> => {
    const commands = new Set<string>()
    const claims = new Set<string>()
    const events = new Set(conflicts.events)
    const down = new Set<object>()
    const conflictOf = ({ unit, group }: Submission): UnitFailure | undefined => {
      const row = unit.command === undefined ? undefined : conflicts.commands.get(unit.command.id)
      // Whatever it stands on: after a restart many are repeated together, and all of them are answered together.
      if (row !== undefined) return { _tag: "Duplicate", row }
      if (down.has(group)) return { _tag: "Undermined" }
      // The same id or value twice in one batch: the second one is judged again after the first has committed.
      if (unit.command !== undefined && commands.has(unit.command.id)) return { _tag: "Superseded" }
      // Judged on an old state, or on the same as another in this batch: what it wanted to take may be its own by now.
      const written = unit.events.map((event) => `${streamName(event)}/${event.seq}`)
      if (written.some((name) => events.has(name))) return { _tag: "Superseded" }
      for (const claim of unit.takes) {
        const name = claimName(claim)
        if (conflicts.claims.has(name) || claims.has(name)) return { _tag: "ClaimTaken", kind: claim.kind }
      }
      if (unit.command !== undefined) commands.add(unit.command.id)
      for (const claim of unit.takes) claims.add(claimName(claim))
      for (const name of written) events.add(name)
      return undefined
    }
    const keep: Array<Submission> = []
    const drop: Array<readonly [Submission, UnitFailure]> = []
    for (const submission of submissions) {
      const failure = conflictOf(submission)
      if (failure === undefined) keep.push(submission)
      else {
        down.add(submission.group)
        drop.push([submission, failure])
      }
    }
    for (const [submission, failure] of drop) fail(submission, failure)
    unstack(down)
    return keep
  }

  /** Fails what the queue still holds of groups that went down. */
  const unstack = (down: ReadonlySet<object>): void => {
    const stacked = queue.filter((submission) => down.has(submission.group))
    queue = queue.filter((submission) => !down.has(submission.group))
    for (const submission of stacked) fail(submission, { _tag: "Undermined" })
  }

  /** Makes the fate of a batch known after its answer was lost. While it asks, the lane stands still. */
  const resolveUnknown = (batch: Batch): Effect.Effect<boolean, Fenced> =>
    Effect.gen(function* () {
      counts.unknownOutcomes += 1
      // Retaking waits for a commit still under way and shuts out one that has not begun: then the answer is final.
      for (const hold of yield* journal.retake(runner, shards)) epochs.set(hold.shard, hold.epoch)
      return yield* journal.hasBatch(batch.id)
    }).pipe(
      Effect.retry({
        while: (error: JournalUnavailable | Fenced) => error._tag === "JournalUnavailable",
        schedule: Schedule.spaced(retryIntervalMs)
      }),
      Effect.catchTag("JournalUnavailable", Effect.die)
    )

  /** Returns whether all of them were committed. */
  const commit = (submissions: ReadonlyArray<Submission>): Effect.Effect<boolean, Fenced> =>
    Effect.gen(function* () {
      let remaining = submissions
      while (remaining.length > 0) {
        const batch = batchOf(remaining)
        const failure = yield* Effect.match(journal.commit(batch), {
          onFailure: (error) => error,
          onSuccess: () => undefined
        })
        if (failure === undefined) break
        if (failure._tag === "Fenced") return yield* failure
        if (failure._tag === "JournalUnavailable") {
          yield* Effect.logWarning(
            "the journal did not answer a commit; its outcome is being looked up",
            failure.operation
          )
          if (yield* resolveUnknown(batch)) break
          continue
        }
        counts.conflicts += 1
        if (failure._tag === "Poisonous") {
          return (yield* bisect(remaining, failure.state)) && remaining.length === submissions.length
        }
        const conflicts = yield* journal
          .conflicts(batch.units)
          .pipe(Effect.retry({ schedule: Schedule.spaced(retryIntervalMs) }), Effect.orDie)
        const kept = isolate(remaining, conflicts)
        if (kept.length === remaining.length) {
          // A rule was hit that no row explains any more: everyone judges again on what is true now.
          for (const submission of remaining) fail(submission, { _tag: "Superseded" })
          unstack(new Set(remaining.map((submission) => submission.group)))
          return false
        }
        remaining = kept
      }
      if (remaining.length > 0) settle(remaining)
      return remaining.length === submissions.length
    })

  /** One unit is wrong and the store does not say which: halves, by group and then within it, until it stands alone. */
  const bisect = (submissions: ReadonlyArray<Submission>, state: string): Effect.Effect<boolean, Fenced> =>
    Effect.gen(function* () {
      const groups = [...new Set(submissions.map((submission) => submission.group))]
      const [only] = submissions
      if (submissions.length === 1 && only !== undefined) {
        fail(only, { _tag: "Poisonous", state })
        unstack(new Set(groups))
        return false
      }
      if (groups.length === 1) {
        const half = submissions.length >> 1
        if (yield* commit(submissions.slice(0, half))) return yield* commit(submissions.slice(half))
        for (const submission of submissions.slice(half)) fail(submission, { _tag: "Undermined" })
        return false
      }
      const first = new Set(groups.slice(0, groups.length >> 1))
      const one = yield* commit(submissions.filter((submission) => first.has(submission.group)))
      const other = yield* commit(submissions.filter((submission) => !first.has(submission.group)))
      return one && other
    })

  const surrender = (): void => {
    fenced = true
    const all = [...undecided, ...queue]
    queue = []
    for (const submission of all) fail(submission, { _tag: "Fenced" })
    for (const listener of fenceListeners) listener()
  }

  const lane = Effect.gen(function* () {
    while (queue.length > 0) {
      const submissions = compose()
      stalledSince = clock.currentTimeMillisUnsafe()
      yield* Effect.catchTag(commit(submissions), "Fenced", () =>
        Effect.andThen(
          Effect.logError("another runner has taken over the shards of this one: nothing more is written here"),
          Effect.sync(surrender)
        )
      )
      stalledSince = undefined
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

  const committer: Committer = {
    submit: (submission) => {
      inFlight += 1
      if (fenced) return fail(submission, { _tag: "Fenced" })
      queue.push(submission)
      if (!running) {
        running = true
        // After the turns of this tick, so that those that arrived together commit together.
        setImmediate(start)
      }
    },
    statistics: () => ({ ...counts, waiting: inFlight, stalledSince, fenced, batchSizes }),
    committedOffset: (shard) => offsets.get(shard) ?? 0,
    drained: Effect.callback((resume) => {
      const done = (): void => resume(Effect.void)
      if (running || announcing) awaitingDrain.add(done)
      else done()
    }),
    onFenced: (listener) => void fenceListeners.push(listener),
    onCommitted: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
  return committer
})
