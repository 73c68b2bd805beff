/**
 * Whether this runner can do its work, check by check, each with its reason (P15): the lane and the shards it writes to,
 * the journal behind them, work that waits, views that follow, and queues of effects on the world. A failed check means "send me no requests"; a warning
 * needs a person but not a detour. Answers are kept for a moment, so that whoever asks often costs nothing.
 */
import { Actors } from "#runtime/actor/Actors.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { CurrentGate } from "../door/Shedding.ts"
import { HealthBounds } from "./HealthBounds.ts"
import type { Check } from "./OperatorApi.ts"

/** Turning writes away for longer is no burst: others should get them. */
const sheddingMaxMs = 10_000

type Verdict = Omit<Check, "name">

export interface Probe {
  readonly name: string
  /** Fails with its reason. */
  readonly check: Effect.Effect<Verdict, string>
}

/** Checks of what the composition root has wired and this door does not know. */
export const FurtherProbes = Context.Reference<ReadonlyArray<Probe>>("koinon/http/FurtherProbes", {
  defaultValue: () => []
})

export const pass = (reason: string, observed?: Check["observed"]): Verdict => ({
  status: "pass",
  reason,
  ...(observed !== undefined && { observed })
})

const probesOf = Effect.gen(function* () {
  const actors = yield* Actors
  const journal = yield* Journal
  const projector = yield* Effect.serviceOption(Projector)
  const outbox = yield* Effect.serviceOption(Outbox)
  const { laneStallMaxMs, inboxAgeMaxMs, projectionLagMaxMs, outboxStillMaxMs } = yield* HealthBounds
  const now = Effect.map(Clock.Clock, (clock) => clock.currentTimeMillisUnsafe())

  const shards = Effect.sync((): Verdict => {
    const { committer } = actors.statistics()
    const { shards: held, shardsLost } = committer
    const observed = { held, lost: shardsLost }
    return held === 0 && shardsLost > 0
      ? { status: "fail", reason: "another runner has taken over the shards of this one; restart it", observed }
      : pass(`${held} shards are held`, observed)
  })
  const lane = Effect.map(now, (at): Verdict => {
    const { stalledSince, waiting } = actors.statistics().committer
    const stalledMs = stalledSince === undefined ? 0 : at - stalledSince
    const observed = { stalled_ms: stalledMs, units_waiting: waiting }
    return stalledMs > laneStallMaxMs
      ? {
          status: "fail",
          reason: `the commit under way has taken ${stalledMs} ms; ${waiting} units wait for it`,
          observed
        }
      : pass("commits go through", observed)
  })
  const gate = yield* CurrentGate
  const load = Effect.sync((): Verdict => {
    const at = performance.now()
    const { since, writesSince } = gate.shedding
    const observed = {
      requests_under_way: gate.statistics.underWay,
      shedding_ms: since === undefined ? 0 : Math.round(at - since),
      shedding_writes_ms: writesSince === undefined ? 0 : Math.round(at - writesSince)
    }
    if (observed.shedding_writes_ms > sheddingMaxMs) {
      const reason = `more is asked than can be done: writes have been turned away for ${observed.shedding_writes_ms} ms`
      return { status: "fail", reason, observed }
    }
    return since === undefined
      ? pass("everybody is let in", observed)
      : { status: "warn", reason: `some are turned away, for ${observed.shedding_ms} ms by now`, observed }
  })
  const inbox = Effect.gen(function* () {
    const at = yield* now
    const { due, parked, oldestDueAt } = yield* Effect.mapError(journal.backlog(at), () => "the journal cannot be read")
    const ageMs = oldestDueAt === undefined ? 0 : Math.max(0, at - oldestDueAt)
    const observed = { due, parked, oldest_due_ms: ageMs }
    if (ageMs > inboxAgeMaxMs) {
      return {
        status: "fail" as const,
        reason: `the oldest undone work has been due for ${ageMs} ms; ${due} are due`,
        observed
      }
    }
    return parked > 0
      ? {
          status: "warn" as const,
          reason: `${parked} messages are parked: their turns threw, and an operator has to look`,
          observed
        }
      : pass("work is done as it comes due", observed)
  })
  const projections = (service: Projector["Service"]) =>
    Effect.map(
      Effect.mapError(service.status, () => "the views cannot be read"),
      (all): Verdict => {
        const observed = Object.fromEntries(all.map(({ projection, lagMs }) => [`${projection}_lag_ms`, lagMs]))
        const wrong = all.flatMap(({ projection, state, reason, lagMs, lagEvents }) => {
          if (state === "STOPPED")
            return [`${projection} has stopped (${reason ?? "no reason"}), ${lagEvents} events behind for ${lagMs} ms`]
          // It says itself that it is not ready, and everything else is.
          if (state === "FILLING") return []
          return lagMs > projectionLagMaxMs
            ? [`${projection} is ${lagEvents} events behind, the oldest for ${lagMs} ms`]
            : []
        })
        if (wrong.length > 0) return { status: "fail", reason: wrong.join("; "), observed }
        const filling = all.find(({ state, lagMs }) => state === "FILLING" && lagMs > projectionLagMaxMs)
        if (filling === undefined) return pass("the views follow", observed)
        const reason = `${filling.projection} is being filled: ${filling.lagEvents} events to go`
        return { status: "warn", reason, observed }
      }
    )

  const queues = (service: Outbox["Service"]) =>
    Effect.map(
      Effect.mapError(service.movement, () => "the outbox cannot be read"),
      (all): Verdict => {
        const observed = Object.fromEntries(
          all.flatMap(({ queue, lagMs, stillMs }) => [
            [`${queue}_oldest_due_ms`, lagMs],
            [`${queue}_still_ms`, stillMs]
          ])
        )
        const still = all.filter(({ stillMs }) => stillMs > outboxStillMaxMs)
        if (still.length === 0) return pass("the queues move", observed)
        const reason = still
          .map(({ queue, lagMs, stillMs }) => {
            return `the ${queue} queue has stood still for ${stillMs} ms; its oldest task has been due for ${lagMs} ms`
          })
          .join("; ")
        return { status: "fail", reason, observed }
      }
    )

  return [
    {
      name: "database",
      check: Effect.mapBoth(journal.hasBatch(noBatch), {
        onFailure: () => "the database does not answer",
        onSuccess: () => pass("the database answers")
      })
    },
    { name: "shards", check: shards },
    { name: "lane", check: lane },
    { name: "load", check: load },
    { name: "inbox", check: inbox },
    ...(projector._tag === "Some" ? [{ name: "projections", check: projections(projector.value) }] : []),
    ...(outbox._tag === "Some" ? [{ name: "outbox", check: queues(outbox.value) }] : []),
    ...(yield* FurtherProbes)
  ] satisfies ReadonlyArray<Probe>
})

