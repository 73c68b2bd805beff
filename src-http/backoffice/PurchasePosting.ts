/**
 * From what a till sends to the command it means: the contact is found (CIM-4), amounts become minor units, and every id
 * is derived, so that a repetition makes the same command. The batch door uses it line by line.
 */
import type { Answer } from "#domain/Answer.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { Actors, type Answered } from "#runtime/actor/Actors.ts"
import { Identification, medium } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Effect from "effect/Effect"
import { hash } from "node:crypto"
import { answer } from "../door/Asking.ts"
import type { Call, HandlerError } from "../door/Endpoint.ts"
import { type Fault, fault, invalidField, notFound } from "../door/Fault.ts"
import { cardHashOf } from "../resource/Card.ts"
import { minor, minorOptional, present } from "../resource/Fields.ts"
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

const identify = Effect.fnUntraced(function* (business: Business, body: PurchaseBody) {
  const { id, code, otp, token } = body.contact ?? {}
  const media: Array<Medium> = [...(body.cims ?? [])]
  if (otp !== undefined) media.push({ type: "TOKEN", value: otp })
  if (token !== undefined) media.push({ type: "TOKEN", value: token })
  if (media.length === 0 && id === undefined && code === undefined) {
    return yield* Effect.fail(invalidField("/contact", "Name the contact by id, code, otp or token, or by cims."))
  }
  if (media.length === 0 && code === undefined && id !== undefined) return id
  const identification = yield* Identification
  const claims = media.map((given) => mediumOf(identification, business.id, given))
  const found = yield* identification.identify(business.id, [
    ...claims,
    ...(code === undefined ? [] : [medium("code", code)])
  ])
  if (id !== undefined && id !== found) {
    return yield* Effect.fail(
      fault(
        409,
        "KOINON.MEDIA_CONFLICT",
        "Media of different contacts",
        "The id and the media given name different contacts."
      )
    )
  }
  return found
})

const valueOf = (body: PurchaseBody, type: Medium["type"]): string | undefined =>
  body.cims?.find((given) => given.type === type)?.value

type Line = NonNullable<PurchaseBody["products"]>[number]
const lineOf = (business: string, currency: string) =>
  Effect.fnUntraced(function* (line: Line, index: number) {
    const at = `/products/${index}`
    const net = yield* minorOptional(`${at}/net_amount`, line.net_amount, currency)
    const tax = yield* minorOptional(`${at}/tax_amount`, line.tax_amount, currency)
    const total = yield* minorOptional(`${at}/total_amount`, line.total_amount, currency)
    const { sku, name } = line.product_sku
    return present({
      productId: nameUuid("product", business, sku),
      sku,
      name,
      quantity: line.quantity,
      net,
      tax,
      total
    })
  })

const commandOf = Effect.fnUntraced(function* (
  business: Business,
  contactId: string,
  commandId: string,
  body: PurchaseBody
) {
  const currency = body.currency_code ?? business.currency
  const amounts = body.transaction_amounts
  const net = yield* minorOptional("/transaction_amounts/net", amounts.net, currency)
  const tax = yield* minorOptional("/transaction_amounts/tax", amounts.tax, currency)
  const total = yield* minorOptional("/transaction_amounts/total", amounts.total, currency)
  const discount = yield* minorOptional("/transaction_amounts/discount", amounts.discount, currency)
  const spend = body.spend_request
  // What is spent is wallet money, so it is in the wallet's currency whatever the receipt is in.
  const spendAmount =
    spend?.amount === undefined ? undefined : yield* minor("/spend_request/amount", spend.amount, business.currency)
  const lines = yield* Effect.forEach(body.products ?? [], lineOf(business.id, currency))
  const reference = body.reference_number ?? commandId
  const purchaseId = purchaseIdOf(business.id, body.organisation.id, reference)
  const card = valueOf(body, "CARD")?.replaceAll(/[\s-]/g, "")
  return present({
    _tag: "PostPurchase" as const,
    purchaseId,
    // Readable at the till, and as unique as the purchase is.
    code: purchaseId.replaceAll("-", "").slice(0, 12).toUpperCase(),
    contactId,
    organisationId: body.organisation.id,
    referenceNumber: reference,
    net,
    tax,
    total,
    discount,
    currency,
    classification:
      body.classification === undefined
        ? undefined
        : { id: nameUuid("classification", business.id, body.classification.name), name: body.classification.name },
    lines,
    spendRequest:
      spend === undefined
        ? undefined
        : present({ amount: spendAmount, restrictFullyCovered: spend.restrict_fully_covered ?? false }),
    communityId: body.community_id,
    tokenValue: body.contact?.token ?? body.contact?.otp ?? valueOf(body, "TOKEN"),
    walletCode: valueOf(body, "WALLET_CODE"),
    paymentMediumIdentifier: card !== undefined && cardNumberPattern.test(card) ? card.slice(0, 6) : undefined,
    date: body.date === undefined ? undefined : body.date * 1000,
    entryId: nameUuid("entry", commandId),
    drawId: nameUuid("draw", commandId),
    fingerprint: hash("sha256", JSON.stringify(body), "base64url")
  }) satisfies typeof PostPurchase.Type
})

/** Renders the answer to a purchase command. */
export const purchaseOf = (business: Business, answer: Answer): Purchase => {
  if (answer._tag !== "PurchaseAnswer") throw new Error(`a purchase command was answered ${answer._tag}`)
  return renderPurchase(answer.purchase, {
    buyer: answer.buyer,
    organisation: (id) => business.organisations[id]?.name
  })
}

type Asked = Pick<Call<unknown, unknown>, "principal" | "commandId" | "fingerprint" | "deadlineAt">

/** Posts one purchase; the answer comes when it is paid and durable. */
export const post = Effect.fnUntraced(function* (
  call: Asked,
  body: PurchaseBody
): Effect.fn.Return<Answered, HandlerError | Fault, Actors | Identification> {
  const { business } = call.principal
  const actors = yield* Actors
  const contactId = yield* identify(business, body).pipe(
    // A one-time token is gone once it was used: a repetition is still the purchase it made.
    Effect.catchTag("NotIdentified", (unknown) =>
      Effect.gen(function* () {
        if (body.reference_number === undefined) return yield* unknown
        const id = purchaseIdOf(business.id, body.organisation.id, body.reference_number)
        const known = yield* actors.lookUp(business.id, "purchase", id)
        return known.key ?? (yield* unknown)
      })
    )
  )
  const command = yield* commandOf(business, contactId, call.commandId, body)
  return yield* answer(call, contactId, command)
})

/** The purchase and its buyer's key, or 404. */
export const find = Effect.fnUntraced(function* (business: Business, id: string) {
  const actors = yield* Actors
  const found = yield* actors.lookUp(business.id, "purchase", id)
  if (found.key === undefined || found.state.receipt === undefined || found.state.state === "REFUSED") {
    return yield* Effect.fail(notFound("purchase", id))
  }
  return { ...found, key: found.key }
})
