/**
 * From what a till sends to the command it means: the contact is found (CIM-4), amounts become minor units, and every id
 * is derived, so that a repetition makes the same command. The batch door uses it line by line.
 */
import type { Answer } from "#domain/Answer.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Identification, medium, type NotIdentified } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { hash } from "node:crypto"
import type { Call, HandlerError, Question } from "../door/Endpoint.ts"
import { type Fault, fault, invalidField, notFound } from "../door/Fault.ts"
import { andThen } from "../door/Settled.ts"
import { cardHashOf } from "../resource/Card.ts"
import { Amounts, present } from "../resource/Fields.ts"
import { type Purchase, renderPurchase } from "../resource/Purchase.ts"
import type { Medium, PurchaseBody } from "./PurchasesApi.ts"

const cardNumberPattern = /^\d{12,19}$/

/** The purchase that a receipt is: the same organisation and reference number, the same id (PUR-2). */
const purchaseIdOf = (business: string, organisation: string, reference: string): string =>
  nameUuid("purchase", business, organisation, reference)

const mediumOf = (identification: Identification["Service"], business: string, { type, value }: Medium) => {
  switch (type) {
    case "CARD":
      return medium("card", cardHashOf(identification, business, value))
    case "PHONE":
      return medium("phone", value)
    case "EMAIL":
      return medium("email", value)
    case "GIFT_PASS":
      return medium("gift_pass", value)
    case "LOYALTY_IDENTIFIER":
      return medium("loyalty_identifier", value)
    case "WALLET_CODE":
      return medium("wallet_code", value)
    case "TOKEN":
      return medium("token", value)
  }
}

const unnamed = invalidField("/contact", "Name the contact by id, code, otp or token, or by cims.")
const namesAnother = fault(
  409,
  "KOINON.MEDIA_CONFLICT",
  "Media of different contacts",
  "The id and the media given name different contacts."
)

/** The contact that everything given names. Settled where the media are remembered. */
const identify = (
  identification: Identification["Service"],
  business: Business,
  body: PurchaseBody
): Effect.Effect<string, HandlerError> => {
  const { id, code, otp, token } = body.contact ?? {}
  const claims = (body.cims ?? []).map((given) => mediumOf(identification, business.id, given))
  for (const value of [otp, token]) if (value !== undefined) claims.push(medium("token", value))
  if (code !== undefined) claims.push(medium("code", code))
  if (claims.length === 0) return id === undefined ? Effect.fail(unnamed) : Effect.succeed(id)
  return andThen(identification.identify(business.id, claims), (found) =>
    id === undefined || id === found ? Effect.succeed(found) : Effect.fail(namesAnother)
  )
}

const valueOf = (body: PurchaseBody, type: Medium["type"]): string | undefined =>
  body.cims?.find((given) => given.type === type)?.value

type Line = NonNullable<PurchaseBody["products"]>[number]
const lineOf = (business: string, amounts: Amounts, line: Line, index: number) => {
  const { sku, name } = line.product_sku
  return present({
    productId: nameUuid("product", business, sku),
    sku,
    name,
    quantity: line.quantity,
    net: amounts.read(`/products/${index}/net_amount`, line.net_amount),
    tax: amounts.read(`/products/${index}/tax_amount`, line.tax_amount),
    total: amounts.read(`/products/${index}/total_amount`, line.total_amount)
  })
}

