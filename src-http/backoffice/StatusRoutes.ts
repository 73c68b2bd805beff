/** The state of the installation: the runtime's own figures, over all runners. */
import { Journal } from "#runtime/journal/Journal.ts"
import { Presence } from "#runtime/cluster/Presence.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { fault, forbidden } from "../door/Fault.ts"
import { present } from "../resource/Fields.ts"
import { getStatus } from "./StatusApi.ts"

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
      const projector = yield* Projector
      const now = yield* Clock.currentTimeMillis
      const read = Effect.all([presence.runners, journal.backlog(now), projector.status])
      const [{ runners, shards, shardsWithoutRunner }, { due, parked, oldestDueAt }, projections] =
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
          projections: projections.map(({ projection, state, reason, lagEvents, lagMs }) =>
            present({ name: projection, state, reason, lag_events: lagEvents, lag_ms: lagMs })
          )
        }
      }
    })
  )
]
