/**
 * The community aggregate: folds what happened between an owner and her people, and what they drew from her wallet, into
 * one relation a person.
 *
 *     Absent --invited--> PENDING --accepted--> ACCEPTED --left, removed--> Absent
 *                            \ \--rejected--> REJECTED --invited, removed--> PENDING, Absent
 *                             \--expired, removed--> Absent
 */
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import type { DrawCounted, DrawUncounted, PersonInvited } from "./CommunityEvent.ts"
import { CommunityEvent } from "./CommunityEvent.ts"
import { CommunityState, initial } from "./CommunityState.ts"
import type { FormerUse, Relation } from "./CommunityState.ts"

const nothingUsed: Relation["used"] = { month: "", amount: 0n }

export const relationWith = (state: CommunityState, memberId: string): Relation | undefined =>
  state.relations.find((relation) => relation.memberId === memberId)

export const relationById = (state: CommunityState, relationshipId: string): Relation | undefined =>
  state.relations.find((relation) => relation.relationshipId === relationshipId)

export const formerUseOf = (state: CommunityState, memberId: string): FormerUse | undefined =>
  state.formerUse.find((former) => former.memberId === memberId)

const withRelation = (state: CommunityState, memberId: string, changes: Partial<Relation>): CommunityState => {
  const index = state.relations.findIndex((relation) => relation.memberId === memberId)
  const relation = state.relations[index]
  return relation === undefined
    ? state
    : { ...state, relations: state.relations.with(index, { ...relation, ...changes }) }
}

/** What was used before stays used, whether the person is still there or was gone for a while. */
const invited = (state: CommunityState, event: typeof PersonInvited.Type): CommunityState => {
  const { relationshipId, memberId, terms, expiresAt } = event
  const isAnother = (other: { readonly memberId: string }): boolean => other.memberId !== memberId
  const relation: Relation = {
    relationshipId,
    memberId,
    state: event.state,
    terms,
    invitedAt: event.at,
    ...(expiresAt !== undefined && { expiresAt }),
    used: (relationWith(state, memberId) ?? formerUseOf(state, memberId))?.used ?? nothingUsed
  }
  return {
    ...state,
    relations: [...state.relations.filter(isAnother), relation],
    formerUse: state.formerUse.filter(isAnother)
  }
}

/** The relation leaves; what it used of a month stays, as long as that month may still be the current one. */
const gone = (state: CommunityState, memberId: string): CommunityState => {
  const relation = relationWith(state, memberId)
  if (relation === undefined) return state
  const { relationshipId, used } = relation
  const relations = state.relations.filter((other) => other !== relation)
  if (used.amount === 0n) return { ...state, relations }
  const sameMonth = state.formerUse.filter((former) => former.used.month >= used.month)
  return { ...state, relations, formerUse: [...sameMonth, { relationshipId, memberId, used }] }
}

const drawn = (state: CommunityState, { memberId, month, amount }: typeof DrawCounted.Type): CommunityState => {
  const used = relationWith(state, memberId)?.used
  const before = used?.month === month ? used.amount : 0n
  return withRelation(state, memberId, { used: { month, amount: before + amount } })
}

/** SHR-2: room comes back to the month that the draw was counted in, while it lasts. */
export const lessUsed = (
  used: Relation["used"],
  { month, bookedInMonth, amount }: Pick<typeof DrawUncounted.Type, "month" | "bookedInMonth" | "amount">
): Relation["used"] =>
  month === bookedInMonth && used.month === month ? { month, amount: used.amount - amount } : used

const undrawn = (state: CommunityState, event: typeof DrawUncounted.Type): CommunityState => {
  const { memberId, month } = event
  if (month !== event.bookedInMonth) return state
  const less = (used: Relation["used"]): Relation["used"] => lessUsed(used, event)
  const relation = relationWith(state, memberId)
  if (relation !== undefined) return withRelation(state, memberId, { used: less(relation.used) })
  const formerUse = state.formerUse.map((former) =>
    former.memberId === memberId ? { ...former, used: less(former.used) } : former
  )
  return { ...state, formerUse }
}

const fold = (state: CommunityState, event: CommunityEvent): CommunityState => {
  switch (event._tag) {
    case "PersonInvited":
      return invited(state, event)
    case "InvitationAccepted":
      return withRelation(state, event.memberId, { state: "ACCEPTED" })
    case "InvitationRejected":
      return withRelation(state, event.memberId, { state: "REJECTED" })
    case "InvitationExpired":
    case "PersonLeft":
    case "PersonRemoved":
      return gone(state, event.memberId)
    case "PersonUpdated":
      return withRelation(state, event.memberId, { terms: event.terms })
    case "DrawCounted":
      return drawn(state, event)
    case "DrawUncounted":
      return undrawn(state, event)
    default:
      return absurd(event)
  }
}

const evolve = (state: CommunityState, event: CommunityEvent): CommunityState => ({
  ...fold(state, event),
  revision: state.revision + 1
})

export const community = defineAggregate({
  kind: "community",
  code: 3,
  State: CommunityState,
  stateVersion: 1,
  initial,
  Event: CommunityEvent,
  evolve
})
