/** The state of the installation: the runtime's own figures, over all runners. */
import { Gateways } from "#runtime/communication/Channel.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Presence, type Runners } from "#runtime/cluster/Presence.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { type Asked, liveRebuilds, Rebuilds, type Told } from "#runtime/projection/Rebuilds.ts"
import { SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { fault, forbidden } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { present } from "../resource/Fields.ts"
import { getStatus, rebuildView } from "./StatusApi.ts"

const setUp = Effect.gen(function* () {
  const { kind } = yield* SegmentDatabase
  const { mail, sms, push } = yield* Gateways
  const takes = (platform: "BROWSER" | "MOBILE") => push?.takes({ platform, token: "" }) === true
  const provider = (isThere: boolean) => (isThere ? ("PROVIDER" as const) : ("OUTBOX" as const))
  return {
    segments: kind,
    mail: mail === undefined ? ("OUTBOX" as const) : ("SMTP" as const),
    sms: sms?.kind ?? ("OUTBOX" as const),
    push_browsers: provider(takes("BROWSER")),
    push_apps: provider(takes("MOBILE"))
  }
})

const notReadable = fault(
  503,
  "KOINON.STATUS_UNKNOWN",
  "The state cannot be read",
  "The database does not answer; /health/ready says what this runner knows.",
  { retryAfterSeconds: 1 }
)

const ownerOnly = (principal: Principal, what: string) =>
  principal.apiKey?.serviceOwner === true ? Effect.void : Effect.fail(forbidden(what))

/** Of those that are there: who is silent may never come back. */
const rebuildOf = ({ view, number, askedAt }: Asked, runners: Runners["runners"], told: ReadonlyArray<Told>) => {
  const each = runners
    .filter(({ isSilent }) => !isSilent)
    .map(({ id }) => {
      const found = told.find((one) => one.view === view && one.runner === id && one.number === number)
      return present({ id, done: found?.isDone === true, lag_events: found?.events })
    })
  const state = each.every(({ done }) => done) ? ("DONE" as const) : ("RUNNING" as const)
  return { number, asked_at: askedAt, state, runners: each }
}

/** The last rebuild of each view that was ever asked for. */
const rebuildsRead = Effect.gen(function* () {
  const { runners } = yield* (yield* Presence).runners
  const rebuilds = yield* Rebuilds
  const asked = yield* rebuilds.all
  const told = yield* rebuilds.told
  return new Map(asked.map((each) => [each.view, rebuildOf(each, runners, told)]))
})

const notFoundOf = (view: string, known: ReadonlyArray<string>) =>
  fault(404, "KOINON.VIEW_UNKNOWN", "No such view", `There is no view ${view}; there are ${known.join(", ")}.`, {
    parameters: { view }
  })
const notWhileServing = (view: string) =>
  fault(
    409,
    "KOINON.VIEW_NOT_REBUILT",
    "Not while the server serves",
    `Only ${liveRebuilds.join(", ")} is read again while the server serves. Stop it and run koinon rebuild ${view}; ` +
      "koinon rebuild --help names the views that this can be done with.",
    { parameters: { view } }
  )

export const statusRoutes = [
  serve(
    getStatus,
    Effect.fnUntraced(function* ({ principal }) {
      yield* ownerOnly(principal, "The state of the installation is for the service owner's key.")
      const presence = yield* Presence
      const journal = yield* Journal
      const outbox = yield* Outbox
      const projector = yield* Projector
      const now = yield* Clock.currentTimeMillis
      const read = Effect.all([
        presence.runners,
        journal.backlog(now),
        outbox.statistics,
        projector.status,
        rebuildsRead
      ])
      const [{ runners, shards, shardsWithoutRunner }, { due, parked, oldestDueAt }, queues, projections, rebuilds] =
        yield* Effect.mapError(read, () => notReadable)
      return {
        body: {
          runners: runners.map((runner) =>
            present({
              id: runner.id,
              address: runner.address,
              version: runner.version,
              started_at: runner.startedAt,
              seen_at: runner.seenAt,
              state: runner.isSilent ? ("SILENT" as const) : ("PRESENT" as const),
              shards: runner.shards,
              resident_groups: runner.residentGroups,
              units_waiting: runner.unitsWaiting,
              commit_under_way_ms: runner.commitUnderWayMs
            })
          ),
          shards: { all: shards, without_runner: shardsWithoutRunner },
          inbox: { due, parked, oldest_due_ms: oldestDueAt === undefined ? 0 : Math.max(0, now - oldestDueAt) },
          set_up: yield* setUp,
          outbox: queues.map(({ queue, waiting, due, dead, lagMs, meter }) => ({
            queue,
            waiting,
            due,
            dead,
            oldest_due_ms: lagMs,
            under_way: meter.underWay
          })),
          projections: projections.map(({ projection, state, reason, lagEvents, lagMs }) =>
            present({
              name: projection,
              state,
              reason,
              lag_events: lagEvents,
              lag_ms: lagMs,
              rebuild: rebuilds.get(projection)
            })
          )
        }
      }
    })
  ),
  serve(
    rebuildView,
    Effect.fnUntraced(function* ({ principal, params: { view = "" } }) {
      yield* ownerOnly(principal, "Views are rebuilt for the service owner's key.")
      if (!liveRebuilds.includes(view)) {
        const known = (yield* Effect.mapError((yield* Projector).status, () => notReadable)).map(
          ({ projection }) => projection
        )
        return yield* Effect.fail(known.includes(view) ? notWhileServing(view) : notFoundOf(view, known))
      }
      const now = yield* Clock.currentTimeMillis
      const rebuilds = yield* Rebuilds
      const asked = Effect.gen(function* () {
        const last = (yield* rebuildsRead).get(view)
        if (last?.state !== "RUNNING") yield* rebuilds.ask(view, last?.number ?? 0, now)
        return (yield* rebuildsRead).get(view)
      })
      const rebuild = yield* Effect.mapError(asked, () => notReadable)
      return rebuild === undefined ? yield* Effect.fail(notReadable) : { body: { view, ...rebuild } }
    })
  )
]
