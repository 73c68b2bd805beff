/** The community of a contact, and the communities she belongs to, as her app sees them. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { listQuery } from "../resource/CommunityLists.ts"
import { Id, Line } from "../resource/Fields.ts"
import { InvitationBody } from "../resource/Invitation.ts"
import { Flag, listOf } from "../resource/Paging.ts"
import { Community, Person, termsFields } from "../resource/Person.ts"

const tag = "Communities"
const people = "/self-service/v2/contacts/:id/people"
const Reference = Schema.Struct({ id: Schema.String })

export const listPeople = declare({
  method: "GET",
  path: people,
  tag,
  name: "listPeople",
  summary: "List the people of a community",
  description: "Those who have accepted. Devices, usage allowances and termed transfers are none as yet.",
  access: "contact",
  query: Schema.Struct({
    ...listQuery,
    group: Schema.optionalKey(Line),
    include_devices: Schema.optionalKey(Flag),
    include_product_allowance: Schema.optionalKey(Flag),
    include_remaining_allowance: Schema.optionalKey(Flag),
    include_termed_transfers: Schema.optionalKey(Flag)
  }),
  status: 200,
  success: listOf(Person)
})

export const invitePerson = declare({
  method: "POST",
  path: people,
  tag,
  name: "invitePerson",
  summary: "Invite a person",
  description:
    "By e-mail address or phone number. Who holds neither yet is registered first, under the name given in contact. " +
    "The invitation waits for an answer for thirty days.",
  access: "contact",
  body: InvitationBody,
  status: 201,
  success: Reference
})

export const getPerson = declare({
  method: "GET",
  path: `${people}/:relationship_id`,
  tag,
  name: "getPerson",
  summary: "Read a person of a community",
  access: "contact",
  query: Schema.Struct({ include_remaining_allowance: Schema.optionalKey(Flag) }),
  status: 200,
  success: Person
})

export const updatePerson = declare({
  method: "PUT",
  path: `${people}/:relationship_id`,
  tag,
  name: "updatePerson",
  summary: "Change what is agreed with a person",
  description: "What is given replaces what was agreed; what is left out stays. wallet_sharing is replaced as a whole.",
  access: "contact",
  body: Schema.Struct({ id: Schema.optionalKey(Id), ...termsFields }),
  status: 200,
  success: Reference
})

export const removePerson = declare({
  method: "DELETE",
  path: `${people}/:relationship_id`,
  tag,
  name: "removePerson",
  summary: "Remove a person from a community",
  description: "From then on nothing more is drawn on the owner's wallet.",
  access: "contact",
  status: 204
})

export const answerInvitation = declare({
  method: "POST",
  path: `${people}/:relationship_id/actions`,
  tag,
  name: "answerInvitation",
  summary: "Accept or reject an invitation",
  description: "Asked by the person who was invited.",
  access: "contact",
  body: Schema.Struct({ action: Schema.Literals(["ACCEPT", "REJECT"]) }),
  status: 200,
  success: Reference
})

export const listCommunities = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/communities",
  tag,
  name: "listCommunities",
  summary: "List the communities of a contact",
  description: "Those that she has joined or is invited to, with what is left of the month in each owner's wallet.",
  access: "contact",
  query: Schema.Struct({ ...listQuery, include_product_allowance: Schema.optionalKey(Flag) }),
  status: 200,
  success: listOf(Community)
})

export const leaveCommunity = declare({
  method: "DELETE",
  path: "/self-service/v2/contacts/:id/communities/:community_owner_id",
  tag,
  name: "leaveCommunity",
  summary: "Leave a community",
  access: "contact-or-secret",
  status: 204
})
