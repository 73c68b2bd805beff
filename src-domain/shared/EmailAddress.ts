/** One e-mail address of the business's own people, as far as its text tells; a contact's is a claim, and judged as one. */
import * as Schema from "effect/Schema"

export const EmailAddress = Schema.String.check(
  Schema.isPattern(/^[^\s@,;<>]+@[^\s@,;<>]+$/, { message: "An e-mail address has a name, an @ and a domain." }),
  Schema.isMaxLength(254)
)
