/**
 * Whom a business writes to, when, and what: a template to the contacts of segments, once, again and again, or on the day
 * of each of them. A run fixes its recipients when it starts (SEG-7) and each of them gets one message of it (AUT-12);
 * whether it may go is judged at the send.
 */
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import type { Definitions } from "../definition/Definition.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import type { Refusal } from "../Refusal.ts"
import { isTimeZone } from "../shared/CalendarDate.ts"
import type { Template } from "./Template.ts"

/** "HH:MM" of 24 hours. */
const Time = Schema.String
const repeated = { time: Time, timeZone: Schema.String }

const LocalSchedule = Schema.Struct({ type: Schema.Literals(["BIRTHDAY", "NAME_DAY"]), time: Time })
export type LocalSchedule = typeof LocalSchedule.Type

export const PlanSchedule = Schema.Union([
  Schema.Struct({ type: Schema.Literal("ONCE"), at: Schema.Int }),
  Schema.Struct({ type: Schema.Literal("DAILY"), ...repeated }),
  /** 1 is Sunday, 7 is Saturday. */
  Schema.Struct({ type: Schema.Literal("WEEKLY"), days: Schema.Array(Schema.Int), ...repeated }),
  /** A day that a month does not have is its last. */
  Schema.Struct({ type: Schema.Literal("MONTHLY"), day: Schema.Int, ...repeated }),
  /** At that time of the contact's own zone, on her day. */
  LocalSchedule
])
export type PlanSchedule = typeof PlanSchedule.Type

export const Plan = Schema.Struct({
  templateId: Schema.String,
  /** Whoever is in any of them. */
  segmentIds: Schema.Array(Schema.String),
  schedule: PlanSchedule,
  /** No run begins before `from`, or at `until` or later; epoch milliseconds. */
  window: Schema.Struct({ from: Schema.optionalKey(Schema.Int), until: Schema.optionalKey(Schema.Int) }),
  /** It passes opt-outs, quiet hours and caps: for critical templates alone (CON-6). */
  override: Schema.Boolean,
  /** Of runs that are due, the higher goes first. */
  priority: Schema.Int
})
export type Plan = typeof Plan.Type

const segmentsMax = 50
const priorityMax = 1_000

const invalid = (pointer: string, rule: string): Refusal => invalidDefinition("plans", pointer, rule)

const isTime = (time: string): boolean => /^([01]\d|2[0-3]):[0-5]\d$/.test(time)
const isWithin = (value: number, least: number, most: number): boolean => value >= least && value <= most

const objectionToSchedule = (schedule: PlanSchedule): Refusal | undefined => {
  if (schedule.type === "ONCE") return undefined
  if (!isTime(schedule.time)) return invalid("/schedule/time", "A time is HH:MM, from 00:00 to 23:59.")
  if ("timeZone" in schedule && !isTimeZone(schedule.timeZone)) {
    return invalid("/schedule/time_zone", "The time zone is a name of the IANA database.")
  }
  if (schedule.type === "MONTHLY" && !isWithin(schedule.day, 1, 31)) {
    return invalid("/schedule/day", "A day of the month is 1 to 31.")
  }
  if (schedule.type !== "WEEKLY") return undefined
  const { days } = schedule
  const isWeek = days.length > 0 && new Set(days).size === days.length && days.every((day) => isWithin(day, 1, 7))
  return isWeek ? undefined : invalid("/schedule/days", "Days of the week are 1 (Sunday) to 7, each at most once.")
}

/** What lies in the past is refused when it is new, and stays where it was there before. */
const objectionToTime = (plan: Plan, before: Plan | undefined, now: number): Refusal | undefined => {
  const { schedule, window } = plan
  const { from, until } = window
  if (from !== undefined && until !== undefined && from >= until) {
    return invalid("/window/until", "A window ends after it begins.")
  }
  if (until !== undefined && until <= now && until !== before?.window.until) {
    return invalid("/window/until", "The window is over.")
  }
  if (schedule.type !== "ONCE") return undefined
  const { at } = schedule
  if (at <= now && !Equal.equals(schedule, before?.schedule)) return invalid("/schedule/at", "It is in the past.")
  const isInside = (from === undefined || at >= from) && (until === undefined || at < until)
  return isInside ? undefined : invalid("/schedule/at", "It is outside of the window.")
}

/** What is done where a plan is to send what is MANDATORY. */
const instead =
  "a plan takes one that is MARKETING, or CRITICAL with override; what is MANDATORY is sent by an automation or directly."

export interface Known {
  readonly templates: Definitions<Template>
  readonly segments: Readonly<Record<string, unknown>>
}

/** What is wrong with a plan; `before` is what it was. */
export const objectionToPlan = (
  plan: Plan,
  before: Plan | undefined,
  known: Known,
  now: number
): Refusal | undefined => {
  const { templateId, segmentIds, override, priority } = plan
  const template = known.templates[templateId]
  if (template === undefined) return invalid("/template_id", `There is no template ${templateId}.`)
  if (template.state !== "ACTIVE") return invalid("/template_id", "The template is switched off.")
  if (template.body.events.length > 0) return invalid("/template_id", "A plan is about no event, and the template is.")
  if (template.body.purpose === "MANDATORY") {
    return invalid(
      "/template_id",
      `The template ${template.name} is MANDATORY and would pass every opt-out: ${instead}`
    )
  }
  if (override && template.body.purpose === "MARKETING") {
    return invalid("/override", `Only what is CRITICAL passes opt-outs; the template ${template.name} is MARKETING.`)
  }
  if (segmentIds.length === 0) return invalid("/segment_ids", "A plan is for one segment at least.")
  if (segmentIds.length > segmentsMax) return invalid("/segment_ids", `A plan is for at most ${segmentsMax} segments.`)
  const unknown = segmentIds.findIndex((id) => !Object.hasOwn(known.segments, id))
  if (unknown >= 0) return invalid(`/segment_ids/${unknown}`, `There is no segment ${segmentIds[unknown]}.`)
  if (new Set(segmentIds).size < segmentIds.length) return invalid("/segment_ids", "A segment is named once.")
  if (!isWithin(priority, 0, priorityMax)) return invalid("/priority", `A priority is 0 to ${priorityMax}.`)
  return objectionToSchedule(plan.schedule) ?? objectionToTime(plan, before, now)
}
