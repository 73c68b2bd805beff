/**
 * Who is in the community: invitation, answer, leaving, removal and the terms of each person (COM-1..4, SHR-1). Every
 * change is told to the person concerned, numbered by the community's revision, so that her own view follows.
 */
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import type { ContactState } from "../contact/ContactState.ts"
import type { Membership } from "../contact/Membership.ts"
import type { Business } from "../organisation/Business.ts"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Message, Timer, Turn } from "../shared/Decision.ts"
import { relationById, relationWith } from "./Community.ts"
import type { CommunityCommand } from "./CommunityCommand.ts"
import type { CommunityEvent } from "./CommunityEvent.ts"
import type { CommunityState, Relation, Terms } from "./CommunityState.ts"

export interface States {
  readonly contact: ContactState
  readonly community: CommunityState
}

type Of<Tag extends CommunityCommand["_tag"]> = Extract<CommunityCommand, { readonly _tag: Tag }>

export const invitationValidityMs = 30 * 24 * 60 * 60 * 1000
export const peopleMax = 1_000

interface Change {
  readonly event: CommunityEvent
  /** What the person is told. */
  readonly standing: Membership["state"]
  readonly terms: Terms
}

const announcement = (states: States, { event, standing, terms }: Change, index: number): Message => {
  const { relationshipId, memberId } = event
  const revision = states.community.revision + index + 1
  const sharing = (standing === "PENDING" || standing === "ACCEPTED") && terms.walletSharing.isEnabled
  return {
    id: `${relationshipId}/${revision}`,
    to: memberId,
    command: {
      _tag: "NoteMembership",
      membership: { ownerId: states.contact.id, relationshipId, state: standing, sharing, revision }
    }
  }
}

const decide = (
  states: States,
  id: string,
  changes: ReadonlyArray<Change>,
  timers: ReadonlyArray<Timer> = []
): Judgement =>
  Result.succeed({
    events: changes.map((change) => change.event),
    answer: { _tag: "Done", id },
    messages: changes.map((change, index) => announcement(states, change, index)),
    timers
  })

/** It was done before: the same answer, and nothing more. */
const repeated = (relationshipId: string): Judgement =>
  Result.succeed({ events: [], answer: { _tag: "Done", id: relationshipId } })

const facts = ({ relationshipId, memberId }: Relation, turn: Turn) => ({ relationshipId, memberId, at: turn.at })

/** COM-4; also before its timer has come round to it. */
const hasLapsed = (relation: Relation, at: number): boolean =>
  relation.state === "PENDING" && relation.expiresAt !== undefined && relation.expiresAt <= at

const lapse = (relation: Relation, turn: Turn): Change => ({
  event: { _tag: "InvitationExpired", ...facts(relation, turn) },
  standing: "ENDED",
  terms: relation.terms
})

const judgeTerms = ({ walletSharing }: Terms, business: Business): Refusal | undefined => {
  if (walletSharing.method === "MANUAL") return { _tag: "NotSupported", feature: "wallet sharing by the method MANUAL" }
  if (walletSharing.maxAmount !== undefined && walletSharing.maxAmount < 0n) {
    return { _tag: "InvalidAmount", field: "wallet_sharing.max_amount", rule: "A limit is not below zero." }
  }
  const unknown = walletSharing.poolIds.find((id) => !Object.hasOwn(business.pools, id))
  return unknown === undefined ? undefined : { _tag: "PoolNotFound", id: unknown }
}

const judgeInvitation = (
  { contact, community }: States,
  command: Of<"InvitePerson">,
  turn: Turn
): Refusal | undefined => {
  if (contact.id === "") return { _tag: "ContactNotFound", id: turn.key }
  if (command.memberId === contact.id) return { _tag: "OwnerInvitedSelf", id: contact.id }
  if (command.memberType !== "PERSON") return { _tag: "MemberNotPerson", id: command.memberId }
  const relation = relationWith(community, command.memberId)
  if (relation !== undefined && relation.state !== "REJECTED" && !hasLapsed(relation, turn.at)) {
    return { _tag: "AlreadyInCommunity", relationshipId: relation.relationshipId, state: relation.state }
  }
  if (relation === undefined && community.relations.length >= peopleMax) {
    return { _tag: "TooManyPeople", limit: peopleMax }
  }
  return judgeTerms(command.terms, turn.business)
}

