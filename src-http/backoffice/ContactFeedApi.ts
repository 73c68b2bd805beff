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
    "Every business event of the contact, of the community she owns, of her purchases, of her requests that waited for " +
    "approval (draft: it had not happened) and of the segments she joined or left. Newest first unless ordered otherwise; " +
    "it holds whatever was committed before it was asked for, and joins and leaves once they are judged. Entries that " +
    "belong together share the ids under links; a join or leave of a segment has there the entry that brought it about and " +
    "the purchase, if one entry did: not time, a definition, an import or several other things at once. Where an automation brought it about, cause names its run, the entry that " +
    "set that off and the purchase that it began with, also through joins of segments, messages and activities that an " +
    "automation was set off by, for as long as the runs are kept. linked_to lists the entries that " +
    "name an id under any of these: it follows a purchase to the draw that paid it, to the segments joined by it and to the " +
    "messages, activities and tags that came of it, a message to its end, an entry to what it set off, a run to all that it did.",
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
