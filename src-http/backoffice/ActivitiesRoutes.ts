/** Activities in the back office: commands of the contact, her open ones, and the list over all contacts. */
import type { OpenActivity } from "#domain/contact/Activity.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { ActivityList, activityListName, type ListedActivity } from "#runtime/automation/ActivityList.ts"
import { ActivityWords, type Words } from "#runtime/automation/ActivityWords.ts"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { epoch, present } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import * as Api from "./ActivitiesApi.ts"
import { findContact } from "./ContactReference.ts"

const secondsOf = (at: number | undefined): number | undefined => (at === undefined ? undefined : epoch(at))
const dueAtOf = (due: number | undefined): number | undefined => (due === undefined ? undefined : due * 1000)

const opened = (open: OpenActivity, words: Words | undefined): Api.OpenActivity =>
  present({
    id: open.id,
    type: open.type,
    subject: words?.subject,
    description: words?.description,
    due_on: secondsOf(open.dueAt),
    assignee: open.assignee,
    automation_run_id: words?.runId
  })

const listed = (activity: ListedActivity): Api.ListedActivity =>
  present({
    id: activity.activityId,
    contact: { id: activity.contactId },
    type: activity.type,
    state: activity.state,
    due_on: secondsOf(activity.dueAt),
    assignee: activity.assignee,
    automation_run_id: activity.runId,
    scheduled_on: epoch(activity.scheduledAt),
    closed_on: secondsOf(activity.closedAt)
  })

const dueOf = ({ dueAt = Number.MAX_SAFE_INTEGER }: OpenActivity): number => dueAt
const byDue = (left: OpenActivity, right: OpenActivity): number =>
  dueOf(left) - dueOf(right) || (left.id < right.id ? -1 : 1)

export const activityRoutes = [
  serve(
    Api.scheduleActivity,
    Effect.fnUntraced(function* (call) {
      const { state } = yield* findContact(call.principal, call.params["id"] ?? "")
      const { due_on: due, ...given } = call.body
      const activityId = nameUuid("activity", call.commandId)
      const command = present({ _tag: "ScheduleActivity" as const, activityId, ...given, dueAt: dueAtOf(due) })
      const { answer: told, replayed, seq } = yield* answer(call, state.id, command)
      return { body: { id: idOf(told) }, replayed, seq }
    })
  ),
  serve(
    Api.listOpenActivities,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { state } = yield* findContact(principal, params["id"] ?? "")
      const page = pageOf(state.openActivities.toSorted(byDue), query)
      const activityWords = yield* ActivityWords
      const ids = page.content.map(({ id }) => id)
      const words = yield* Effect.mapError(activityWords.of(principal.business.id, state.id, ids), viewFault)
      return { body: { ...page, content: page.content.map((open) => opened(open, words.get(open.id))) } }
    })
  ),
  serve(
    Api.changeActivity,
    Effect.fnUntraced(function* (call) {
      const { due_on: due, assignee } = call.body
      if (due === undefined && assignee === undefined) {
        return yield* Effect.fail(invalidField("", "A due date or an assignee is needed."))
      }
      const { state } = yield* findContact(call.principal, call.params["id"] ?? "")
      const activityId = (call.params["activity"] ?? "").toLowerCase()
      const command = present({ _tag: "ChangeActivity" as const, activityId, dueAt: dueAtOf(due), assignee })
      const { expectedSeq } = call
      const { answer: told, replayed, seq } = yield* answer(call, state.id, command, { expectedSeq })
      return { body: { id: idOf(told) }, replayed, seq }
    })
  ),
  serve(
    Api.closeActivity,
    Effect.fnUntraced(function* (call) {
      const { state } = yield* findContact(call.principal, call.params["id"] ?? "")
      const activityId = (call.params["activity"] ?? "").toLowerCase()
      const command = { _tag: "CloseActivity" as const, activityId, outcome: call.body.outcome }
      const { answer: told, replayed, seq } = yield* answer(call, state.id, command)
      return { body: { id: idOf(told) }, replayed, seq }
    })
  ),
  serve(
    Api.listActivities,
    Effect.fnUntraced(function* ({ principal, query }) {
      const { state = "OPEN", assignee, type, due_until: until } = query
      const activities = yield* ActivityList
      yield* caughtUp(activityListName)
      const asked = { ...query, order: query.order ?? ("ASC" as const) }
      const business = principal.business.id
      const wanted = { ...requestOf(asked), business, state, assignee, type, dueUntil: dueAtOf(until) }
      return { body: answerOf(yield* Effect.mapError(activities.list(wanted), viewFault), asked, listed) }
    })
  )
]
