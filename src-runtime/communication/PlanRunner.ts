/**
 * Does the runs of plans, each on the runner that holds its business. When an occurrence is due it is written down; its
 * recipients are fixed in the transaction that starts it; then they are asked for their message in batches, each under an
 * id made of plan, run and contact, and the place is moved after the whole batch is durable. So a crash repeats a batch at
 * most, and a repetition changes nothing: nobody gets two (AUT-12). What is sent, and whether, is judged elsewhere.
 *
 * Bounds: one batch of 200 at a time for a business, four businesses at once, 500 messages a second. What was due more
 * than six hours ago is missed, and said to be; it is made up for when somebody asks for it.
 */
import { isLocal, latestOccurrence, localOccurrence, type Occurrence } from "#domain/communication/Occurrence.ts"
import type { Plan } from "#domain/communication/Plan.ts"
import { purposeOf } from "#domain/communication/SendPurpose.ts"
import type { Template } from "#domain/communication/Template.ts"
import type { Purpose } from "#domain/contact/Communication.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import type { Refusal } from "#domain/Refusal.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Schema from "effect/Schema"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import { allShards, shardOf } from "../actor/Placement.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import * as Backoff from "../outbox/Backoff.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import { planRunMs } from "../storage/Retention.ts"
import * as PlanRuns from "./PlanRuns.ts"
import { type PlanRun, runIdOf } from "./PlanRuns.ts"
import { Recipients } from "./Recipients.ts"

/** Recipients who are asked before the place is moved. */
const batchMax = 200
/** Actors that are asked at once. */
const askedAtOnceMax = 32
const businessesAtOnceMax = 4
const messagesPerSecondMax = 500
const openRunsMax = 200
/** How often plans are looked at. */
const intervalMs = 1_000
/** What was due longer ago is not begun. */
const latenessMaxMs = 6 * 60 * 60 * 1_000
/** Whose turn has failed so many times running is passed over: after about five minutes. */
const triesMax = 10
/** A batch that could not be finished waits, and longer each time. */
const tryAgain: Backoff.Backoff = { firstMs: 1_000, mostMs: 60_000 }

/** Why a plan is not run: nothing was stored. */
export class PlanNotRun extends Schema.TaggedError<PlanNotRun>()("PlanNotRun", { why: Schema.String }) {}

export class PlanRunner extends Context.Service<
  PlanRunner,
  {
    /** A run of its own, now, whatever the schedule says, but within the window; the same `name` is the same run. Answers its id. */
    readonly sendNow: (
      business: string,
      plan: Definition<Plan>,
      template: Definition<Template>,
      name: string
    ) => Effect.Effect<string, ViewUnavailable | PlanNotRun>
    /** Begins a run that was missed; one that has begun stays as it is. Answers its id, where there is one. */
    readonly makeUp: (
      business: string,
      plan: Definition<Plan>,
      run: string
    ) => Effect.Effect<string | undefined, ViewUnavailable | PlanNotRun>
    /** How often it has looked at everything that may be due. */
    readonly looks: () => number
  }
>()("koinon/runtime/PlanRunner") {}

/** When the schedule and the state that are in force began to be: nothing of before is made up for. */
const sinceOf = ({ body, savedAt, stateSince, earlier }: Definition<Plan>): number => {
  const others = earlier.findIndex((version) => !Equal.equals(version.body.schedule, body.schedule))
  const same = others < 0 ? earlier : earlier.slice(0, others)
  return Math.max(same.at(-1)?.savedAt ?? savedAt, stateSince)
}

const isInside = ({ from, until }: Plan["window"], at: number): boolean =>
  (from === undefined || at >= from) && (until === undefined || at < until)

const occurrencesOf = (
  plan: Definition<Plan>,
  zones: ReadonlyArray<string>,
  now: number
): ReadonlyArray<Occurrence> => {
  const { schedule, window } = plan.body
  const latest = isLocal(schedule)
    ? zones.map((zone) => localOccurrence(schedule, zone, now))
    : [latestOccurrence(schedule, now)]
  const since = sinceOf(plan)
  return latest.flatMap((each) => (each !== undefined && each.at >= since && isInside(window, each.at) ? [each] : []))
}

