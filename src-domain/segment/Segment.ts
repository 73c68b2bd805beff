/**
 * Segments: named sets of conditions, when their members are counted anew, and who is sent the list (SEG-1, SEG-2). One may
 * be made of others, as long as none is made of itself (SEG-5).
 */
import { automationUsing, type WithAutomations } from "../automation/AutomationUse.ts"
import type { Plan } from "../communication/Plan.ts"
import * as Cron from "effect/Cron"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Definitions } from "../definition/Definition.ts"
import { defineDefinitions } from "../definition/DefinitionKind.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import type { Refusal } from "../Refusal.ts"
import { isTimeZone } from "../shared/CalendarDate.ts"
import { EmailAddress } from "../shared/EmailAddress.ts"
import { catalogue } from "./Catalogue.ts"
import { ConditionSets } from "./Condition.ts"
import { dependsOn } from "./Dependencies.ts"
import { ExportFields, objectionToFields } from "./ExportFields.ts"
import { objectionTo } from "./TypeCheck.ts"

const segmentsMax = 500
const recipientsMax = 20
const cronLengthMax = 100

/** SEG-2. LIVE is always right; the others are right as of their last refresh. */
export const RefreshMode = Schema.Literals(["ON_DEMAND", "SCHEDULED", "NEVER", "LIVE"])
export type RefreshMode = typeof RefreshMode.Type

export const SegmentDefinition = Schema.Struct({
  sets: ConditionSets,
  refresh: Schema.Struct({
    mode: RefreshMode,
    /** Of SCHEDULED: five fields. */
    cron: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(cronLengthMax))),
    /** In which `cron` is read; the business's if absent. */
    timeZone: Schema.optionalKey(Schema.String)
  }),
  /** Sent after each refresh. */
  export: Schema.optionalKey(
    Schema.Struct({
      recipients: Schema.Array(EmailAddress).check(Schema.isMinLength(1), Schema.isMaxLength(recipientsMax)),
      format: Schema.Literals(["CSV", "XLSX"]),
      /** Absent: what is usual. */
      fields: Schema.optionalKey(ExportFields)
    })
  )
})
export type SegmentDefinition = typeof SegmentDefinition.Type

const kind = "segments"
const invalid = (pointer: string, rule: string): Refusal => invalidDefinition(kind, pointer, rule)

/** When a schedule next comes round; `undefined` when it never does, or is none. */
export const nextRefresh = (cron: string, timeZone: string, after: number): number | undefined => {
  const fields = cron.trim().split(/\s+/)
  if (fields.length !== 5 || !isTimeZone(timeZone)) return undefined
  // Of the hour that comes twice, an hour of the day is meant once; whoever is refreshed every hour does not skip one.
  const onDstOverlap = fields[1]?.startsWith("*") === true ? "both" : "earlier"
  const schedule = Cron.parse(cron, timeZone, { onDstOverlap })
  if (Result.isFailure(schedule)) return undefined
  try {
    return Cron.next(schedule.success, after).getTime()
  } catch {
    // A date that no year has, such as 30 February.
    return undefined
  }
}

const objectionToRefresh = (
  { mode, cron, timeZone }: SegmentDefinition["refresh"],
  at: number
): Refusal | undefined => {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    return invalid("/refresh/time_zone", "The time zone is a name of the IANA database.")
  }
  if (mode !== "SCHEDULED") {
    return cron === undefined ? undefined : invalid("/refresh/cron", "Only a SCHEDULED refresh has a schedule.")
  }
  if (cron === undefined) return invalid("/refresh", "A SCHEDULED refresh needs a cron expression.")
  return nextRefresh(cron, timeZone ?? "UTC", at) === undefined
    ? invalid("/refresh/cron", "A schedule is a cron expression of five fields that comes round.")
    : undefined
}

/** Whether the sets lead to the segment, over however many others. */
const leadsTo = (id: string, sets: ConditionSets, all: Definitions<SegmentDefinition>): boolean => {
  const seen = new Set<string>()
  const open = [...dependsOn(sets).segments]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === id) return true
    const body = all[next]?.body
    if (body === undefined || seen.has(next)) continue
    seen.add(next)
    open.push(...dependsOn(body.sets).segments)
  }
  return false
}

const firstLeading = (id: string, sets: ConditionSets, all: Definitions<SegmentDefinition>): string => {
  for (const [set, { conditions }] of sets.entries()) {
    const index = conditions.findIndex((condition) => leadsTo(id, [{ conditions: [condition] }], all))
    if (index !== -1) return `/sets/${set}/conditions/${index}`
  }
  return "/sets"
}

interface Users extends WithAutomations {
  readonly plans: Definitions<Plan>
}

const segmentMadeOf = (id: string, all: Definitions<SegmentDefinition>): string | undefined => {
  const found = Object.values(all).find(({ body }) => dependsOn(body.sets).segments.has(id))
  return found && `the segment ${found.name}`
}

const planTo = (id: string, plans: Definitions<Plan>): string | undefined => {
  const found = Object.values(plans).find(({ body }) => body.segmentIds.includes(id))
  return found && `the plan ${found.name}`
}

export const {
  aggregate: segments,
  decider: segmentDecider,
  Event: SegmentEvent,
  Command: SegmentCommand
} = defineDefinitions<"segments", "Segment", SegmentDefinition, Users>({
  kind,
  code: 5,
  stateVersion: 1,
  name: "Segment",
  Body: SegmentDefinition,
  most: segmentsMax,
  others: ["automations", "plans"],
  objection: ({ id, body: { sets, refresh, export: list } }, all, _, turn) => {
    // Itself is known too: that it is made of itself is the better word for it.
    const objection = objectionTo(sets, catalogue, (segment) => segment === id || Object.hasOwn(all, segment))
    if (objection !== undefined) return invalid(`/sets${objection.pointer}`, objection.rule)
    if (leadsTo(id, sets, all)) return invalid(firstLeading(id, sets, all), "A segment is not made of itself.")
    const columns = list?.fields && objectionToFields(list.fields)
    if (columns !== undefined) return invalid(`/export/fields${columns.pointer}`, columns.rule)
    return objectionToRefresh(refresh, turn.at)
  },
  usedBy: (id, all, { automations, plans }) =>
    segmentMadeOf(id, all) ?? automationUsing(automations, kind, id) ?? planTo(id, plans)
})
export type SegmentEvent = typeof SegmentEvent.Type
