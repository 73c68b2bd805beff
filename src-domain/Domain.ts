/** The domain, whole: one line an aggregate, one line a decider. This is all that the runtime is given. */
import { automations } from "./automation/Automations.ts"
import { automationsDecider } from "./automation/AutomationsDecider.ts"
import { award } from "./award/Award.ts"
import { awardDecider } from "./award/AwardDecider.ts"
import { business } from "./organisation/BusinessAggregate.ts"
import { businessDecider } from "./organisation/BusinessDecider.ts"
import { contact } from "./contact/Contact.ts"
import { contactDecider } from "./contact/ContactDecider.ts"
import { community } from "./community/Community.ts"
import { communityDecider } from "./community/CommunityDecider.ts"
import { held } from "./held/Held.ts"
import { heldDecider } from "./held/HeldDecider.ts"
import { purchase } from "./purchase/Purchase.ts"
import { purchaseDecider } from "./purchase/PurchaseDecider.ts"
import { planDecider, plans, templateDecider, templates } from "./communication/CommunicationDefinitions.ts"
import { segmentDecider, segments } from "./segment/Segment.ts"
import { endpointDecider, endpoints } from "./webhook/Endpoint.ts"

export const aggregates = {
  business,
  contact,
  community,
  purchase,
  award,
  automations,
  held,
  segments,
  endpoints,
  templates,
  plans
}

export const deciders = [
  businessDecider,
  contactDecider,
  communityDecider,
  purchaseDecider,
  awardDecider,
  automationsDecider,
  heldDecider,
  segmentDecider,
  endpointDecider,
  templateDecider,
  planDecider
] as const
