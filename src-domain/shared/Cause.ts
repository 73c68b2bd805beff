/** What brought an event about, where that was an automation or a plan: a chain that can be followed, and must end (AUT-8). */
import * as Schema from "effect/Schema"

export const Cause = Schema.Struct({
  /** The id of the run of the automation, or of the plan. */
  runId: Schema.String,
  /** The automations that led here, the first cause first; empty for a plan. */
  chain: Schema.Array(Schema.String)
})
export type Cause = typeof Cause.Type
