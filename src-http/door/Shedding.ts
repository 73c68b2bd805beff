/**
 * Who is let in when more is asked than can be done. By Little's law whoever comes behind L requests that are under way,
 * of which λ a second get done, waits L/λ: each class of requests is let in up to a ceiling at which that would be longer
 * than its share of the wait that is bearable. So the cheap to repeat go first (lists, searches and batches, then ordinary
 * reads), writes last, and health and metrics, which do not pass here, never; and as many writes as can be done are done.
 *
 * What it costs a request is one comparison. Everything else is worked out a few times a second.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Declaration } from "./Endpoint.ts"
import { type Fault, fault } from "./Fault.ts"

/** Lowest first to go. A batch goes with the lists, but needs the lane. */
const kinds = ["list", "batch", "read", "write"] as const
type Kind = (typeof kinds)[number]
export type Priority = 0 | 1 | 2 | 3

/** Of the bearable wait, and of what is always let in. */
const shares: Readonly<Record<Kind, number>> = { list: 0.5, batch: 0.5, read: 0.75, write: 1 }
const needsTheLane: Readonly<Record<Kind, boolean>> = { list: false, batch: true, read: false, write: true }

/** So many under way are let in however slowly they get done: fewer could not share a commit. */
const underWayLeast = 256
/** So many are let in by a late runner, whatever they ask: what has so little to do is late for another reason. */
const underWayLeastLate = 16
/** A commit under way for longer: who comes now would not be answered before its patience ends (`Later.ts`). */
export const commitAgeMaxMs = 4_000
/** Once closed, a class is let in again when what is under way has fallen to this share of its ceiling. */
const reopensAt = 0.75
const lookIntervalMs = 100
/**
 * A look that comes so much late, on average, finds a runner that has more to do than it can. Little, because late only
 * refusals are held: with 25 a thousand callers who ask again at once cost half of what could have been done.
 */
const lateMs = 5
/** How fast the rate is forgotten while there is too little to do to measure it, and learnt while there is enough. */
const rateKeptAtRest = 0.99
const rateLearntPerLook = 0.3
/** Nobody was turned away for so long: it is over. */
const overAfterMs = 1_000

export type Reason = "wait" | "commit"

/** What a reading of the runner says. */
export interface Readings {
  /** Units decided and not yet durable, and how many became so in all. */
  readonly unitsWaiting: number
  readonly units: number
  /** Age of the commit under way. */
  readonly commitAgeMs: number
}

export interface Shed {
  readonly kind: Kind
  readonly reason: Reason
  readonly count: number
}

/** A list is what takes parameters and names no single thing. */
export const priorityOf = ({
  method,
  path,
  query,
  batch
}: Pick<Declaration<unknown, unknown, unknown>, "method" | "path" | "query" | "batch">): Priority => {
  if (batch !== undefined) return 1
  if (method !== "GET") return 3
  return query !== undefined && !/:[a-z_]+$/.test(path) ? 0 : 2
}

/** Told apart by reason and not by class, so that being turned away costs next to nothing. */
const faults: Readonly<Record<Reason, Fault>> = {
  wait: fault(
    503,
    "KOINON.OVERLOADED",
    "Too much at once",
    "More is asked of this runner than it can do soon; nothing took effect. Try again after Retry-After, with the same Idempotency-Key.",
    { retryAfterSeconds: 1, parameters: { limit: "KOINON_WAIT_MAX_MS" } }
  ),
  commit: fault(
    503,
    "KOINON.COMMITS_STALLED",
    "Commits do not go through",
    "The journal has not taken a commit for seconds; nothing took effect. Try again after Retry-After, with the same Idempotency-Key.",
    { retryAfterSeconds: 5, parameters: { limit_ms: commitAgeMaxMs } }
  )
}

export class Gate {
  readonly #waitMaxMs: number
  /** By priority: as many as may be under way, and whether it was closed the last time somebody came. */
  readonly #ceilings: Array<number>
  readonly #closed: Array<boolean> = kinds.map(() => false)
  readonly #reasons: Array<Reason> = kinds.map(() => "wait")
  readonly #counts: Readonly<Record<Reason, Array<number>>> = { wait: [0, 0, 0, 0], commit: [0, 0, 0, 0] }
  #underWay = 0
  #done = 0
  #lookedAt: number | undefined
  #doneThen = 0
  #unitsThen = 0
  #refusedThen: Array<number> = [0, 0, 0, 0]
  /** Done per millisecond, when there is enough to do. */
  #rate = 0
  #unitRate = 0
  #delayMs = 0
  /** By priority: since when, and when last, anybody was turned away. */
  readonly #since: Array<number | undefined> = kinds.map(() => undefined)
  readonly #last: Array<number> = kinds.map(() => 0)

