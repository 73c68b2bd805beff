/** The tags of the business, wire-compatible with the published description. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const Entity = Schema.Literals([
  "ORGANISATIONS",
  "CONTACTS",
  "SERVICE_REQUESTS",
  "LEADS",
  "ACTIVITIES",
  "PRODUCTS",
  "REWARD_OFFERS",
  "PROMOTIONS"
])

export const listTags = declare({
  method: "GET",
  path: "/self-service/v2/tags",
  tag: "Tags",
  name: "listTags",
  summary: "List the tags that the business uses, latest first",
  description:
    "Contacts are what is tagged here; of everything else the list is empty. A tag is INACTIVE while no contact has it. Who " +
    "has which tag is told to the back office alone.",
  access: "contact-or-secret",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    entity: Entity,
    /** A tag is scheduled for no date, and sorts as `CREATED_DATE` does. */
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME", "SCHEDULED_DATE"]))
  }),
  status: 200,
  success: listOf(
    Schema.Struct({
      id: Schema.String,
      name: Schema.String,
      entity: Entity,
      state: Schema.Literals(["ACTIVE", "INACTIVE"])
    })
  )
})
