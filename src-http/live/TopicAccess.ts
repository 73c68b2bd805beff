/**
 * Who may follow what: a secret key any topic of its business; a contact her own wallet and contact, and the communities
 * that she owns or is an accepted member of. The answer to anything else does not tell whether it exists.
 */
import { relationWith } from "#domain/community/Community.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import * as Effect from "effect/Effect"
import { type Fault, forbidden, notFound } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import type { TopicName } from "./Protocol.ts"

/** Judges the state that the topic's feed follows; `undefined`: go ahead. */
export type Admission = (state: unknown) => Fault | undefined

const everybody: Admission = () => undefined

export const admissionTo = Effect.fnUntraced(function* (
  principal: Principal,
  { feed, key }: TopicName & { readonly feed: Exclude<TopicName["feed"], "segment"> }
): Effect.fn.Return<Admission, Fault | RuntimeRefusal, Actors> {
  const { business, contactId } = principal
  const actors = yield* Actors
  const noSuchContact = notFound("contact", key)
  const refusal = forbidden("This topic is not yours to follow.")
  if (contactId === undefined || contactId === key) {
    if (feed !== "community") return (state) => ((state as ContactState).id === "" ? noSuchContact : undefined)
    const owner = yield* actors.read(business.id, key, "contact")
    return owner.state.id === "" ? yield* Effect.fail(noSuchContact) : everybody
  }
  if (feed !== "community") return yield* Effect.fail(refusal)
  // What she knows of it first: nobody can make the communities of strangers be read.
  const member = yield* actors.read(business.id, contactId, "contact")
  if (!member.state.memberships.some(({ ownerId }) => ownerId === key)) return yield* Effect.fail(refusal)
  return (state) => (relationWith(state as CommunityState, contactId)?.state === "ACCEPTED" ? undefined : refusal)
})
