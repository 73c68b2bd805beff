/**
 * What the contact herself agreed to at the till, by a one-time token or her dynamic wallet code (CIM-5, IDN-2). Both are
 * used up by the purchase that they are shown for, whatever becomes of it. Who may spend without either, an
 * authenticated merchant, is the door's business.
 */
import * as Result from "effect/Result"
import { claimOf, tokenClaims } from "../contact/Claims.ts"
import type { ContactEvent } from "../contact/ContactEvent.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { ContactToken } from "../contact/ContactToken.ts"
import { usedWalletCode } from "../contact/ContactToken.ts"
import type { Refusal } from "../Refusal.ts"
import type { Claim, Turn } from "../shared/Decision.ts"
import type { PostPurchase } from "./PurchaseCommand.ts"
import type { SpendRequest } from "./PurchaseState.ts"

export interface Consent {
  /** The till's request, else what the token allows (PUR-4); absent: nothing is spent. */
  readonly spendRequest: SpendRequest | undefined
  /** SHR-4: whose shared wallet; her own word goes before the till's. */
  readonly ownerId: string | undefined
  readonly events: ReadonlyArray<ContactEvent>
  readonly releases: ReadonlyArray<Claim>
}

const unusable = (reason: string): Result.Result<never, Refusal> => Result.fail({ _tag: "TokenNotUsable", reason })

const findToken = (
  contact: ContactState,
  value: string | undefined,
  turn: Turn
): Result.Result<ContactToken | undefined, Refusal> => {
  if (value === undefined) return Result.succeed(undefined)
  const token = contact.tokens.find((each) => each.value === value || each.alternative === value)
  if (token === undefined) return unusable("unknown_or_used")
  if (token.expiresAt <= turn.at) return unusable("expired")
  if (token.intent === "REJECT_PURCHASE") return unusable("purchase_rejected")
  return Result.succeed(token)
}

/** Only a code of the dynamic mode is used up; the static one names its holder for good. */
const judgeWalletCode = (
  contact: ContactState,
  code: string | undefined,
  turn: Turn
): Result.Result<boolean, Refusal> => {
  if (code === undefined || turn.business.settings.walletCodeMode === "STATIC") return Result.succeed(false)
  if (contact.dynamicCode?.value !== code) return unusable("unknown_or_used")
  return contact.dynamicCode.expiresAt <= turn.at ? unusable("expired") : Result.succeed(true)
}

/** PUR-4: a token of the intent SPEND is itself a request: of its amount, or of as much as possible. */
const requestOf = (token: ContactToken | undefined): SpendRequest | undefined =>
  token?.intent === "SPEND"
    ? { restrictFullyCovered: false, ...(token.spendAmount !== undefined && { amount: token.spendAmount }) }
    : undefined

export const consentTo = (
  contact: ContactState,
  command: typeof PostPurchase.Type,
  turn: Turn
): Result.Result<Consent, Refusal> => {
  const found = findToken(contact, command.tokenValue, turn)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  const code = judgeWalletCode(contact, command.walletCode, turn)
  if (Result.isFailure(code)) return Result.fail(code.failure)

  const token = found.success
  const used = (tokenId: string): ContactEvent => ({
    _tag: "TokenUsed",
    tokenId,
    purchaseId: command.purchaseId,
    at: turn.at
  })
  return Result.succeed({
    spendRequest: command.spendRequest ?? requestOf(token),
    ownerId: token?.communityId ?? command.communityId,
    events: [...(token === undefined ? [] : [used(token.id)]), ...(code.success ? [used(usedWalletCode)] : [])],
    releases: [
      ...(token === undefined ? [] : tokenClaims(token)),
      ...(code.success && command.walletCode !== undefined ? [claimOf("wallet_code", command.walletCode)] : [])
    ]
  })
}
