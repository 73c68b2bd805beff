/** What a contact was sent, as her app reads it and puts it away. */
import { Channel } from "#domain/contact/Communication.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Communication } from "../resource/Communication.ts"
import { Id } from "../resource/Fields.ts"
import { cursorQuery, Flag, listOf, pagingQuery } from "../resource/Paging.ts"
import { periodQuery } from "../resource/Period.ts"

const tag = "Communications"

export const getOwnCommunication = declare({
  method: "GET",
  path: "/self-service/v2/communications/:id",
  tag,
  name: "getOwnCommunication",
  summary: "Read a communication",
  access: "contact",
  status: 200,
  success: Communication
})

export const actOnCommunication = declare({
  method: "PUT",
  path: "/self-service/v2/communications/:id/actions",
  tag,
  name: "actOnCommunication",
  summary: "Mark a communication as viewed, or put it into or out of the archive",
  description: "What was viewed stays viewed: `viewed: false` changes nothing, and neither does what is null.",
  access: "contact",
  body: Schema.Struct({
    id: Schema.optionalKey(Id),
    viewed: Schema.NullOr(Schema.Boolean),
    archived: Schema.NullOr(Schema.Boolean)
  }),
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})

export const listOwnCommunications = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/communications",
  tag,
  name: "listOwnCommunications",
  summary: "List a contact's communications, newest first",
  access: "contact",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    ...periodQuery("created_on"),
    archived: Schema.optionalKey(Flag),
    viewed: Schema.optionalKey(Flag),
    channel: Schema.optionalKey(Channel),
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME", "POSTED_DATE"]))
  }),
  status: 200,
  success: listOf(Communication)
})
