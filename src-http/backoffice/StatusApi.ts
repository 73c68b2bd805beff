/** How the installation is doing, for its operators. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { NoFields } from "../door/Validation.ts"

const RunnerStatus = Schema.Struct({
  id: Schema.String,
  /** Where other runners reach it; absent for one that is alone. */
  address: Schema.optionalKey(Schema.String),
  version: Schema.String,
  started_at: Schema.Int,
  seen_at: Schema.Int,
  state: Schema.Literals(["PRESENT", "SILENT"]),
  shards: Schema.Int,
  resident_groups: Schema.Int,
  units_waiting: Schema.Int,
  commit_under_way_ms: Schema.Int
})

/** A view that was asked to be read again while the server serves. */
const Rebuild = Schema.Struct({
  /** Counts the times that it was asked for. */
  number: Schema.Int,
  asked_at: Schema.Int,
  /** DONE: on every runner that is present. While it is RUNNING, whoever needs the view is told to come again. */
  state: Schema.Literals(["RUNNING", "DONE"]),
  runners: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      done: Schema.Boolean,
      /** Still to be read there; absent until it has begun. */
      lag_events: Schema.optionalKey(Schema.Int)
    })
  )
})

export const Status = Schema.Struct({
  runners: Schema.Array(RunnerStatus),
  shards: Schema.Struct({ all: Schema.Int, without_runner: Schema.Int }),
  inbox: Schema.Struct({
    due: Schema.Int,
    parked: Schema.Int,
    /** How long the oldest undone work has been due. */
    oldest_due_ms: Schema.Int
  }),
  /** What the runner that answers is set up with; OUTBOX: what it would send lands in the outbox page; CONSOLE: on its terminal. */
  set_up: Schema.Struct({
    segments: Schema.Literals(["EMBEDDED", "MONGODB"]),
    mail: Schema.Literals(["SMTP", "OUTBOX"]),
    sms: Schema.Literals(["PROVIDER", "CONSOLE", "OUTBOX"]),
    push_browsers: Schema.Literals(["PROVIDER", "OUTBOX"]),
    push_apps: Schema.Literals(["PROVIDER", "OUTBOX"])
  }),
  /** Effects on the world that are still to be had, by queue. */
  outbox: Schema.Array(
    Schema.Struct({
      queue: Schema.Literals(["automation", "webhook", "communication"]),
      /** Up to 100,000 are counted, here and below. */
      waiting: Schema.Int,
      due: Schema.Int,
      /** Given up, until somebody replays or resumes them. */
      dead: Schema.Int,
      /** How long the oldest that is due has been so. */
      oldest_due_ms: Schema.Int,
      /** Attempts under way on the runner that answers. */
      under_way: Schema.Int
    })
  ),
  projections: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      state: Schema.Literals(["RUNNING", "STOPPED", "FILLING"]),
      reason: Schema.optionalKey(Schema.String),
      lag_events: Schema.Int,
      lag_ms: Schema.Int,
      /** The last one that was asked for. */
      rebuild: Schema.optionalKey(Rebuild)
    })
  )
})
export type Status = typeof Status.Type

export const getStatus = declare({
  method: "GET",
  path: "/backoffice/v2/status",
  tag: "Operations",
  name: "getStatus",
  summary: "See how the installation is doing",
  description:
    "The runners, who holds the shards, the lane of each, undone work, what is still to be sent and how far the views are behind. For the key of " +
    "the service owner; koinon status shows it.",
  access: "secret",
  status: 200,
  success: Status
})

export const RebuildAsked = Schema.Struct({ view: Schema.String, ...Rebuild.fields })

export const rebuildView = declare({
  method: "POST",
  path: "/backoffice/v2/status/views/:view/rebuild",
  tag: "Operations",
  name: "rebuildView",
  summary: "Have a view emptied and read again while the server serves",
  description:
    "Every runner empties it and reads the journal from its beginning; commands go on, and so do they who can do without the " +
    "view. Who needs it meanwhile is answered 503 and told to come again, and no segment loses or gains anybody by it. It " +
    "survives restarts; how far it is stands in the status. While one is under way nothing new is begun, and the answer tells " +
    "of that one. For `segment_store`; other views are refused with 409, for koinon rebuild reads them again with the server " +
    "stopped. For the key of the service owner.",
  access: "secret",
  body: NoFields,
  status: 200,
  success: RebuildAsked
})
