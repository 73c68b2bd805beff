/** What people of a business are to do for its contacts. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Instant, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"
import { Seconds } from "../resource/Period.ts"

const tag = "Activities"
const access = "secret"
const ofContact = "/backoffice/v2/contacts/:id/activities/open"
const one = `${ofContact}/:activity` as const

const text = Schema.optionalKey(Schema.String)
const whole = Schema.optionalKey(Schema.Int)
const Reference = Schema.Struct({ id: Schema.String })

export const scheduleActivity = declare({
  method: "POST",
  path: ofContact,
  tag,
  name: "scheduleActivity",
  summary: "Schedule an activity",
  description: "Something that somebody is to do for the contact: a call, a visit, a gift to prepare.",
  access,
  body: Schema.Struct({
    /** The business's word for what is to be done. */
    type: Line,
    subject: Schema.optionalKey(Line),
    description: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(2_000))),
    due_on: Schema.optionalKey(Instant),
    /** Who is to do it, as the business names its people. */
    assignee: Schema.optionalKey(Line)
  }),
  status: 201,
  success: Reference
})

const OpenActivity = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  subject: text,
  description: text,
  due_on: whole,
  assignee: text,
  /** The run of the automation that scheduled it. */
  automation_run_id: text
})
export type OpenActivity = typeof OpenActivity.Type

export const listOpenActivities = declare({
  method: "GET",
  path: ofContact,
  tag,
  name: "listOpenActivities",
  summary: "List what is to be done for a contact",
  description: "The earliest due date first; what was closed is in what happened to the contact.",
  access,
  query: Schema.Struct({
    page: pagingQuery.page,
    size: pagingQuery.size,
    include_total: pagingQuery.include_total
  }),
  status: 200,
  success: listOf(OpenActivity)
})

export const changeActivity = declare({
  method: "PUT",
  path: one,
  tag,
  name: "changeActivity",
  summary: "Put an activity off, or hand it over",
  description: "What is not sent stays as it is.",
  access,
  body: Schema.Struct({ due_on: Schema.optionalKey(Instant), assignee: Schema.optionalKey(Line) }),
  status: 200,
  success: Reference
})

export const closeActivity = declare({
  method: "POST",
  path: `${one}/close`,
  tag,
  name: "closeActivity",
  summary: "Close an activity",
  description: "It is done, or will not be.",
  access,
  body: Schema.Struct({ outcome: Schema.Literals(["DONE", "CANCELLED"]) }),
  status: 200,
  success: Reference
})

const { page: _page, ...byCursor } = { ...pagingQuery, ...cursorQuery }
const ListedActivity = Schema.Struct({
  id: Schema.String,
  contact: Schema.Struct({ id: Schema.String }),
  type: Schema.String,
  state: Schema.Literals(["OPEN", "DONE", "CANCELLED"]),
  due_on: whole,
  assignee: text,
  automation_run_id: text,
  scheduled_on: Schema.Int,
  closed_on: whole
})
export type ListedActivity = typeof ListedActivity.Type

export const listActivities = declare({
  method: "GET",
  path: "/backoffice/v2/activities",
  tag,
  name: "listActivities",
  summary: "List what is to be done for all contacts",
  description:
    "The earliest due date first, what has none last; open ones unless another state is asked for. What it is about is told " +
    "by the contact's own list. What waits for an approval is no activity: it is decided, not done, and `/approvals` lists it, " +
    "by `assignee` as well.",
  access,
  query: Schema.Struct({
    ...byCursor,
    state: Schema.optionalKey(Schema.Literals(["OPEN", "DONE", "CANCELLED"])),
    assignee: Schema.optionalKey(Line),
    type: Schema.optionalKey(Line),
    /** Epoch seconds: due before it. */
    due_until: Schema.optionalKey(Seconds)
  }),
  status: 200,
  success: listOf(ListedActivity)
})
