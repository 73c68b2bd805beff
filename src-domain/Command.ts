/** Every command of the domain: what arrives at a placement key. The tag decides who judges it (`Domain.ts`). */
import * as Schema from "effect/Schema"
import { AutomationCommand } from "./automation/Automations.ts"
import { CommunityCommand } from "./community/CommunityCommand.ts"
import { ContactCommand } from "./contact/ContactCommand.ts"
import { AwardCommand } from "./award/AwardCommand.ts"
import { BusinessCommand } from "./organisation/BusinessCommand.ts"
import { HeldCommand } from "./held/HeldCommand.ts"
import { PurchaseCommand } from "./purchase/PurchaseCommand.ts"
import { PlanCommand, TemplateCommand } from "./communication/CommunicationDefinitions.ts"
import { SegmentCommand } from "./segment/Segment.ts"
import { EndpointCommand } from "./webhook/Endpoint.ts"

export const Command = Schema.Union([
  BusinessCommand,
  ContactCommand,
  CommunityCommand,
  PurchaseCommand,
  AwardCommand,
  AutomationCommand,
  HeldCommand,
  SegmentCommand,
  EndpointCommand,
  TemplateCommand,
  PlanCommand
])
export type Command = typeof Command.Type
