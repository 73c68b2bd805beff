/** The tills of the shop: receipts with VAT, posted and cancelled, and whose money paid them. */
import * as Purchases from "#http/backoffice/PurchasesApi.ts"
import type { Purchase } from "#http/resource/Purchase.ts"
import * as Effect from "effect/Effect"
import { type Basket, type BasketLine, business, type Euros, people, strangersCard, venues } from "./Household.ts"
import { cents, same, sumOf } from "./Money.ts"
import type { World } from "./Opening.ts"
import type { Payment, Sale } from "./Story.ts"

/** The prices on the shelf are with VAT. */
const amountsOf = ({ product, quantity }: BasketLine) => {
  const total = cents(product.price) * quantity
  const net = Math.round(total / (1 + product.vatPercent / 100))
  return { net: net / 100, tax: (total - net) / 100, total: total / 100 }
}

export const totalOf = (basket: Basket): Euros => sumOf(basket.map((line) => amountsOf(line).total))

const mediumOf = (world: World, { buyer, shows }: Sale): Purchases.Medium => {
  const { phone, card = "", loyaltyIdentifier = "" } = people[buyer]
  switch (shows) {
    case "phone":
      return { type: "PHONE", value: phone }
    case "card":
      return { type: "CARD", value: card }
    case "loyalty card":
      return { type: "LOYALTY_IDENTIFIER", value: loyaltyIdentifier }
    case "wallet code":
      return { type: "WALLET_CODE", value: world.contacts[buyer].walletCode }
    case "stranger's card":
      return { type: "CARD", value: strangersCard }
  }
}

const bodyOf = (world: World, sale: Sale): Purchases.PurchaseBody => {
  const lines = sale.basket.map((line) => ({ ...line, amounts: amountsOf(line) }))
  const sumBy = (part: "net" | "tax" | "total") => sumOf(lines.map(({ amounts }) => amounts[part]))
  return {
    cims: [mediumOf(world, sale)],
    organisation: { id: world.venues[sale.at] },
    reference_number: `${venues[sale.at].till}-${String(sale.receipt).padStart(4, "0")}`,
    transaction_amounts: { net: sumBy("net"), tax: sumBy("tax"), total: sumBy("total") },
    currency_code: business.currency,
    classification: { name: "Bakery" },
    products: lines.map(({ product: { sku, name }, quantity, amounts }) => ({
      product_sku: { sku, name },
      quantity,
      net_amount: amounts.net,
      tax_amount: amounts.tax,
      total_amount: amounts.total
    })),
    spend_request: { restrict_fully_covered: sale.allOrNothing ?? false }
  }
}

export const post = (world: World, sale: Sale) =>
  world.client.send(Purchases.postPurchase, world.shop, { body: bodyOf(world, sale) })

export const cancel = (world: World, id: string) =>
  world.client.send(Purchases.cancelPurchase, world.shop, { params: { id } })

/** As the API has them now. */
export const readAll = ({ client, shop }: World, ids: ReadonlyArray<string>) =>
  Effect.forEach(ids, (id) => client.get(Purchases.getPurchase, shop, { params: { id } }))

/** Whose money paid, from the lots that the answer names. */
export const paymentOf = ({ spend_breakdown }: Purchase): Required<Payment> => {
  const sumIf = (holds: (part: Purchase["spend_breakdown"][number]) => boolean): Euros =>
    sumOf(spend_breakdown.filter(holds).map(({ amount }) => amount))
  return {
    shared: sumIf(({ community_id }) => community_id !== undefined),
    own: sumIf(({ community_id, pocket }) => community_id === undefined && pocket === "BUSINESS"),
    ownBread: sumIf(({ community_id, pocket }) => community_id === undefined && pocket === "BUSINESS_COMMERCE")
  }
}

export const isPaidAs = (purchase: Purchase, { shared = 0, own = 0, ownBread = 0 }: Payment): boolean => {
  const paid = paymentOf(purchase)
  return same(paid.shared, shared) && same(paid.own, own) && same(paid.ownBread, ownBread)
}
