/** Purchases as tills and integrators post them: what is sent and what is answered. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Amount, CurrencyCode, Id, Instant, Line } from "../resource/Fields.ts"
import { Purchase } from "../resource/Purchase.ts"

/** Lines of one purchase, at most. */
const linesMax = 100

export const Medium = Schema.Struct({
  type: Schema.Literals(["CARD", "PHONE", "EMAIL", "GIFT_PASS", "LOYALTY_IDENTIFIER", "WALLET_CODE", "TOKEN"]),
  /** A card number or its hash, an E.164 phone number, …: never stored, only compared by a keyed hash. */
  value: Line
})
export type Medium = typeof Medium.Type

export const PurchaseBody = Schema.Struct({
  /** One of the four; `cims` may be given instead, or besides: all must name the same contact (CIM-4). */
  contact: Schema.optionalKey(
    Schema.Struct({
      id: Schema.optionalKey(Id),
      code: Schema.optionalKey(Line),
      otp: Schema.optionalKey(Line),
      token: Schema.optionalKey(Line)
    })
  ),
  cims: Schema.optionalKey(Schema.Array(Medium).check(Schema.isMinLength(1), Schema.isMaxLength(10))),
  organisation: Schema.Struct({ id: Id }),
  /** Of the till: with the organisation it identifies the purchase (PUR-2). */
  reference_number: Schema.optionalKey(Line),
  transaction_amounts: Schema.Struct({
    net: Schema.optionalKey(Amount),
    tax: Schema.optionalKey(Amount),
    discount: Schema.optionalKey(Amount),
    total: Schema.optionalKey(Amount)
  }),
  /** Absent: the business's currency. */
  currency_code: Schema.optionalKey(CurrencyCode),
  classification: Schema.optionalKey(Schema.Struct({ name: Line })),
  products: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        product_sku: Schema.Struct({ sku: Line, name: Schema.optionalKey(Line) }),
        quantity: Schema.Finite.check(Schema.isGreaterThan(0)),
        net_amount: Schema.optionalKey(Amount),
        tax_amount: Schema.optionalKey(Amount),
        total_amount: Schema.optionalKey(Amount)
      })
    ).check(Schema.isMaxLength(linesMax))
  ),
  spend_request: Schema.optionalKey(
    Schema.Struct({
      /** Absent: as much as possible (PUR-4). */
      amount: Schema.optionalKey(Amount),
      restrict_fully_covered: Schema.optionalKey(Schema.Boolean)
    })
  ),
  /** The owner whose shared wallet pays, where there are several (SHR-4). */
  community_id: Schema.optionalKey(Id),
  /** Epoch seconds; absent: now. */
  date: Schema.optionalKey(Instant)
})
export type PurchaseBody = typeof PurchaseBody.Type

export const postPurchase = declare({
  method: "POST",
  path: "/backoffice/v2/purchases",
  tag: "Purchases",
  name: "postPurchase",
  summary: "Post a purchase",
  description:
    "Finds the contact by the media given, posts the purchase, and pays the part asked for from the shared wallet of " +
    "her community within her monthly limit and from her own for the rest.",
  access: "secret",
  body: PurchaseBody,
  status: 201,
  success: Purchase
})

export const getPurchase = declare({
  method: "GET",
  path: "/backoffice/v2/purchases/:id",
  tag: "Purchases",
  name: "getPurchase",
  summary: "Read a purchase",
  access: "secret",
  status: 200,
  success: Purchase
})

export const cancelPurchase = declare({
  method: "POST",
  path: "/backoffice/v2/purchases/:id/cancel",
  tag: "Purchases",
  name: "cancelPurchase",
  summary: "Cancel a purchase",
  description: "Gives everything back to where it came from; a second cancel changes nothing and answers the same.",
  access: "secret",
  status: 200,
  success: Purchase
})
