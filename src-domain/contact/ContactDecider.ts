/**
 * Judges every command that concerns one contact and its wallet alone. Each judgement is a small function in the file of
 * its topic; here is who gets what, and the few that have no topic of their own.
 */
import * as Result from "effect/Result"
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { changeActivity, closeActivity, scheduleActivity } from "./Activity.ts"
import { changeConsent, changeOptOut, objectionToCommand } from "./Consent.ts"
import type { ChangePoolActivation, ChangeSpendBlock, NoteMembership } from "./ContactCommand.ts"
import { ContactCommand } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"
import { registerDevice, removeDevice } from "./Device.ts"
import { review } from "./Engagement.ts"
import { expireLots } from "./Expiry.ts"
import { postJournal } from "./Journals.ts"
import { addIdentifiers, registerContact, updateContact } from "./Registration.ts"
import {
  authorizeSend,
  completeCommunication,
  markCommunication,
  rejectCommunication,
  reportUndelivered,
  requestCommunication
} from "./Sending.ts"
import { changeTags } from "./Tags.ts"
import { issueToken, rotateWalletCode } from "./Tokens.ts"
import { completeTransfer, receiveTransfer, sendTransfer } from "./Transfers.ts"

/** The community decides; an older view of it never replaces a newer one. */
const noteMembership = (contact: ContactState, { membership }: typeof NoteMembership.Type, turn: Turn): Judgement => {
  const answer = { _tag: "Done", id: membership.relationshipId } as const
  const known = contact.memberships.find((other) => other.ownerId === membership.ownerId)
  const isOver = membership.state === "ENDED" || membership.state === "REJECTED"
  const isNews = known === undefined ? !isOver : known.revision < membership.revision
  if (contact.id === "" || !isNews) return Result.succeed({ events: [], answer })
  const from = known === undefined ? {} : { from: known.state }
  return Result.succeed({ events: [{ _tag: "MembershipChanged", membership, ...from, at: turn.at }], answer })
}

const changePoolActivation = (
  contact: ContactState,
  { poolId, active }: typeof ChangePoolActivation.Type,
  turn: Turn
): Judgement => {
  const pool = turn.business.pools[poolId]
  if (pool === undefined) return Result.fail({ _tag: "PoolNotFound", id: poolId })
  if (!pool.needsActivation) return Result.fail({ _tag: "PoolNotActivatable", id: poolId })
  return Result.succeed({
    events:
      contact.activePoolIds.includes(poolId) === active
        ? []
        : [{ _tag: "PoolActivationChanged", poolId, active, at: turn.at }],
    answer: { _tag: "Done", id: poolId }
  })
}

const changeSpendBlock = (contact: ContactState, { blocked }: typeof ChangeSpendBlock.Type, turn: Turn): Judgement =>
  Result.succeed({
    events: contact.spendBlocked === blocked ? [] : [{ _tag: "SpendBlockChanged", blocked, at: turn.at }],
    answer: { _tag: "Done", id: contact.id }
  })

type OfRegistered = Exclude<ContactCommand, { _tag: "RegisterContact" | "ReceiveTransfer" | "NoteMembership" }>

const decideRegistered = (contact: ContactState, command: OfRegistered, turn: Turn): Judgement => {
  switch (command._tag) {
    case "UpdateContact":
      return updateContact(contact, command, turn)
    case "AddIdentifiers":
      return addIdentifiers(contact, command, turn)
    case "PostJournal":
      return postJournal(contact, command, turn)
    case "SendTransfer":
      return sendTransfer(contact, command, turn)
    case "CompleteTransfer":
      return completeTransfer(contact, command, turn)
    case "IssueToken":
      return issueToken(contact, command, turn)
    case "RotateWalletCode":
      return rotateWalletCode(contact, command, turn)
    case "ChangePoolActivation":
      return changePoolActivation(contact, command, turn)
    case "ChangeSpendBlock":
      return changeSpendBlock(contact, command, turn)
    case "ChangeTags":
      return changeTags(contact, command, turn)
    case "ChangeConsent":
      return changeConsent(contact, command, turn)
    case "ChangeOptOut":
      return changeOptOut(contact, command, turn)
    case "ScheduleActivity":
      return scheduleActivity(contact, command, turn)
    case "ChangeActivity":
      return changeActivity(contact, command, turn)
    case "CloseActivity":
      return closeActivity(contact, command, turn)
    case "RequestCommunication":
      return requestCommunication(contact, command, turn)
    case "AuthorizeSend":
      return authorizeSend(contact, command, turn)
    case "CompleteCommunication":
      return completeCommunication(contact, command, turn)
    case "RejectCommunication":
      return rejectCommunication(contact, command, turn)
    case "ReportUndelivered":
      return reportUndelivered(contact, command, turn)
    case "MarkCommunication":
      return markCommunication(contact, command, turn)
    case "RegisterDevice":
      return registerDevice(contact, command, turn)
    case "RemoveDevice":
      return removeDevice(contact, command, turn)
    case "ReviewInteraction":
      return Result.succeed({ ...review(contact, turn), answer: { _tag: "Done", id: contact.id } })
    case "ExpireLots":
      return expireLots(contact, turn)
    default:
      return absurd(command)
  }
}

const decide = (contact: ContactState, command: ContactCommand, turn: Turn): Judgement => {
  if (command._tag === "RegisterContact") return registerContact(contact, command, turn)
  // These two are messages of another contact: a refusal would reach nobody, and leave a sender waiting for ever.
  if (command._tag === "ReceiveTransfer") return receiveTransfer(contact, command, turn)
  if (command._tag === "NoteMembership") return noteMembership(contact, command, turn)
  if (contact.id === "") return Result.fail({ _tag: "ContactNotFound", id: turn.key })
  const objection = objectionToCommand(contact, command, turn)
  return objection === undefined ? decideRegistered(contact, command, turn) : Result.fail(objection)
}

export const contactDecider = defineDecider<{ contact: ContactState }, ContactCommand>({
  commands: ContactCommand.members.map((member) => member.fields._tag.schema.literal),
  needs: (_, key) => ({ contact: key }),
  births: { RegisterContact: "contact" },
  decide: (states, command, turn) => decide(states.contact, command, turn)
})
