/** A contact's token is good for that contact alone: whatever else a path names, it is refused before anything is read. */
import * as Effect from "effect/Effect"
import type { Call } from "../door/Endpoint.ts"
import { type Fault, forbidden, notFound } from "../door/Fault.ts"
import { isId } from "../resource/Fields.ts"

/** The contact of the path: with a token her own, with a secret key any of the business. */
export const ownContact = ({
  principal,
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">): Effect.Effect<string, Fault> => {
  const given = params["id"] ?? ""
  if (!isId(given)) return Effect.fail(notFound("contact", given))
  const id = given.toLowerCase()
  return principal.contactId !== undefined && principal.contactId !== id
    ? Effect.fail(forbidden("The token is of another contact; each may only ask about herself."))
    : Effect.succeed(id)
}