/** COM-1: by the app it waits for an answer, by the back office it is settled at once. */
export const invite = (states: States, command: Of<"InvitePerson">, turn: Turn): Judgement => {
  const { relationshipId, memberId, terms, joinsAtOnce } = command
  const relation = relationWith(states.community, memberId)
  if (relation?.relationshipId === relationshipId) return repeated(relationshipId)
  const refusal = judgeInvitation(states, command, turn)
  if (refusal !== undefined) return Result.fail(refusal)

  const expiresAt = turn.at + invitationValidityMs
  const standing = joinsAtOnce ? "ACCEPTED" : "PENDING"
  const invited: Change = {
    event: {
      _tag: "PersonInvited",
      relationshipId,
      memberId,
      ownerId: states.contact.id,
      terms,
      state: standing,
      ...(!joinsAtOnce && { expiresAt }),
      at: turn.at
    },
    standing,
    terms
  }
  const lapsed = relation !== undefined && hasLapsed(relation, turn.at) ? [lapse(relation, turn)] : []
  const timer: Timer = { name: `invitation/${relationshipId}`, at: expiresAt, command: { _tag: "ExpireInvitations" } }
  return decide(states, relationshipId, [...lapsed, invited], joinsAtOnce ? [] : [timer])
}

export const respond = (states: States, command: Of<"RespondToInvitation">, turn: Turn): Judgement => {
  const { relationshipId, memberId, action } = command
  const relation = relationWith(states.community, memberId)
  if (relation?.relationshipId !== relationshipId) return Result.fail({ _tag: "RelationNotFound", id: relationshipId })
  const standing = action === "ACCEPT" ? "ACCEPTED" : "REJECTED"
  if (relation.state === standing) return repeated(relationshipId)
  if (relation.state !== "PENDING" || hasLapsed(relation, turn.at)) {
    const state = relation.state === "PENDING" ? "EXPIRED" : relation.state
    return Result.fail({ _tag: "InvitationNotPending", id: relationshipId, state })
  }
  const tag = action === "ACCEPT" ? "InvitationAccepted" : "InvitationRejected"
  return decide(states, relationshipId, [
    { event: { _tag: tag, ...facts(relation, turn) }, standing, terms: relation.terms }
  ])
}

/** COM-4: from this commit on nothing more is drawn; an invitation that waits is declined for good by it. */
export const leave = (states: States, command: Of<"LeaveCommunity">, turn: Turn): Judgement => {
  const relation = relationWith(states.community, command.memberId)
  if (relation === undefined || relation.state === "REJECTED") {
    return Result.fail({ _tag: "RelationNotFound", id: command.memberId })
  }
  return decide(states, relation.relationshipId, [
    { event: { _tag: "PersonLeft", ...facts(relation, turn) }, standing: "ENDED", terms: relation.terms }
  ])
}

export const remove = (states: States, command: Of<"RemovePerson">, turn: Turn): Judgement => {
  const relation = relationById(states.community, command.relationshipId)
  if (relation === undefined) return Result.fail({ _tag: "RelationNotFound", id: command.relationshipId })
  return decide(states, relation.relationshipId, [
    { event: { _tag: "PersonRemoved", ...facts(relation, turn) }, standing: "ENDED", terms: relation.terms }
  ])
}

export const update = (states: States, command: Of<"UpdatePerson">, turn: Turn): Judgement => {
  const { relationshipId, terms } = command
  const relation = relationById(states.community, relationshipId)
  if (relation === undefined) return Result.fail({ _tag: "RelationNotFound", id: relationshipId })
  if (relation.state === "REJECTED" || hasLapsed(relation, turn.at)) {
    const state = relation.state === "REJECTED" ? relation.state : "EXPIRED"
    return Result.fail({ _tag: "InvitationNotPending", id: relationshipId, state })
  }
  if (Equal.equals(relation.terms, terms)) return repeated(relationshipId)
  const refusal = judgeTerms(terms, turn.business)
  if (refusal !== undefined) return Result.fail(refusal)
  return decide(states, relationshipId, [
    { event: { _tag: "PersonUpdated", ...facts(relation, turn), terms }, standing: relation.state, terms }
  ])
}

/** Every invitation that is due, however late the timer is; another one may have done it already. */
export const expireInvitations = (states: States, turn: Turn): Judgement => {
  const due = states.community.relations.filter((relation) => hasLapsed(relation, turn.at))
  return decide(
    states,
    states.contact.id,
    due.map((relation) => lapse(relation, turn))
  )
}
