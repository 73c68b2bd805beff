/**
 * What a run carries through the outbox: the automation as it was when the event happened (AUT-6), the event, and which
 * action comes next. Of the event there is what may be asked for in segments, so nothing personal.
 */
import { AutomationDefinition } from "#domain/automation/Automation.ts"
import { Cause } from "#domain/shared/Cause.ts"
import * as Schema from "effect/Schema"

const RunBody = Schema.Struct({
  runId: Schema.String,
  automationId: Schema.String,
  name: Schema.String,
  version: Schema.Int,
  contact: Schema.String,
  eventId: Schema.String,
  eventType: Schema.String,
  eventAt: Schema.Int,
  /** The facts of the event. */
  values: Schema.Record(Schema.String, Schema.Json),
  /** Of the automations before this one. */
  chain: Cause.fields.chain,
  /** Only what is done about a fact that stands. */
  actions: AutomationDefinition.fields.actions,
  next: Schema.Int
})
export type RunBody = typeof RunBody.Type

const RunBodyJson = Schema.toCodecJson(RunBody)
export const encodeBody = Schema.encodeSync(RunBodyJson)
export const decodeBody = Schema.decodeUnknownSync(RunBodyJson)

/** The chain that what this run brings about is part of. */
export const causeOf = ({ runId, automationId, chain }: RunBody): Cause => ({ runId, chain: [...chain, automationId] })