  constructor(waitMaxMs: number) {
    this.#waitMaxMs = waitMaxMs
    this.#ceilings = kinds.map((kind) =>
      waitMaxMs === Number.POSITIVE_INFINITY ? waitMaxMs : underWayLeast * shares[kind]
    )
  }

  /** The runner is so late that it shows in every answer. */
  get isLate(): boolean {
    return this.#delayMs > lateMs
  }

  /** Why a request cannot be let in, if it cannot. Whoever is let in begins when all of it has arrived. */
  refuses(priority: Priority): Fault | undefined {
    const ceiling = this.#ceilings[priority] as number
    if (this.#underWay < (this.#closed[priority] === true ? ceiling * reopensAt : ceiling)) {
      this.#closed[priority] = false
      return undefined
    }
    this.#closed[priority] = true
    const reason = this.#reasons[priority] as Reason
    const counts = this.#counts[reason]
    counts[priority] = (counts[priority] ?? 0) + 1
    return faults[reason]
  }

  /** From here to `leave` it is under way. */
  begin(): void {
    this.#underWay += 1
  }

  leave(): void {
    this.#underWay -= 1
    this.#done += 1
  }

  /** Works the ceilings out anew. `now` is in milliseconds of any clock that does not jump. */
  look(now: number, { unitsWaiting, units, commitAgeMs }: Readings): void {
    const sinceMs = this.#lookedAt === undefined ? lookIntervalMs : Math.max(1, now - this.#lookedAt)
    const done = (this.#done - this.#doneThen) / sinceMs
    const unitsDone = (units - this.#unitsThen) / sinceMs
    this.#lookedAt = now
    this.#doneThen = this.#done
    this.#unitsThen = units
    this.#note(now)
    const isBusy = this.#underWay >= underWayLeast || this.#since.some((since) => since !== undefined)
    this.#rate = learnt(this.#rate, done, isBusy)
    this.#unitRate = learnt(this.#unitRate, unitsDone, unitsWaiting >= underWayLeast)
    // A look that comes late was kept waiting as every request was, before anybody could count it.
    this.#delayMs = (this.#delayMs + Math.max(0, sinceMs - lookIntervalMs)) / 2
    const laneWaitMs = unitsWaiting > underWayLeast ? unitsWaiting / Math.max(this.#unitRate, 0.001) : 0
    for (const [priority, kind] of kinds.entries()) {
      const share = shares[kind]
      const bearableMs = this.#waitMaxMs * share - this.#delayMs
      const isStalled = needsTheLane[kind] && commitAgeMs > commitAgeMaxMs * share
      const isLate = bearableMs <= 0 || laneWaitMs > this.#waitMaxMs * share
      this.#reasons[priority] = isStalled ? "commit" : "wait"
      // A runner that is late takes what it always takes of the writes, and next to nothing else.
      const least = isLate && kind !== "write" ? underWayLeastLate : underWayLeast * share
      this.#ceilings[priority] = isStalled ? 0 : isLate ? least : Math.max(least, this.#rate * bearableMs)
    }
  }

  /** Since when writes have been turned away, and since when anything has, milliseconds of the clock of `look`. */
  get shedding(): { readonly writesSince: number | undefined; readonly since: number | undefined } {
    const known = this.#since.filter((since) => since !== undefined)
    return { writesSince: this.#since[3], since: known.length === 0 ? undefined : Math.min(...known) }
  }

  get statistics() {
    const shed: ReadonlyArray<Shed> = (["wait", "commit"] as const).flatMap((reason) =>
      kinds.map((kind, priority) => ({ kind, reason, count: this.#counts[reason][priority] ?? 0 }))
    )
    return {
      underWay: this.#underWay,
      ceilings: kinds.map((kind, priority) => ({ kind, ceiling: Math.floor(this.#ceilings[priority] ?? 0) })),
      delayMs: this.#delayMs,
      shed
    }
  }

  #note(now: number): void {
    for (const priority of kinds.keys()) {
      const refused = (this.#counts.wait[priority] ?? 0) + (this.#counts.commit[priority] ?? 0)
      if (refused > (this.#refusedThen[priority] ?? 0)) {
        this.#since[priority] ??= now
        this.#last[priority] = now
      } else if (now - (this.#last[priority] ?? 0) > overAfterMs) this.#since[priority] = undefined
      this.#refusedThen[priority] = refused
    }
  }
}

/** At rest only a higher rate says anything: so few were done because so few were asked for. */
const learnt = (known: number, seen: number, isBusy: boolean): number =>
  isBusy && known > 0 ? known + (seen - known) * rateLearntPerLook : Math.max(seen, known * rateKeptAtRest)

/** The gate of the server; without one everybody is let in. */
export const CurrentGate = Context.Reference<Gate>("koinon/http/Gate", {
  defaultValue: () => new Gate(Number.POSITIVE_INFINITY)
})

/** A gate that looks at the runner for as long as the scope lasts. */
export const watching = (
  waitMaxMs: number,
  readings: (now: number) => Readings
): Effect.Effect<Gate, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const gate = new Gate(waitMaxMs)
    const look = Effect.sync(() => gate.look(performance.now(), readings(clock.currentTimeMillisUnsafe())))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(look, lookIntervalMs)))
    return gate
  })
