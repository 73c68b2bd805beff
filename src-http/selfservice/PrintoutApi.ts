/** A copy of a purchase or of a credit of the wallet for the contact's own records, wire-compatible with the published description. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"

/** Every kind of thing that is described; those that are not there yet are refused by name. */
const EntityType = Schema.Literals([
  "INVOICE",
  "ORDERS",
  "PAYMENT",
  "CREDIT_NOTE",
  "REFUND",
  "PAYOUT",
  "SERVICE_REQUEST",
  "SUBSCRIPTIONS",
  "REWARD_OFFERS",
  "TOP_UP"
])

const Wish = Schema.Struct({
  entity: Schema.Struct({ type: EntityType, id: Schema.optionalKey(Schema.String) }),
  format: Schema.Literals(["EMAIL", "WEB_VIEW", "PDF"])
})
export type PrintoutWish = typeof Wish.Type

const Link = Schema.Struct({
  /** Of the file. */
  id: Schema.String,
  /** A path of this server, for whoever has it until then: a browser has no token. */
  url: Schema.String,
  expires_on: Schema.Int
})
/** What is mailed is answered with nothing. */
const LinkOrNothing = Link as unknown as Schema.Codec<typeof Link.Type | undefined, unknown>

export const createPrintout = declare({
  method: "POST",
  path: "/self-service/v2/printout",
  tag: "Communications",
  name: "createPrintout",
  summary: "Print out a purchase or a credit of the wallet",
  description:
    "ORDERS is a purchase of hers, TOP_UP a credit of her wallet, by the id of its entry, among the last 10,000 things " +
    "that happened to her; every other type is refused. " +
    "EMAIL sends it to her address as a message that no opt-out stops, and answers 204. WEB_VIEW and PDF answer 201: " +
    "the file is read by its id with her token, or for a quarter of an hour at the url by whoever has that.",
  access: "contact",
  body: Wish,
  status: 201,
  isEmptyWithout: true,
  success: LinkOrNothing
})

export const getFile = declare({
  method: "GET",
  path: "/self-service/v2/files/:id",
  tag: "Platform",
  name: "getFile",
  summary: "Read a printout",
  description: "Made of the thing as it stands now. Printouts are the only files that there are.",
  access: "contact",
  status: 200,
  file: ["text/html", "application/pdf"]
})
