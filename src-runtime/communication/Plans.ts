/** Plans for those who look at them: their runs with what became of each message, and what a run would do now. */
import { isLocal } from "#domain/communication/Occurrence.ts"
import type { Plan } from "#domain/communication/Plan.ts"
import { purposeOf } from "#domain/communication/SendPurpose.ts"
import type { Template } from "#domain/communication/Template.ts"
import type { RejectionReason } from "#domain/contact/Communication.ts"
import { authorizeSend } from "#domain/contact/Sending.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Actors } from "../actor/Actors.ts"
import { nameUuid } from "../actor/Naming.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { Projector } from "../projection/Projector.ts"
import { type CursorInvalid, ProjectionBehind, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { liveSegmentsName } from "../segment/LiveSegments.ts"
import * as PlanRuns from "./PlanRuns.ts"
import type { PlanRun, SendCounts } from "./PlanRuns.ts"
import { planSends } from "./PlanSends.ts"
import { type Asked, prepare } from "./Preparing.ts"
import { Recipients } from "./Recipients.ts"

/** Recipients who are judged one by one in a dry run. */
const judgedMax = 1_000
const readAtOnceMax = 16
/** Two seconds for a segment to be computed. */
const looksMax = 40
const lookIntervalMs = 50

type Unread = ProjectionBehind | ViewUnavailable

export interface DryRun {
  readonly recipients: number
  /** Of them, how many were looked at; the counts below are of these. */
  readonly judged: number
  readonly sendable: number
  /** They would have to wait for the end of the quiet hours. */
  readonly waiting: number
  readonly rejected: Readonly<Partial<Record<RejectionReason, number>>>
}

export class Plans extends Context.Service<
  Plans,
  {
    readonly runs: (
      business: string,
      plan: string,
      page: PageRequest
    ) => Effect.Effect<Page<PlanRun>, CursorInvalid | Unread>
    /** Whatever was committed before is counted. */
    readonly run: (
      business: string,
      plan: string,
      id: string
    ) => Effect.Effect<{ readonly run: PlanRun; readonly sends: SendCounts } | undefined, Unread>
    /** Of the day that it is now, for birthdays and name days. Nothing is stored, and nobody is asked for anything. */
    readonly dryRun: (
      business: Business,
      plan: Plan,
      template: Definition<Template>,
      out: Pick<Asked, "address" | "links">
    ) => Effect.Effect<DryRun, Unread | RuntimeRefusal>
  }
>()("koinon/runtime/Plans") {}

/** A message that nobody is sent. */
const communicationId = nameUuid("dry run")

interface Case extends Pick<Asked, "business" | "template" | "contact" | "community" | "at" | "address" | "links"> {
  readonly plan: Plan
}

/** What would become of a message now: judged and made ready as a send is; `WAIT` for the end of quiet hours. */
const verdictOf = ({ plan, ...made }: Case): RejectionReason | "GO" | "WAIT" => {
  const { business, template, contact, at } = made
  const { channel } = template
  const purpose = purposeOf(plan, template)
  const pending = { id: communicationId, channel, purpose, authorized: false }
  const command = { _tag: "AuthorizeSend" as const, communicationId: pending.id }
  const turn = { at, key: contact.id, commandId: pending.id, business }
  const judgement = authorizeSend({ ...contact, communications: [pending] }, command, turn)
  if (Result.isFailure(judgement)) return "GAVE_UP"
  const { events, answer } = judgement.success
  for (const event of events) if (event._tag === "CommunicationRejected") return event.reason
  const task = { communicationId, channel, purpose, name: "", templateId: plan.templateId, at }
  const prepared = prepare({ ...made, task, sender: undefined })
  if (prepared._tag === "Impossible") return prepared.reason
  return answer?._tag === "SendJudged" && answer.verdict === "WAIT" ? "WAIT" : "GO"
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const projector = yield* Projector
  const recipients = yield* Recipients
  const runs = PlanRuns.make(sql)
  const clock = yield* Clock.Clock

  const view = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, ViewUnavailable> =>
    Effect.mapError(effect, (cause) => new ViewUnavailable({ view: "plan_run", cause }))

  /** Waits a while for segments that are being computed. */
  const settled = Effect.fnUntraced(function* (business: string, segments: ReadonlyArray<string>) {
    for (let look = 0; look < looksMax; look++) {
      if (yield* recipients.areSettled(business, segments)) return
      yield* Effect.sleep(lookIntervalMs)
    }
    return yield* new ProjectionBehind({ projection: liveSegmentsName, lagEvents: 0, reason: "a segment is computed" })
  })

  /** Who it would be for, over all zones. */
  const chosenOf = Effect.fnUntraced(function* (
    business: string,
    { schedule, segmentIds: segments }: Plan,
    at: number
  ) {
    const about = { business, plan: null, series: "", dueAt: at, segments }
    if (!isLocal(schedule)) {
      const everybody = { ...about, occasion: null, day: null, timeZone: null }
      return yield* view(runs.chosen(everybody, judgedMax))
    }
    const contacts: Array<string> = []
    let total = 0
    for (const timeZone of yield* view(runs.zones(business, at))) {
      const day = dayNumber(at, timeZone)
      const here = { ...about, occasion: schedule.type, day, timeZone }
      const found = yield* view(runs.chosen(here, judgedMax))
      total += found.total
      contacts.push(...found.contacts)
    }
    return { total, contacts: contacts.slice(0, judgedMax) }
  })

  return Plans.of({
    runs: (business, plan, page) => PlanRuns.listRuns(sql, business, plan, page),
    run: Effect.fn("Plans.run")(function* (business, plan, id) {
      yield* projector.waitFor(planSends.name)
      const run = yield* view(runs.one(business, plan, id))
      if (run === undefined) return undefined
      return { run, sends: yield* view(runs.counts(run)) }
    }),
    dryRun: Effect.fn("Plans.dryRun")(function* (business, plan, template, out) {
      const at = clock.currentTimeMillisUnsafe()
      yield* settled(business.id, plan.segmentIds)
      const { total, contacts } = yield* chosenOf(business.id, plan, at)
      const verdicts = yield* Effect.forEach(
        contacts,
        (id) =>
          Effect.map(actors.readOwner(business.id, id), ({ contact, community }) =>
            template.state === "ACTIVE"
              ? verdictOf({
                  business,
                  plan,
                  template: template.body,
                  contact: contact.state,
                  community: community.state,
                  at,
                  ...out
                })
              : "TEMPLATE_INACTIVE"
          ),
        { concurrency: readAtOnceMax }
      )
      const counted: Partial<Record<RejectionReason | "GO" | "WAIT", number>> = {}
      for (const verdict of verdicts) counted[verdict] = (counted[verdict] ?? 0) + 1
      const { GO: sendable = 0, WAIT: waiting = 0, ...rejected } = counted
      return { recipients: total, judged: verdicts.length, sendable, waiting, rejected }
    })
  })
})

export const layer: Layer.Layer<Plans, never, SqlClient | Actors | Projector | Recipients> = Layer.effect(Plans, make)
