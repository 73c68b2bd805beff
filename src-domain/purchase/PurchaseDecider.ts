/** Judges what is asked of a purchase, together with the wallet of the contact who bought: both live at her key. */
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import { cancelPurchase } from "./CancelPurchase.ts"
import { completePurchase } from "./CompletePurchase.ts"
import { postPurchase } from "./PostPurchase.ts"
import type { States } from "./Posting.ts"
import { PurchaseCommand } from "./PurchaseCommand.ts"

export const purchaseDecider = defineDecider<States, PurchaseCommand>({
  commands: PurchaseCommand.members.map((member) => member.fields._tag.schema.literal),
  needs: (command, key) => ({ contact: key, purchase: command.purchaseId }),
  births: { PostPurchase: "purchase" },
  decide: (states, command, turn) => {
    switch (command._tag) {
      case "PostPurchase":
        return postPurchase(states, command, turn)
      case "CompletePurchase":
        return completePurchase(states, command, turn)
      case "CancelPurchase":
        return cancelPurchase(states, command, turn)
      default:
        return absurd(command)
    }
  }
})
