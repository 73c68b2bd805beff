/** How the installation is doing, for its operators. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"

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

export const Status = Schema.Struct({
  runners: Schema.Array(RunnerStatus),
  shards: Schema.Struct({ all: Schema.Int, without_runner: Schema.Int }),
  inbox: Schema.Struct({
    due: Schema.Int,
    parked: Schema.Int,
    /** How long the oldest undone work has been due. */
    oldest_due_ms: Schema.Int
  }),
  projections: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      state: Schema.Literals(["RUNNING", "STOPPED"]),
      reason: Schema.optionalKey(Schema.String),
      lag_events: Schema.Int,
      lag_ms: Schema.Int
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
    "The runners, who holds the shards, the lane of each, undone work and how far the views are behind. For the key of " +
    "the service owner; koinon status shows it.",
  access: "secret",
  status: 200,
  success: Status
})