/** One message to one contact in one run, or in one series of runs, however often it is asked for. */
const communicationIdOf = ({ business, plan, series }: PlanRun, contact: string): string =>
  nameUuid("plan-message", business, plan, series, contact)

/** That her turn fails is about her; everything else passes, however long it takes. */
const outcomeOf = (refusal: Refusal | RuntimeRefusal): "REFUSED" | "FAILED" | "NOT_ASKED" | "UNDER_WAY" => {
  if (!isRuntimeRefusal(refusal)) return "REFUSED"
  // The runner that held the business before asked her a moment ago.
  if (refusal._tag === "StillRunning") return "UNDER_WAY"
  return refusal._tag === "TurnFailed" ? "FAILED" : "NOT_ASKED"
}

const isRuntimeRefusal = (refusal: Refusal | RuntimeRefusal): refusal is RuntimeRefusal =>
  ["MailboxFull", "ShardMoved", "ActorUnavailable", "TurnFailed", "DeadlinePassed", "StillRunning"].includes(
    refusal._tag
  )

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const definitions = yield* Definitions
  const recipients = yield* Recipients
  const runs = PlanRuns.make(sql)
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const wake = yield* Latch.make(true)
  /** Businesses with plans. */
  const owners = new Set<string>()
  let ownersAreKnown = false
  /** Ids of the runs that are known to be written down. */
  const known = new Set<string>()
  const knownMax = 100_000
  /** By run: how often its next batch could not be finished. */
  const tries = new Map<string, number>()
  /** Runs whose next batch is not tried again yet. */
  const resting = new Set<string>()
  const scope = yield* Effect.scope
  let looks = 0

  const templateOf = Effect.fnUntraced(function* (business: string, plan: Plan) {
    const templates = yield* definitions.of(business, "templates")
    return templates[plan.templateId]?.body
  })

  const writeDown = Effect.fnUntraced(function* (
    business: string,
    plan: Definition<Plan>,
    occurrences: ReadonlyArray<Occurrence>
  ) {
    const { id, name, version, body } = plan
    for (const occurrence of occurrences) {
      const run = runIdOf(business, id, occurrence.key)
      // A run so long ago has been forgotten, and is not to be written down as missed.
      if (known.has(run) || now() - occurrence.at >= planRunMs) continue
      const template = yield* templateOf(business, body)
      if (template === undefined) continue
      const state = now() - occurrence.at > latenessMaxMs ? "MISSED" : "WAITING"
      const { channel } = template
      const purpose = purposeOf(body, template)
      yield* runs.add({ business, plan: id, name, version, body, channel, purpose, occurrence, state })
      if (known.size >= knownMax) known.clear()
      known.add(run)
    }
  })

  const lookAtPlans = Effect.fnUntraced(function* (business: string) {
    const plans = Object.values(yield* definitions.of(business, "plans"))
    const active = plans.filter(({ state }) => state === "ACTIVE")
    const zones = active.some(({ body }) => isLocal(body.schedule)) ? yield* runs.zones(business, now()) : []
    for (const plan of active) yield* writeDown(business, plan, occurrencesOf(plan, zones, now()))
  })

  const request = (
    run: PlanRun,
    purpose: Purpose,
    contact: string
  ): Effect.Effect<"REQUESTED" | ReturnType<typeof outcomeOf>> => {
    const communicationId = communicationIdOf(run, contact)
    return actors
      .ask({
        business: run.business,
        key: contact,
        id: nameUuid("request", communicationId),
        repeated: tries.has(run.id),
        command: {
          _tag: "RequestCommunication",
          communicationId,
          channel: run.channel,
          purpose,
          name: run.name,
          templateId: run.template,
          planId: run.plan,
          planRun: run.key,
          cause: { runId: run.id, chain: [] }
        }
      })
      .pipe(
        Effect.match({
          onSuccess: () => "REQUESTED" as const,
          onFailure: outcomeOf
        })
      )
  }

  const rest = (run: string, pauseMs: number) => {
    resting.add(run)
    const rested = Effect.sync(() => {
      resting.delete(run)
      wake.openUnsafe()
    })
    return Effect.forkIn(Effect.delay(rested, pauseMs), scope)
  }

  /** The next batch; says whether anything moved. */
  const send = Effect.fnUntraced(function* (run: PlanRun, plan: Plan) {
    const batch = yield* runs.batch(run, batchMax)
    // The run may have been written down when a plan was let be more than it is now.
    const purpose = purposeOf(plan, run)
    const results = yield* Effect.forEach(batch, ({ contact }) => request(run, purpose, contact), {
      concurrency: askedAtOnceMax
    })
    const tried = (tries.get(run.id) ?? 0) + 1
    if (results.includes("NOT_ASKED") || (results.includes("FAILED") && tried < triesMax)) {
      tries.set(run.id, tried)
      yield* rest(run.id, Backoff.ceilingMs(tried, tryAgain))
      return 0
    }
    if (results.includes("UNDER_WAY")) {
      yield* rest(run.id, tryAgain.firstMs)
      return 0
    }
    const requested = results.filter((result) => result === "REQUESTED").length
    const to = batch.at(-1)?.position ?? run.recipients
    const isMine = yield* runs.advance(run, to, { requested, refused: results.length - requested }, now())
    tries.delete(run.id)
    return isMine ? results.length : 0
  })

  /** The plan, unless it was switched off or deleted: its runs are over then. */
  const activePlan = Effect.fnUntraced(function* (run: PlanRun) {
    const remembered = (yield* definitions.of(run.business, "plans"))[run.plan]
    if (remembered?.state === "ACTIVE") return remembered.body
    const plan = (yield* definitions.confirmed([run.business], "plans")).get(run.business)?.[run.plan]
    return plan?.state === "ACTIVE" ? plan.body : undefined
  })

  /** One step of a run; says how many were asked, and `undefined` where it has to wait and need not hold up another. */
  const step = Effect.fnUntraced(function* (run: PlanRun) {
    if (!actors.holds(shardOf(run.business))) return 0
    const plan = yield* activePlan(run)
    if (plan === undefined) {
      yield* runs.cancel(run.id, now())
      return 0
    }
    if (resting.has(run.id)) return undefined
    if (run.state === "SENDING") return yield* send(run, plan)
    if (now() - run.dueAt > latenessMaxMs) {
      yield* runs.miss(run.id)
      return 0
    }
    if (!(yield* recipients.areSettled(run.business, run.segments))) return undefined
    const started = yield* runs.start(run.id, now())
    return started?.state === "SENDING" ? yield* send(started, plan) : 0
  })

  const unlessUnavailable = <A, E>(what: string, work: Effect.Effect<A, E>, otherwise: A): Effect.Effect<A> =>
    Effect.catchCause(work, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.as(Effect.logWarning(`${what} waits`, reasonOf(Cause.squash(cause))), otherwise)
    )

  /** The first of its runs that need not wait; one that cannot be looked at holds up the others no more than that. */
  const stepFirst = Effect.fnUntraced(function* (ofBusiness: ReadonlyArray<PlanRun>) {
    for (const run of ofBusiness) {
      const asked = yield* unlessUnavailable("a run of a plan", step(run), undefined)
      if (asked !== undefined) return asked
    }
    return 0
  })

  /** One step of each business, so that one business's plans do not wait for another's. */
  const pass = Effect.fnUntraced(function* () {
    const shards = allShards.filter(actors.holds)
    const open = yield* runs.open(shards, openRunsMax)
    const byBusiness = Map.groupBy(open, ({ business }) => business)
    const asked = yield* Effect.forEach(byBusiness.values(), stepFirst, { concurrency: businessesAtOnceMax })
    return { asked: asked.reduce((total, each) => total + each, 0), isMore: open.length > 0 }
  })

  const look = Effect.fnUntraced(function* () {
    if (!ownersAreKnown) {
      for (const owner of yield* runs.owners) owners.add(owner)
      ownersAreKnown = true
    }
    for (const business of owners) {
      if (actors.holds(shardOf(business))) {
        yield* unlessUnavailable("a business's plans", lookAtPlans(business), undefined)
      }
    }
    return yield* pass()
  })

  const lookAndWait = Effect.fnUntraced(function* () {
    const startedAt = now()
    yield* wake.close
    const { asked } = yield* unlessUnavailable("the runner of plans", look(), { asked: 0, isMore: false })
    looks += 1
    const pauseMs = (asked * 1_000) / messagesPerSecondMax - (now() - startedAt)
    if (asked > 0) return yield* Effect.sleep(Math.max(1, pauseMs))
    yield* Effect.raceFirst(Effect.sleep(intervalMs), wake.await)
  })

  yield* Effect.acquireRelease(
    Effect.sync(() => [
      actors.onCommitted((turn) => {
        if (turn.key !== turn.business) return
        if (!turn.events.some(({ event }) => event._tag === "PlanSaved" || event._tag === "PlanStateChanged")) return
        owners.add(turn.business)
        wake.openUnsafe()
      }),
      // A business whose first plan was made elsewhere may have come with its shard.
      actors.onHeld(() => {
        ownersAreKnown = false
      })
    ]),
    (unsubscribe) => Effect.sync(() => unsubscribe.forEach((leave) => leave()))
  )
  yield* Effect.forkScoped(Effect.forever(lookAndWait()))

  const view = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, ViewUnavailable> =>
    Effect.mapError(effect, (cause) => new ViewUnavailable({ view: "plan_run", cause }))

  /** What holds for every run, whoever asks for it. */
  const objectionTo = ({ state, body }: Definition<Plan>): string | undefined => {
    if (state !== "ACTIVE") return "It is switched off."
    return isInside(body.window, now()) ? undefined : "No run begins outside of its window."
  }

  return PlanRunner.of({
    sendNow: Effect.fn("PlanRunner.sendNow")(function* (business, plan, template, name) {
      const { id, version, body } = plan
      const occurrence: Occurrence = { key: `now ${name}`, at: now() }
      const runId = runIdOf(business, id, occurrence.key)
      if ((yield* view(runs.one(business, id, runId))) !== undefined) return runId
      const why =
        objectionTo(plan) ??
        (isLocal(body.schedule)
          ? "Its day is another for each contact; a run that was missed can be run."
          : undefined) ??
        (template.state === "ACTIVE" ? undefined : "Its template is switched off.")
      if (why !== undefined) return yield* new PlanNotRun({ why })
      const run = { business, plan: id, name: plan.name, version, body, occurrence, state: "WAITING" as const }
      const { channel } = template.body
      yield* view(runs.add({ ...run, channel, purpose: purposeOf(body, template.body) }))
      wake.openUnsafe()
      return runId
    }),
    makeUp: Effect.fn("PlanRunner.makeUp")(function* (business, plan, id) {
      const run = yield* view(runs.one(business, plan.id, id))
      if (run === undefined) return undefined
      if (run.state === "CANCELLED") return yield* new PlanNotRun({ why: "It was cancelled." })
      if (run.state !== "MISSED") return id
      const why = objectionTo(plan)
      if (why !== undefined) return yield* new PlanNotRun({ why })
      yield* view(runs.makeUp(run, now()))
      wake.openUnsafe()
      return id
    }),
    looks: () => looks
  })
})

export const layer: Layer.Layer<PlanRunner, never, SqlClient | Actors | Definitions | Recipients> = Layer.effect(
  PlanRunner,
  make
)
