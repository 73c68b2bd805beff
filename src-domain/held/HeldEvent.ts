/** Facts about a command that waits, or waited, for somebody's approval. */
import * as Schema from "effect/Schema"
import { heldFields } from "./HeldCommand.ts"

const CommandHeld = Schema.TaggedStruct("CommandHeld", {
  ...heldFields,
  /** The request that waits for the end of it. */
  commandId: Schema.String,
  contactId: Schema.String,
  trigger: Schema.Literals(["PRIOR_TO_CREATION", "PRIOR_TO_UPDATE"]),
  expiresAt: Schema.Int,
  at: Schema.Int
})
const end = { heldId: Schema.String, at: Schema.Int }
/** The facts that the command made stand beside it, in the same commit. */
const HeldApproved = Schema.TaggedStruct("HeldApproved", end)
const HeldRejected = Schema.TaggedStruct("HeldRejected", end)
const HeldLapsed = Schema.TaggedStruct("HeldLapsed", end)

export const HeldEvent = Schema.Union([CommandHeld, HeldApproved, HeldRejected, HeldLapsed])
export type HeldEvent = typeof HeldEvent.Type
