/** What a command would make of a contact if nobody stood in its way: what prior-to automations look at (AUT-2). */
import * as Result from "effect/Result"
import { contact } from "../contact/Contact.ts"
import { contactDecider } from "../contact/ContactDecider.ts"
import type { ContactEvent } from "../contact/ContactEvent.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Turn } from "../shared/Decision.ts"
import { type Judged, judged, requiredJudges } from "./PriorTo.ts"

/** `undefined` where it would be refused as things stand, or change nothing: then there is nothing to judge. */
export const proposal = (
  before: ContactState,
  command: Judged,
  turn: Omit<Turn, "commandId">
): ContactState | undefined => {
  const judgedBy = requiredJudges(turn.business.priorAutomations, command)
  const judgement = contactDecider.decide({ contact: before }, judged(before, command, judgedBy), {
    ...turn,
    commandId: ""
  })
  if (Result.isFailure(judgement) || judgement.success.events.length === 0) return undefined
  return (judgement.success.events as ReadonlyArray<ContactEvent>).reduce(contact.evolve, before)
}
