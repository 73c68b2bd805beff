/** Every event of the domain, by the aggregate whose stream it stands in. Tags are unique over all of them. */
import * as Schema from "effect/Schema"
import { CommunityEvent } from "./community/CommunityEvent.ts"
import { ContactEvent } from "./contact/ContactEvent.ts"
import { BusinessEvent } from "./organisation/BusinessEvent.ts"
import { PurchaseEvent } from "./purchase/PurchaseEvent.ts"

export const Event = Schema.Union([BusinessEvent, ContactEvent, CommunityEvent, PurchaseEvent])
export type Event = typeof Event.Type
