/** Plans of the back office: whom to write to, when, and how their runs went. Safe to share with clients. */
import { Channel, Purpose } from "#domain/contact/Communication.ts"
import { DefinitionState } from "#domain/definition/Definition.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Id, Instant, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Plans"
const plans = "/backoffice/v2/plans"
const one = `${plans}/:id` as const
const segmentsMax = 50
const daysMax = 7

const repeated = { time: Line, time_zone: Line }

const PlanSchedule = Schema.Union([
  Schema.Struct({ type: Schema.Literal("ONCE"), at: Instant }),
  Schema.Struct({ type: Schema.Literal("DAILY"), ...repeated }),
  /** 1 is Sunday, 7 is Saturday. */
  Schema.Struct({
    type: Schema.Literal("WEEKLY"),
    days: Schema.Array(Schema.Int).check(Schema.isMaxLength(daysMax)),
    ...repeated
  }),
  /** A day that a month does not have is its last. */
  Schema.Struct({ type: Schema.Literal("MONTHLY"), day: Schema.Int, ...repeated }),
  /** At that time of the contact's own zone. */
  Schema.Struct({ type: Schema.Literal("BIRTHDAY"), time: Line }),
  Schema.Struct({ type: Schema.Literal("NAME_DAY"), time: Line })
])

const PlanBody = Schema.Struct({
  name: Line,
  /** One that is switched on, about no event, and not MANDATORY: a plan passes opt-outs by `override` alone. */
  template_id: Id,
  /** Whoever is in any of them. */
  segment_ids: Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(segmentsMax)),
  schedule: PlanSchedule,
  /** No run begins outside of it. */
  window: Schema.optionalKey(Schema.Struct({ from: Schema.optionalKey(Instant), until: Schema.optionalKey(Instant) })),
  /** It passes opt-outs, quiet hours and caps: for critical templates alone. */
  override: Schema.optionalKey(Schema.Boolean),
  /** 0 to 1,000; of runs that are due, the higher goes first. */
  priority: Schema.optionalKey(Schema.Int)
})
export type PlanBody = typeof PlanBody.Type

const Plan = Schema.Struct({
  id: Schema.String,
  state: DefinitionState,
  version: Schema.Int,
  saved_on: Schema.Int,
  ...PlanBody.fields,
  /** Of birthdays and name days, in the business's zone. */
  next_run_on: Schema.optionalKey(Instant)
})
export type Plan = typeof Plan.Type
const Reference = Schema.Struct({ id: Schema.String })

export const createPlan = declare({
  method: "POST",
  path: plans,
  tag,
  name: "createPlan",
  summary: "Make a plan",
  description:
    "A run fixes its recipients when it starts, and each of them gets one message of it. Whether she may get it is judged " +
    "when it is sent: as marketing, or as critical where the plan overrides. Once its template is switched off, its runs go " +
    "on and their messages are rejected as TEMPLATE_INACTIVE.",
  access: "secret",
  body: PlanBody,
  status: 201,
  success: Reference
})

export const listPlans = declare({
  method: "GET",
  path: plans,
  tag,
  name: "listPlans",
  summary: "List the plans",
  description: "By name.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, state: Schema.optionalKey(DefinitionState) }),
  status: 200,
  success: listOf(Plan)
})

export const getPlan = declare({
  method: "GET",
  path: one,
  tag,
  name: "getPlan",
  summary: "Read a plan",
  access: "secret",
  status: 200,
  success: Plan
})

export const updatePlan = declare({
  method: "PUT",
  path: one,
  tag,
  name: "updatePlan",
  summary: "Replace a plan",
  description: "A run that has begun ends as it began.",
  access: "secret",
  body: PlanBody,
  status: 200,
  success: Reference
})

export const actOnPlan = declare({
  method: "POST",
  path: `${one}/actions`,
  tag,
  name: "actOnPlan",
  summary: "Switch a plan on or off",
  description: "Switched off, its runs are cancelled where they are; switched on, nothing is made up for.",
  access: "secret",
  body: Schema.Struct({ action: Schema.Literals(["ACTIVATE", "DEACTIVATE"]) }),
  status: 200,
  success: Reference
})

export const deletePlan = declare({
  method: "DELETE",
  path: one,
  tag,
  name: "deletePlan",
  summary: "Delete a plan",
  description: "Its runs are cancelled where they are.",
  access: "secret",
  status: 204
})

export const sendPlanNow = declare({
  method: "POST",
  path: `${one}/send_now`,
  tag,
  name: "sendPlanNow",
  summary: "Run a plan now",
  description:
    "A run of its own beside those of its schedule, within the plan's window; repeated under its Idempotency-Key it is the " +
    "same run. Birthdays and name days come by themselves; a run of theirs that was missed can be made up for.",
  access: "secret",
  status: 201,
  success: Schema.Struct({ run_id: Schema.String })
})

export const dryRunPlan = declare({
  method: "POST",
  path: `${one}/dry_run`,
  tag,
  name: "dryRunPlan",
  summary: "Count whom a plan would reach now",
  description:
    "And who of the first 1,000 would not get it, and why. Of birthdays and name days it is about today. Nothing is stored.",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    recipients: Schema.Int,
    judged: Schema.Int,
    sendable: Schema.Int,
    waiting: Schema.Int,
    rejected: Schema.Record(Schema.String, Schema.Int)
  })
})

const Run = Schema.Struct({
  id: Schema.String,
  /** Names the run among those of its plan: its date, its instant, its zone. */
  key: Schema.String,
  state: Schema.Literals(["WAITING", "SENDING", "DONE", "MISSED", "CANCELLED"]),
  version: Schema.Int,
  channel: Channel,
  purpose: Purpose,
  due_on: Schema.Int,
  started_on: Schema.optionalKey(Instant),
  ended_on: Schema.optionalKey(Instant),
  recipients: Schema.Int,
  /** Of the recipients: asked for, or refused as a contact that is gone. */
  requested: Schema.Int,
  refused: Schema.Int
})
export type Run = typeof Run.Type

export const listPlanRuns = declare({
  method: "GET",
  path: `${one}/runs`,
  tag,
  name: "listPlanRuns",
  summary: "List the runs of a plan",
  description: "Newest first.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, ...cursorQuery }),
  status: 200,
  success: listOf(Run)
})

export const makeUpPlanRun = declare({
  method: "POST",
  path: `${one}/runs/:run_id/make_up`,
  tag,
  name: "makeUpPlanRun",
  summary: "Run after all what was missed",
  description:
    "A run that could not begin within six hours is MISSED. Made up for, it is due now and for whom it was: of a birthday, " +
    "those whose day it was. Within the plan's window; a run that has begun stays as it is, and nobody is written to twice.",
  access: "secret",
  status: 200,
  success: Schema.Struct({ run_id: Schema.String })
})

export const getPlanRun = declare({
  method: "GET",
  path: `${one}/runs/:run_id`,
  tag,
  name: "getPlanRun",
  summary: "Read a run, and what became of its messages",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    ...Run.fields,
    messages: Schema.Struct({
      pending: Schema.Int,
      completed: Schema.Int,
      rejected: Schema.Record(Schema.String, Schema.Int),
      viewed: Schema.Int,
      clicked: Schema.Int
    })
  })
})
