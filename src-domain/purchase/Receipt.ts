/** What the till said, made complete (PUR-1, PUR-3), and what of it decides which money may pay (WAL-3). */
import * as Result from "effect/Result"
import type { ContactState } from "../contact/ContactState.ts"
import type { Refusal } from "../Refusal.ts"
import type { Turn } from "../shared/Decision.ts"
import type { Minor } from "../shared/Money.ts"
import type { Spending } from "../wallet/Spending.ts"
import { completeHeader, completeLines, convert, rateTo, settleLines } from "./Amounts.ts"
import type { PostPurchase } from "./PurchaseCommand.ts"
import type { Receipt, SpendRequest } from "./PurchaseState.ts"

/** The receipt of a purchase, in the wallet's currency too. Nothing is stored of one that contradicts itself. */
export const writeReceipt = (
  contact: ContactState,
  command: typeof PostPurchase.Type,
  spendRequest: SpendRequest | undefined,
  turn: Turn
): Result.Result<Receipt, Refusal> => {
  const { business } = turn
  if (!Object.hasOwn(business.organisations, command.organisationId)) {
    return Result.fail({ _tag: "OrganisationNotFound", id: command.organisationId })
  }
  const header = completeHeader(command)
  if (Result.isFailure(header)) return Result.fail(header.failure)
  const lines = completeLines(command.lines, header.success)
  if (Result.isFailure(lines)) return Result.fail(lines.failure)
  const rate = rateTo(contact.currency, command.currency, business)
  if (Result.isFailure(rate)) return Result.fail(rate.failure)

  const exchangeRate = rate.success
  const { net, tax, total } = header.success
  const { discount, classification, paymentMediumIdentifier } = command
  return Result.succeed({
    purchaseId: command.purchaseId,
    code: command.code,
    contactId: contact.id,
    organisationId: command.organisationId,
    referenceNumber: command.referenceNumber,
    amounts: { net, tax, total, ...(discount !== undefined && { discount }) },
    currency: command.currency,
    totalDefaultCurrency:
      exchangeRate === undefined ? total : convert(total, exchangeRate, command.currency, contact.currency),
    defaultCurrency: contact.currency,
    ...(exchangeRate !== undefined && { exchangeRate }),
    ...(classification !== undefined && { classification }),
    lines: lines.success,
    ...(spendRequest !== undefined && { spendRequest }),
    ...(paymentMediumIdentifier !== undefined && { paymentMediumIdentifier }),
    date: command.date ?? turn.at,
    fingerprint: command.fingerprint
  })
}

/**
 * What the money is for. A receipt that comes late is paid by what was good at its time; one that claims to be of the
 * future is of now.
 */
export const spendingOf = (receipt: Receipt, at: number): Spending => {
  const { exchangeRate, currency, defaultCurrency, totalDefaultCurrency } = receipt
  const inDefaultCurrency = (amount: Minor): Minor =>
    exchangeRate === undefined ? amount : convert(amount, exchangeRate, currency, defaultCurrency)
  const amounts = settleLines(
    receipt.lines.map((line) => inDefaultCurrency(line.total)),
    totalDefaultCurrency
  )
  return {
    organisationId: receipt.organisationId,
    at: Math.min(receipt.date, at),
    total: totalDefaultCurrency,
    lines: receipt.lines.map(({ sku }, index) => ({ sku, amount: amounts[index] ?? 0n }))
  }
}
