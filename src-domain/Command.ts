/** Every command of the domain: what arrives at a placement key. The tag decides who judges it (`Domain.ts`). */
import * as Schema from "effect/Schema"
import { CommunityCommand } from "./community/CommunityCommand.ts"
import { ContactCommand } from "./contact/ContactCommand.ts"
import { BusinessCommand } from "./organisation/BusinessCommand.ts"
import { PurchaseCommand } from "./purchase/PurchaseCommand.ts"

export const Command = Schema.Union([BusinessCommand, ContactCommand, CommunityCommand, PurchaseCommand])
export type Command = typeof Command.Type