const commandOf = (
  business: Business,
  contactId: string,
  commandId: string,
  body: PurchaseBody
): Effect.Effect<typeof PostPurchase.Type, Fault> => {
  const currency = body.currency_code ?? business.currency
  const { net, tax, total, discount } = body.transaction_amounts
  const amounts = new Amounts(currency)
  const spend = body.spend_request
  // What is spent is wallet money, so it is in the wallet's currency whatever the receipt is in.
  const spending = new Amounts(business.currency)
  const reference = body.reference_number ?? commandId
  const purchaseId = purchaseIdOf(business.id, body.organisation.id, reference)
  const card = valueOf(body, "CARD")?.replaceAll(/[\s-]/g, "")
  const command = present({
    _tag: "PostPurchase" as const,
    purchaseId,
    // Readable at the till, and as unique as the purchase is.
    code: purchaseId.replaceAll("-", "").slice(0, 12).toUpperCase(),
    contactId,
    organisationId: body.organisation.id,
    referenceNumber: reference,
    net: amounts.read("/transaction_amounts/net", net),
    tax: amounts.read("/transaction_amounts/tax", tax),
    total: amounts.read("/transaction_amounts/total", total),
    discount: amounts.read("/transaction_amounts/discount", discount),
    currency,
    classification:
      body.classification === undefined
        ? undefined
        : { id: nameUuid("classification", business.id, body.classification.name), name: body.classification.name },
    lines: (body.products ?? []).map((line, index) => lineOf(business.id, amounts, line, index)),
    spendRequest:
      spend === undefined
        ? undefined
        : present({
            amount: spending.read("/spend_request/amount", spend.amount),
            restrictFullyCovered: spend.restrict_fully_covered ?? false
          }),
    communityId: body.community_id,
    tokenValue: body.contact?.token ?? body.contact?.otp ?? valueOf(body, "TOKEN"),
    walletCode: valueOf(body, "WALLET_CODE"),
    paymentMediumIdentifier: card !== undefined && cardNumberPattern.test(card) ? card.slice(0, 6) : undefined,
    date: body.date === undefined ? undefined : body.date * 1000,
    entryId: nameUuid("entry", commandId),
    drawId: nameUuid("draw", commandId),
    fingerprint: hash("sha256", JSON.stringify(body), "base64url")
  }) satisfies typeof PostPurchase.Type
  const wrong = amounts.fault ?? spending.fault
  return wrong === undefined ? Effect.succeed(command) : Effect.fail(wrong)
}

/** Renders the answer to a purchase command. */
export const purchaseOf = (business: Business, answer: Answer): Purchase => {
  if (answer._tag !== "PurchaseAnswer") throw new Error(`a purchase command was answered ${answer._tag}`)
  return renderPurchase(answer.purchase, {
    buyer: answer.buyer,
    organisation: (id) => business.organisations[id]?.name
  })
}

type Services = Context.Context<Actors | Identification>

/** A one-time token is gone once it was used: a repetition is still the purchase it made. */
const buyerOfKnown = (services: Services, business: Business, body: PurchaseBody, unknown: NotIdentified) => {
  if (body.reference_number === undefined) return Effect.fail(unknown)
  const id = purchaseIdOf(business.id, body.organisation.id, body.reference_number)
  return Effect.flatMap(Context.get(services, Actors).lookUp(business.id, "purchase", id), ({ key }) =>
    key === undefined ? Effect.fail(unknown) : Effect.succeed(key)
  )
}

/** What posting a purchase asks. Settled where the contact is found in memory. */
export const question = (
  { principal: { business }, commandId }: Pick<Call<unknown, unknown>, "principal" | "commandId">,
  body: PurchaseBody,
  services: Services
): Effect.Effect<Question<Purchase>, HandlerError> => {
  const askAt = (contactId: string) =>
    andThen(commandOf(business, contactId, commandId, body), (command) =>
      Effect.succeed({ key: contactId, command, body: (answer: Answer) => purchaseOf(business, answer) })
    )
  const found = identify(Context.get(services, Identification), business, body)
  if (Exit.isExit(found) && Exit.isSuccess(found)) return askAt(found.value as string)
  return found.pipe(
    Effect.catchTag("NotIdentified", (unknown) => buyerOfKnown(services, business, body, unknown)),
    Effect.flatMap(askAt)
  )
}

/** The purchase and its buyer's key, or 404. */
export const find = Effect.fnUntraced(function* (business: Business, id: string) {
  const actors = yield* Actors
  const found = yield* actors.lookUp(business.id, "purchase", id)
  if (found.key === undefined || found.state.receipt === undefined || found.state.state === "REFUSED") {
    return yield* Effect.fail(notFound("purchase", id))
  }
  return { ...found, key: found.key }
})
