/**
 * A command that an automation wants a person to decide about (AUT-5). It waits at the contact's key with all that it says,
 * sealed, for seven days at most; nothing else of it exists meanwhile, not even a value that it would take.
 *
 *     Absent --CommandHeld--> Pending --HeldApproved--> Approved | --HeldRejected--> Rejected | --HeldLapsed--> Lapsed
 */
import * as Schema from "effect/Schema"
import { Judge } from "../automation/Judges.ts"
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import { Personal } from "../shared/Personal.ts"
import { GeneratedCode, heldFields } from "./HeldCommand.ts"
import { HeldEvent } from "./HeldEvent.ts"

export const HeldStanding = Schema.Literals(["PENDING", "APPROVED", "REJECTED", "LAPSED"])
export type HeldStanding = typeof HeldStanding.Type

export const HeldState = Schema.Struct({
  /** Empty until it is held. */
  id: Schema.String,
  state: HeldStanding,
  trigger: Schema.Literals(["PRIOR_TO_CREATION", "PRIOR_TO_UPDATE"]),
  commandId: Schema.String,
  contactId: Schema.String,
  /** Gone once it is decided. */
  command: Schema.optionalKey(Personal(heldFields.command)),
  generated: Schema.Array(GeneratedCode),
  heldBy: Schema.Array(Judge),
  heldAt: Schema.Int,
  expiresAt: Schema.Int
})
export type HeldState = typeof HeldState.Type

const initial: HeldState = {
  id: "",
  state: "PENDING",
  trigger: "PRIOR_TO_CREATION",
  commandId: "",
  contactId: "",
  generated: [],
  heldBy: [],
  heldAt: 0,
  expiresAt: 0
}

const ended = ({ command: _, ...held }: HeldState, state: HeldStanding): HeldState => ({ ...held, state })

const evolve = (held: HeldState, event: HeldEvent): HeldState => {
  switch (event._tag) {
    case "CommandHeld": {
      const { _tag, heldId, at, ...rest } = event
      return { ...held, ...rest, id: heldId, state: "PENDING", heldAt: at }
    }
    case "HeldApproved":
      return ended(held, "APPROVED")
    case "HeldRejected":
      return ended(held, "REJECTED")
    case "HeldLapsed":
      return ended(held, "LAPSED")
    default:
      return absurd(event)
  }
}

export const held = defineAggregate({
  kind: "held",
  code: 10,
  State: HeldState,
  stateVersion: 1,
  initial,
  Event: HeldEvent,
  evolve
})
