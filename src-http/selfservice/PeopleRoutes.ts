/** Communities for contacts' apps: an owner's people at her own key, a member's answers at the key of whoever invited her. */
import { Actors } from "#runtime/actor/Actors.ts"
import * as Effect from "effect/Effect"
import { answer, answeredBefore, idOf } from "../door/Asking.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { invalidField, notFound } from "../door/Fault.ts"
import { communitiesOf, peopleOf, personOf } from "../resource/CommunityLists.ts"
import { isId } from "../resource/Fields.ts"
import { invite } from "../resource/Invitation.ts"
import { termsOf } from "../resource/Person.ts"
import { ownContact } from "./OwnContact.ts"
import * as Api from "./PeopleApi.ts"

/** The id of a thing in the path; what can be no id names nothing. */
const pathId = (params: Call<unknown, unknown>["params"], name: string, what: string) => {
  const id = params[name] ?? ""
  return isId(id) ? Effect.succeed(id.toLowerCase()) : Effect.fail(notFound(what, id))
}
const relationshipOf = (params: Call<unknown, unknown>["params"]) =>
  pathId(params, "relationship_id", "community person")

const findPerson = Effect.fnUntraced(function* (call: Call<unknown, unknown>) {
  const ownerId = yield* ownContact(call)
  const relationshipId = yield* relationshipOf(call.params)
  const found = yield* personOf(call.principal.business, ownerId, relationshipId)
  return { ownerId, relationshipId, found }
})

export const peopleRoutes = [
  serve(
    Api.listPeople,
    Effect.fnUntraced(function* (call) {
      const ownerId = yield* ownContact(call)
      return { body: yield* peopleOf(call.principal.business, ownerId, { ...call.query, states: ["ACCEPTED"] }) }
    })
  ),
  serve(
    Api.invitePerson,
    Effect.fnUntraced(function* (call) {
      const ownerId = yield* ownContact(call)
      const { answer, replayed } = yield* invite(call, ownerId, call.body, { joinsAtOnce: false })
      return { body: { id: idOf(answer) }, replayed }
    })
  ),
  serve(
    Api.getPerson,
    Effect.fnUntraced(function* (call) {
      const { relationshipId, found } = yield* findPerson(call)
      if (found === undefined) return yield* Effect.fail(notFound("community person", relationshipId))
      return { body: found.person, seq: found.seq }
    })
  ),
  serve(
    Api.updatePerson,
    Effect.fnUntraced(function* (call) {
      const { ownerId, relationshipId, found } = yield* findPerson(call)
      const body = { id: relationshipId }
      if (found === undefined) {
        const answered = yield* answeredBefore(call)
        if (answered === undefined) return yield* Effect.fail(notFound("community person", relationshipId))
        return { body, replayed: true }
      }
      const { id, ...given } = call.body
      if (id !== undefined && id.toLowerCase() !== relationshipId) {
        return yield* Effect.fail(invalidField("/id", "It is not the id of the person in the path."))
      }
      const terms = yield* termsOf(given, call.principal.business, found.relation.terms)
      const command = { _tag: "UpdatePerson" as const, relationshipId, terms }
      const { replayed, seq } = yield* answer(call, ownerId, command, { expectedSeq: call.expectedSeq })
      return { body, replayed, seq }
    })
  ),
  serve(
    Api.removePerson,
    Effect.fnUntraced(function* (call) {
      const ownerId = yield* ownContact(call)
      const relationshipId = yield* relationshipOf(call.params)
      const command = { _tag: "RemovePerson" as const, relationshipId }
      const { replayed } = yield* answer(call, ownerId, command, { expectedSeq: call.expectedSeq })
      return { body: undefined, replayed }
    })
  ),
  serve(
    Api.answerInvitation,
    Effect.fnUntraced(function* (call) {
      const memberId = yield* ownContact(call)
      const relationshipId = yield* relationshipOf(call.params)
      const body = { id: relationshipId }
      const actors = yield* Actors
      const member = yield* actors.read(call.principal.business.id, memberId, "contact")
      const membership = member.state.memberships.find((each) => each.relationshipId === relationshipId)
      if (membership === undefined) {
        // A rejected invitation is gone from her view; asked again, the answer is the same.
        const answered = yield* answeredBefore(call)
        if (answered === undefined) return yield* Effect.fail(notFound("invitation", relationshipId))
        return { body, replayed: true }
      }
      const command = { _tag: "RespondToInvitation" as const, relationshipId, memberId, action: call.body.action }
      const { replayed } = yield* answer(call, membership.ownerId, command)
      return { body, replayed }
    })
  ),
  serve(
    Api.listCommunities,
    Effect.fnUntraced(function* (call) {
      const memberId = yield* ownContact(call)
      return { body: yield* communitiesOf(call.principal.business, memberId, call.query) }
    })
  ),
  serve(
    Api.leaveCommunity,
    Effect.fnUntraced(function* (call) {
      const memberId = yield* ownContact(call)
      const ownerId = yield* pathId(call.params, "community_owner_id", "community")
      const { replayed } = yield* answer(call, ownerId, { _tag: "LeaveCommunity", memberId })
      return { body: undefined, replayed }
    })
  )
]
