/** Judges what is asked of an award, together with the wallet that it is in and the purchase that it is for. */
import type { ContactState } from "../contact/ContactState.ts"
import type { PurchaseState } from "../purchase/PurchaseState.ts"
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import type { AwardState } from "./Award.ts"
import { AwardCommand } from "./AwardCommand.ts"
import { giveAward } from "./GiveAward.ts"
import { reverseAward } from "./ReverseAward.ts"

export interface States {
  readonly contact: ContactState
  readonly award: AwardState
  /** Of one that is for a purchase. */
  readonly purchase?: PurchaseState
}

export const awardDecider = defineDecider<States, AwardCommand>({
  commands: AwardCommand.members.map((member) => member.fields._tag.schema.literal),
  needs: ({ awardId, purchaseId }, key) => ({
    contact: key,
    award: awardId,
    ...(purchaseId !== undefined && { purchase: purchaseId })
  }),
  births: { GiveAward: "award" },
  decide: (states, command, turn) => {
    switch (command._tag) {
      case "GiveAward":
        return giveAward(states, command, turn)
      case "ReverseAward":
        return reverseAward(states, command, turn)
      default:
        return absurd(command)
    }
  }
})
