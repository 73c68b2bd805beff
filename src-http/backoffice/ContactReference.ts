/** Which contact a path means: the back office names one by id, or by the contact code wherever an id stands. */
import { Actors } from "#runtime/actor/Actors.ts"
import { Identification, medium } from "#runtime/actor/Identification.ts"
import * as Effect from "effect/Effect"
import type { Principal } from "../door/Principal.ts"
import { notFound } from "../door/Fault.ts"
import { isId } from "../resource/Fields.ts"

/** The contact, or 404. A code may look like an id: an id comes first. */
export const findContact = Effect.fnUntraced(function* ({ business }: Principal, reference: string) {
  const actors = yield* Actors
  if (isId(reference)) {
    const contact = yield* actors.read(business.id, reference.toLowerCase(), "contact")
    if (contact.state.id !== "") return contact
  }
  const identification = yield* Identification
  const holder = yield* identification
    .identify(business.id, [medium("code", reference)])
    .pipe(Effect.catchTag("NotIdentified", () => Effect.fail(notFound("contact", reference))))
  return yield* actors.read(business.id, holder, "contact")
})
