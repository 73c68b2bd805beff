/** Contacts for their own apps: reading and changing who they are, and keeping their session alive. */
import { displayName } from "#domain/contact/Profile.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Effect from "effect/Effect"
import { AccessTokens } from "../door/AccessTokens.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField, notFound } from "../door/Fault.ts"
import { isLater } from "../door/Judging.ts"
import { renderContact } from "../resource/Contact.ts"
import { changeContact } from "../resource/ContactChange.ts"
import { preferencesOf, profileOf } from "../resource/ContactFields.ts"
import { present } from "../resource/Fields.ts"
import { renderTokenPair } from "../resource/TokenPair.ts"
import * as Api from "./ContactsApi.ts"
import { ownContact } from "./OwnContact.ts"

export const ownContactRoutes = [
  serve(
    Api.getContact,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const actors = yield* Actors
      const { state, seq } = yield* actors.read(call.principal.business.id, id, "contact")
      if (state.id === "") return yield* Effect.fail(notFound("contact", id))
      return { body: renderContact(state), seq }
    })
  ),
  serve(
    Api.updateContact,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const { body } = call
      if (body.id !== undefined && body.id.toLowerCase() !== id) {
        return yield* Effect.fail(invalidField("/id", "It is not the id of the contact in the path."))
      }
      const profile = yield* profileOf(body, call.principal.business)
      const command = { _tag: "UpdateContact" as const, profile, ...preferencesOf(body) }
      const { expectedSeq } = call
      const updated = yield* changeContact(call, id, command, { by: "CONTACT", expectedSeq, tellsReplayed: true })
      if (isLater(updated)) return updated
      const { replayed, seq } = updated
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.refreshSession,
    Effect.fnUntraced(function* ({ principal: { business, contactId = "" } }) {
      const actors = yield* Actors
      const tokens = yield* AccessTokens
      const { state } = yield* actors.read(business.id, contactId, "contact")
      if (state.id === "") return yield* Effect.fail(notFound("contact", contactId))
      const { firstName, lastName, companyName } = state.profile
      const joined = state.memberships.filter((membership) => membership.state === "ACCEPTED")
      const owners = yield* Effect.forEach(joined, ({ ownerId }) => actors.read(business.id, ownerId, "contact"))
      return {
        body: {
          ...renderTokenPair(yield* tokens.issue(business.id, contactId)),
          contact: present({
            id: state.id,
            type: state.type,
            first_name: firstName,
            last_name: lastName,
            company_name: companyName
          }),
          organisations: [{ id: business.id, type: "BUSINESS" as const, name: business.name }],
          communities: owners.map(({ state: owner }) => ({ id: owner.id, name: displayName(owner.profile) })),
          existing_contact: true
        }
      }
    })
  )
]
