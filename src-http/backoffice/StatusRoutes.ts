/** The state of the installation: the runtime's own figures, over all runners. */
import { Gateways } from "#runtime/communication/Channel.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Presence } from "#runtime/cluster/Presence.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { fault, forbidden } from "../door/Fault.ts"
import { present } from "../resource/Fields.ts"
import { getStatus } from "./StatusApi.ts"

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

export const statusRoutes = [
  serve(
    getStatus,
    Effect.fnUntraced(function* ({ principal }) {
      if (principal.apiKey?.serviceOwner !== true) {
        return yield* Effect.fail(forbidden("The state of the installation is for the service owner's key."))
      }
      const presence = yield* Presence
      const journal = yield* Journal
      const outbox = yield* Outbox
      const projector = yield* Projector
      const now = yield* Clock.currentTimeMillis
      const read = Effect.all([presence.runners, journal.backlog(now), outbox.statistics, projector.status])
      const [{ runners, shards, shardsWithoutRunner }, { due, parked, oldestDueAt }, queues, projections] =
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
            present({ name: projection, state, reason, lag_events: lagEvents, lag_ms: lagMs })
          )
        }
      }
    })
  )
]
