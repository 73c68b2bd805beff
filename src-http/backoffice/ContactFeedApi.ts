/** What has happened to a contact, for the people of the back office. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { FeedEntry, feedTypes } from "../resource/ContactFeed.ts"
import { Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"
import { periodQuery } from "../resource/Period.ts"
import { words } from "../resource/Words.ts"

export const listContactActivities = declare({
  method: "GET",
  path: "/backoffice/v2/contacts/:id/activities",
  tag: "Contacts",
  name: "listContactActivities",
  summary: "List what has happened to a contact",
  description:
    "Newest first unless ordered otherwise; it holds whatever was committed before it was asked for. Entries that belong " +
    "together share the ids under links; linked_to lists those that name one, and follows a purchase to the draw that " +
    "paid it, or an automation's run to all that it did.",
  access: "secret",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    ...periodQuery("at"),
    /** One type, or several with commas between them. */
    type: Schema.optionalKey(words(feedTypes)),
    linked_to: Schema.optionalKey(Line)
  }),
  status: 200,
  success: listOf(FeedEntry)
})
