/** The domain, whole: one line an aggregate, one line a decider. This is all that the runtime is given. */
import { business } from "./organisation/BusinessAggregate.ts"
import { businessDecider } from "./organisation/BusinessDecider.ts"
import { contact } from "./contact/Contact.ts"
import { contactDecider } from "./contact/ContactDecider.ts"
import { community } from "./community/Community.ts"
import { communityDecider } from "./community/CommunityDecider.ts"
import { purchase } from "./purchase/Purchase.ts"
import { purchaseDecider } from "./purchase/PurchaseDecider.ts"

export const aggregates = { business, contact, community, purchase }

export const deciders = [businessDecider, contactDecider, communityDecider, purchaseDecider] as const
