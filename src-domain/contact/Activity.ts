/**
 * Something that a person of the business is to do for a contact: a call, a visit, a gift to prepare. It is scheduled, may
 * be changed, and ends done or cancelled; the open ones are in the contact's state, all of them in her history.
 *
 *     Scheduled --ActivityChanged--> Scheduled --ActivityClosed--> Done | Cancelled
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { ChangeActivity, CloseActivity, ScheduleActivity } from "./ContactCommand.ts"
import type { ContactEvent } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"

/** Open activities of one contact, at most. */
const openActivitiesMax = 200

export const OpenActivity = Schema.Struct({
  id: Schema.String,
  /** The business's word for what is to be done. */
  type: Schema.String,
  dueAt: Schema.optionalKey(Schema.Int),
  /** Who is to do it, as the business names its people. */
  assignee: Schema.optionalKey(Schema.String)
})
export type OpenActivity = typeof OpenActivity.Type

export const scheduleActivity = (
  contact: ContactState,
  { _tag, ...activity }: typeof ScheduleActivity.Type,
  turn: Turn
): Judgement => {
  if (contact.openActivities.length >= openActivitiesMax) {
    return Result.fail({ _tag: "TooManyActivities", limit: openActivitiesMax })
  }
  return Result.succeed({
    events: [{ _tag: "ActivityScheduled", ...activity, at: turn.at }],
    answer: { _tag: "Done", id: activity.activityId }
  })
}

const openOf = (contact: ContactState, id: string): OpenActivity | undefined =>
  contact.openActivities.find((activity) => activity.id === id)

export const changeActivity = (contact: ContactState, command: typeof ChangeActivity.Type, turn: Turn): Judgement => {
  const { _tag, activityId, ...changes } = command
  const open = openOf(contact, activityId)
  if (open === undefined) return Result.fail({ _tag: "ActivityNotOpen", id: activityId })
  const same = (changes.dueAt ?? open.dueAt) === open.dueAt && (changes.assignee ?? open.assignee) === open.assignee
  return Result.succeed({
    events: same ? [] : [{ _tag: "ActivityChanged", activityId, ...changes, at: turn.at }],
    answer: { _tag: "Done", id: activityId }
  })
}

export const closeActivity = (contact: ContactState, command: typeof CloseActivity.Type, turn: Turn): Judgement => {
  const { activityId, outcome } = command
  if (openOf(contact, activityId) === undefined) return Result.fail({ _tag: "ActivityNotOpen", id: activityId })
  return Result.succeed({
    events: [{ _tag: "ActivityClosed", activityId, outcome, at: turn.at }],
    answer: { _tag: "Done", id: activityId }
  })
}

type ActivityEvent = Extract<
  ContactEvent,
  { readonly _tag: "ActivityScheduled" | "ActivityChanged" | "ActivityClosed" }
>

/** The open activities after what happened to one of them. */
export const activitiesAfter = (
  open: ReadonlyArray<OpenActivity>,
  event: ActivityEvent
): ReadonlyArray<OpenActivity> => {
  const others = open.filter((activity) => activity.id !== event.activityId)
  if (event._tag === "ActivityClosed") return others
  const known = open.find((activity) => activity.id === event.activityId)
  const { activityId: id, dueAt = known?.dueAt, assignee = known?.assignee } = event
  const type = event._tag === "ActivityScheduled" ? event.type : (known?.type ?? "")
  return [...others, { id, type, ...(dueAt !== undefined && { dueAt }), ...(assignee !== undefined && { assignee }) }]
}
