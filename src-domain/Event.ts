/** Every event of the domain, by the aggregate whose stream it stands in. Tags are unique over all of them. */
import * as Schema from "effect/Schema"
import { AutomationEvent } from "./automation/Automations.ts"
import { AwardEvent } from "./award/Award.ts"
import { CommunityEvent } from "./community/CommunityEvent.ts"
import { ContactEvent } from "./contact/ContactEvent.ts"
import { BusinessEvent } from "./organisation/BusinessEvent.ts"
import { HeldEvent } from "./held/HeldEvent.ts"
import { PurchaseEvent } from "./purchase/PurchaseEvent.ts"
import { PlanEvent, TemplateEvent } from "./communication/CommunicationDefinitions.ts"
import { SegmentEvent } from "./segment/Segment.ts"
import { EndpointEvent } from "./webhook/Endpoint.ts"

export const Event = Schema.Union([
  BusinessEvent,
  ContactEvent,
  CommunityEvent,
  PurchaseEvent,
  AwardEvent,
  AutomationEvent,
  HeldEvent,
  SegmentEvent,
  EndpointEvent,
  TemplateEvent,
  PlanEvent
])
export type Event = typeof Event.Type
