/**
 * A business with a segment, a template and contacts, and runners of plans that can be killed, over a real database and by a
 * clock that is set by hand.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import type { Plan, PlanSchedule } from "#domain/communication/Plan.ts"
import type { Template } from "#domain/communication/Template.ts"
import { Actors, type Ask } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import { anniversaries } from "#runtime/communication/Anniversaries.ts"
import * as PlanRunner from "#runtime/communication/PlanRunner.ts"
import { planSends } from "#runtime/communication/PlanSends.ts"
import { Recipients } from "#runtime/communication/Recipients.ts"
import type { Projector } from "#runtime/projection/Projector.ts"
import { eventually } from "../support/Eventually.ts"
import * as ReadSide from "./ReadSide.ts"
import { contactId, openBusiness } from "./SampleCommands.ts"

export const uuid = (family: string, number: number): string =>
  `${family}-0000-4000-8000-${String(number).padStart(12, "0")}`
const segmentId = uuid("5e000000", 1)
const templateId = uuid("7e000000", 1)
export const day = (text: string): number => Date.parse(text)
const projections = [anniversaries, planSends]

/** The time is what it was set to; whoever would look again in a second does so in a moment. Timeouts stay. */
const pollMs = 1_000
const momentMs = 20
const real = Clock.Clock.defaultValue()
let time = 0
const hand = Object.assign(Object.create(real) as Clock.Clock, {
  currentTimeMillisUnsafe: () => time,
  currentTimeMillis: Effect.sync(() => time),
  sleep: (duration: Duration.Duration) => {
    const millis = Duration.toMillis(duration)
    return real.sleep(millis > pollMs ? duration : Duration.millis(Math.min(momentMs, millis)))
  }
})
export const setTime = (at: number): Effect.Effect<void> =>
  Effect.sync(() => {
    time = at
  })

export const everything = Definitions.layer.pipe(
  Layer.provideMerge(ReadSide.writeSide),
  Layer.provide(Layer.succeed(Clock.Clock, hand))
)

const templateBody: Template = {
  channel: "EMAIL",
  purpose: "MARKETING",
  defaultLanguage: "en",
  variants: { en: { subject: "Hello", text: "Dear #FIRST_NAME#" } },
  missing: { policy: "REJECT" },
  events: []
}
let businesses = 0

/** A business of its own, with a segment and a template, and as many contacts as a test names. */
export const shop = Effect.fnUntraced(function* (people: ReadonlyArray<object>, at: number) {
  yield* setTime(at)
  businesses += 1
  const first = businesses * 600
  const business = uuid("b0000000", first)
  const actors = yield* Actors
  yield* actors.ask(openBusiness(business))
  const command = (command: Ask["command"]) => actors.ask({ business, key: business, command })
  const always = { type: "EXISTENCE", field: "first_name", exists: true } as const
  const body = { sets: [{ conditions: [always] }], refresh: { mode: "NEVER" as const } }
  yield* command({ _tag: "SaveSegment", id: segmentId, name: "Everybody", body })
  yield* command({ _tag: "SaveTemplate", id: templateId, name: "Hello", body: templateBody })
  const contacts = people.map((_, index) => contactId(first + index))
  for (const [index, given] of people.entries()) {
    const { key, command: registration } = ReadSide.person(first + index, {}, business)
    if (registration._tag !== "RegisterContact") throw new Error("a person registers")
    const profile = { ...registration.profile, ...given }
    yield* actors.ask({ business, key, command: { ...registration, profile } })
  }
  const plan = (schedule: PlanSchedule, more: Partial<Plan> = {}, id = uuid("91000000", 1)) =>
    command({
      _tag: "SavePlan",
      id,
      name: `Plan ${id}`,
      body: { templateId, segmentIds: [segmentId], schedule, window: {}, override: false, priority: 0, ...more }
    })
  yield* join(business, contacts)
  return { business, contacts, command, plan, templateBody }
})

