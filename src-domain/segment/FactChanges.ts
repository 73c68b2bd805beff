/**
 * Which events leave a profile document, or what is asked of it, as it is: tokens and codes, timers and messages on their way
 * are no facts of a profile, and some events change one field alone. Whoever knows her as she was later than asked about knows
 * her as she was then, if nothing but these has come since.
 */
import type { ContactEvent } from "../contact/ContactEvent.ts"
import { placeOf } from "./FactAccess.ts"

const changingNothing: ReadonlyArray<ContactEvent["_tag"]> = [
  "TokenIssued",
  "TokenUsed",
  "WalletCodeRotated",
  "TimerArmed",
  "CommunicationRequested",
  "SendAuthorized",
  "CommunicationCompleted",
  "CommunicationRejected",
  "CommunicationMarked"
]
const changingOne: ReadonlyArray<readonly [ContactEvent["_tag"], string]> = [
  ["InteractionStateChanged", "interaction_state"],
  ["TagsChanged", "tags"],
  ["ConsentChanged", "consent"],
  ["SpendBlockChanged", "spend_blocked"]
]
/** The types of events that change none of these fields of a profile document. */
export const typesAside = (fields: ReadonlySet<string>): ReadonlyArray<ContactEvent["_tag"]> => {
  const asked = new Set(Array.from(fields, (path) => placeOf(path)[0]))
  return [...changingNothing, ...changingOne.flatMap(([type, field]) => (asked.has(field) ? [] : [type]))]
}
