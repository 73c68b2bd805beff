/** A purchase as both doors answer it: the published self-service shape, and whose money paid, lot by lot. */
import type { PurchaseAward, PurchaseState } from "#domain/purchase/PurchaseState.ts"
import { sum } from "#domain/shared/Money.ts"
import type { Part } from "#domain/wallet/Lot.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, epoch, present } from "./Fields.ts"

const Named = Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String) })

/** Money taken from one lot of one wallet; `community_id` names the owner whose wallet was shared. */
const SpendPart = Schema.Struct({
  wallet_id: Schema.String,
  community_id: Schema.optionalKey(Schema.String),
  lot_id: Schema.String,
  pocket: Schema.Literals(["BUSINESS", "BUSINESS_COMMERCE"]),
  commerce_pool_id: Schema.optionalKey(Schema.String),
  amount: Amount
})

export const Purchase = Schema.Struct({
  id: Schema.String,
  reference_number: Schema.String,
  code: Schema.String,
  state: Schema.Literals(["POSTED", "CANCELLED"]),
  payment_medium_identifier: Schema.optionalKey(Schema.String),
  transaction_amounts: Schema.Struct({
    net: Amount,
    tax: Amount,
    discount: Schema.optionalKey(Amount),
    total: Amount
  }),
  currency_code: Schema.String,
  /** Epoch seconds. */
  date: Schema.Int,
  community: Schema.optionalKey(Schema.Struct({ id: Schema.String })),
  spend_request: Schema.optionalKey(Schema.Struct({ amount: Schema.optionalKey(Amount) })),
  classification: Schema.optionalKey(Named),
  organisation: Named,
  products: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      product_sku: Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String), sku: Schema.String }),
      quantity: Schema.Finite,
      net_amount: Amount,
      tax_amount: Amount,
      total_amount: Amount
    })
  ),
  contact: Schema.Struct({
    id: Schema.String,
    name: Schema.optionalKey(Schema.String),
    code: Schema.optionalKey(Schema.String)
  }),
  rewards: Schema.Struct({ award: Amount, spend: Amount, redeem: Amount }),
  spend_breakdown: Schema.Array(SpendPart),
  fees: Schema.Struct({ total: Amount, credit_fee: Amount, debit_fee: Amount }),
  total_default_currency: Amount,
  exchange_rate: Schema.optionalKey(Schema.Finite),
  default_currency_code: Schema.String
})
export type Purchase = typeof Purchase.Type

export interface Names {
  readonly buyer: { readonly name: string; readonly code: string } | undefined
  readonly organisation: (id: string) => string | undefined
}

/** What was awarded for it and has not been taken back. */
export const standingAwards = ({ awards = [] }: PurchaseState): ReadonlyArray<PurchaseAward> =>
  awards.filter(({ reversed }) => reversed === undefined)
const awardedOf = (purchase: PurchaseState): bigint => sum(standingAwards(purchase).map(({ amount }) => amount))

/** Renders a purchase that was posted. The wallet's id is its contact's. */
export const renderPurchase = (purchase: PurchaseState, names: Names): Purchase => {
  const { receipt, own, shared } = purchase
  if (receipt === undefined) throw new Error("a purchase without a receipt was never posted")
  const inPurchase = (minor: bigint): number => decimal(minor, receipt.currency)
  const inWallet = (minor: bigint): number => decimal(minor, receipt.defaultCurrency)
  const part = (walletId: string, communityId?: string) => (taken: Part) =>
    present({
      wallet_id: walletId,
      community_id: communityId,
      lot_id: taken.lotId,
      pocket: taken.pocket,
      commerce_pool_id: taken.poolId,
      amount: inWallet(taken.amount)
    })
  const request = receipt.spendRequest
  return present({
    id: receipt.purchaseId,
    reference_number: receipt.referenceNumber,
    code: receipt.code,
    state: purchase.state === "CANCELLED" ? ("CANCELLED" as const) : ("POSTED" as const),
    payment_medium_identifier: receipt.paymentMediumIdentifier,
    transaction_amounts: present({
      net: inPurchase(receipt.amounts.net),
      tax: inPurchase(receipt.amounts.tax),
      discount: receipt.amounts.discount === undefined ? undefined : inPurchase(receipt.amounts.discount),
      total: inPurchase(receipt.amounts.total)
    }),
    currency_code: receipt.currency,
    date: epoch(receipt.date),
    community: shared === undefined ? undefined : { id: shared.ownerId },
    spend_request:
      request === undefined
        ? undefined
        : present({ amount: request.amount === undefined ? undefined : inWallet(request.amount) }),
    classification: receipt.classification,
    organisation: present({ id: receipt.organisationId, name: names.organisation(receipt.organisationId) }),
    products: receipt.lines.map((line) => ({
      id: line.productId,
      product_sku: present({ id: line.productId, name: line.name, sku: line.sku }),
      quantity: line.quantity,
      net_amount: inPurchase(line.net),
      tax_amount: inPurchase(line.tax),
      total_amount: inPurchase(line.total)
    })),
    contact: present({ id: receipt.contactId, name: names.buyer?.name, code: names.buyer?.code }),
    rewards: {
      award: inWallet(awardedOf(purchase)),
      spend: inWallet((own?.amount ?? 0n) + (shared?.amount ?? 0n)),
      redeem: 0
    },
    spend_breakdown: [
      ...(shared?.parts ?? []).map(part(shared?.ownerId ?? "", shared?.ownerId)),
      ...(own?.parts ?? []).map(part(receipt.contactId))
    ],
    fees: { total: 0, credit_fee: 0, debit_fee: 0 },
    total_default_currency: inWallet(receipt.totalDefaultCurrency),
    exchange_rate: receipt.exchangeRate === undefined ? undefined : Number(receipt.exchangeRate),
    default_currency_code: receipt.defaultCurrency
  })
}
