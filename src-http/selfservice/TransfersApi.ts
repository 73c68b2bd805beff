/**
 * Transfers between wallets, wire-compatible with the published description. It lists only the publishable key as
 * security; money is not moved on that here: the origin's own token is demanded, or the secret key.
 */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Amount, Id, Instant, Line } from "../resource/Fields.ts"

/** There are no accounts yet: one that is named is refused, whatever it is called. */
const Side = Schema.Struct({ account_id: Schema.optionalKey(Line), wallet_id: Schema.optionalKey(Id) })

export const postTransfer = declare({
  method: "POST",
  path: "/self-service/v2/transfers",
  tag: "Contact Financials",
  name: "postTransfer",
  summary: "Transfer money to another wallet",
  description:
    "From the open pocket of the origin; to the open pocket of the destination, or with a commerce pool under its " +
    "conditions. Both legs are booked or neither. A given `id` names the request as an Idempotency-Key would.",
  access: "contact-or-secret",
  body: Schema.Struct({
    id: Schema.optionalKey(Id),
    origin: Side,
    destination: Side,
    /** Epoch seconds, of today. */
    transfer_date: Schema.optionalKey(Instant),
    /** In the wallets' currency. */
    amount: Amount,
    /** 16 digits; generated when it is absent. */
    code: Schema.optionalKey(
      Schema.String.check(Schema.isPattern(/^\d{16}$/, { message: "A transfer's code has 16 digits." }))
    ),
    cash_pocket: Schema.optionalKey(Schema.Boolean),
    commerce_pool_id: Schema.optionalKey(Id),
    notes: Schema.optionalKey(Line)
  }),
  // The origin is in the body that the name stands for, so nobody else's transfer can be met by it.
  identityOf: (body) => (body.id === undefined ? undefined : `transfer\n${body.id.toLowerCase()}`),
  status: 201,
  success: Schema.Struct({ id: Schema.String })
})