/** No batch has this id: asking for it is a question that is always answered the same. */
const noBatch = "00000000-0000-0000-0000-000000000000"

/** Says of what fails since when it does, as far as anybody has looked. */
const checked =
  (failingSince: Map<string, number>, answerWithinMs: number) =>
  ({ name, check }: Probe): Effect.Effect<Check> =>
    check.pipe(
      Effect.timeoutOrElse({
        duration: answerWithinMs,
        orElse: () => Effect.fail(`no answer within ${answerWithinMs} ms`)
      }),
      Effect.catch((reason) => Effect.succeed<Verdict>({ status: "fail", reason })),
      Effect.catchDefect(() => Effect.succeed<Verdict>({ status: "fail", reason: "the check itself failed" })),
      Effect.zipWith(Clock.currentTimeMillis, (verdict, at): Check => {
        if (verdict.status !== "fail") {
          failingSince.delete(name)
          return { name, ...verdict }
        }
        const since = failingSince.get(name) ?? at
        failingSince.set(name, since)
        return { name, ...verdict, observed: { ...verdict.observed, failing_ms: at - since } }
      })
    )

/** Looks at everything at once. */
export const make = Effect.gen(function* () {
  const probes = yield* probesOf
  const { answerWithinMs, keptMs } = yield* HealthBounds
  const look = checked(new Map(), answerWithinMs)
  return yield* Effect.cachedWithTTL(Effect.forEach(probes, look, { concurrency: "unbounded" }), keptMs)
})
