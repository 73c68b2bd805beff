/** Judges what is asked of a community and of the wallet that its owner shares: both in one turn, at the owner's key. */
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import * as Result from "effect/Result"
import { objectionToDealing } from "../contact/Consent.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { CommunityCommand } from "./CommunityCommand.ts"
import { drawSharedFunds, returnSharedFunds } from "./Draw.ts"
import { expireInvitations, invite, leave, remove, respond, update } from "./People.ts"
import type { States } from "./People.ts"

/** CON-5: what the owner asks for herself; her members, their draws and time are answered all the same. */
const asOwner = (states: States, turn: Turn, judgement: () => Judgement): Judgement => {
  const objection = objectionToDealing(states.contact, turn)
  return objection === undefined ? judgement() : Result.fail(objection)
}

export const communityDecider = defineDecider<States, CommunityCommand>({
  commands: CommunityCommand.members.map((member) => member.fields._tag.schema.literal),
  // The community first: its sequence number is the one that If-Match means.
  needs: (_command, key) => ({ community: key, contact: key }),
  decide: (states, command, turn) => {
    switch (command._tag) {
      case "InvitePerson":
        return asOwner(states, turn, () => invite(states, command, turn))
      case "RespondToInvitation":
        return respond(states, command, turn)
      case "LeaveCommunity":
        return leave(states, command, turn)
      case "RemovePerson":
        return asOwner(states, turn, () => remove(states, command, turn))
      case "UpdatePerson":
        return asOwner(states, turn, () => update(states, command, turn))
      case "ExpireInvitations":
        return expireInvitations(states, turn)
      case "DrawSharedFunds":
        return drawSharedFunds(states, command, turn)
      case "ReturnSharedFunds":
        return returnSharedFunds(states, command, turn)
      default:
        return absurd(command)
    }
  }
})