export const join = Effect.fnUntraced(function* (business: string, contacts: ReadonlyArray<string>) {
  const sql = yield* SqlClient
  for (const contact of contacts) {
    yield* sql.unsafe("INSERT INTO segment_member VALUES ($1::uuid, $2::uuid, $3::uuid, true, false, 0)", [
      business,
      contact,
      segmentId
    ])
  }
})

/** A runner of plans that is gone when its scope closes, over these actors. */
const runnerOver = (actors: Actors["Service"], scope: Scope.Scope, projector: Projector["Service"]) =>
  Layer.buildWithScope(
    Layer.fresh(PlanRunner.layer).pipe(
      Layer.provide(
        Layer.succeed(Recipients, { areSettled: () => Effect.as(projector.waitFor(anniversaries.name), true) })
      )
    ),
    scope
  ).pipe(
    Effect.provideService(Actors, actors),
    Effect.provideService(Clock.Clock, hand),
    Effect.map((context) => Context.get(context, PlanRunner.PlanRunner))
  )

interface Sent {
  readonly key: string
  readonly count: bigint
}

/** Messages asked for of each contact of a business. */
export const sentOf = (business: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql.unsafe<Sent>(
        "SELECT key, count(*) AS count FROM event WHERE business = $1::uuid AND type = 'CommunicationRequested' GROUP BY key",
        [business]
      ),
      (rows) => new Map(rows.map(({ key, count }) => [key, Number(count)]))
    )
  )
export const runsOf = (business: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    sql.unsafe<{
      id: string
      key: string
      state: string
      recipients: bigint
      requested: bigint
      refused: bigint
      due_at: bigint
    }>(
      "SELECT id, key, state, recipients, requested, refused, due_at FROM plan_run WHERE business = $1::uuid ORDER BY due_at, key",
      [business]
    )
  )

/** Waits until something is so. */
export const until = <A, E, R>(look: Effect.Effect<A | undefined | false, E, R>) =>
  eventually("what the plan is to have done", look)
export const states = (business: string) =>
  Effect.map(runsOf(business), (runs) => runs.map(({ state }) => state).join())
export const untilStates = (business: string, expected: string) =>
  eventually(
    `the runs are ${expected}`,
    Effect.map(states(business), (found) => found === expected)
  )

/** By this clock a second is over in a moment. */
export const caughtUp = (projector: Projector["Service"], { name }: { readonly name: string }) =>
  until(
    Effect.match(projector.waitFor(name), {
      onSuccess: () => true,
      onFailure: () => false
    })
  )

interface Runner {
  readonly kill: Effect.Effect<void>
  /** Of a plan of the business, as its definitions have it. */
  readonly makeUp: (business: string, plan: string, run: string) => Effect.Effect<string | undefined, unknown, Services>
  /** Everything that is due at the time that it is now has been looked at. */
  readonly looked: Effect.Effect<void>
}

/** With a projector, and runners of plans that can be killed. */
export const working = <A, E, R>(
  use: (
    runner: (actors?: Actors["Service"]) => Effect.Effect<Runner, never, Services>,
    projector: Projector["Service"]
  ) => Effect.Effect<A, E, R>
) =>
  ReadSide.withProjector(
    (projector) =>
      Effect.scoped(
        Effect.gen(function* () {
          const outer = yield* Effect.scope
          const actors = yield* Actors
          const runner = Effect.fnUntraced(function* (over = actors) {
            const scope = yield* Scope.make()
            yield* Scope.addFinalizer(outer, Scope.close(scope, Exit.void))
            const { looks, makeUp } = yield* runnerOver(over, scope, projector)
            const looked = Effect.suspend(() => {
              const before = looks()
              return Effect.asVoid(until(Effect.sync(() => looks() > before + 1)))
            })
            return {
              kill: Scope.close(scope, Exit.void),
              makeUp: Effect.fnUntraced(function* (business: string, plan: string, run: string) {
                const plans = yield* (yield* Definitions.Definitions).of(business, "plans")
                const found = plans[plan]
                return found && (yield* makeUp(business, found, run))
              }),
              looked
            }
          })
          return yield* use(runner, projector)
        })
      ),
    projections
  ).pipe(Effect.provideService(Clock.Clock, hand))
type Services = SqlClient | Definitions.Definitions
