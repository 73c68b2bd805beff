/**
 * What a contact shows at the till to agree to a purchase: one-time tokens (CIM-5) and rotating wallet codes (IDN-2).
 * Values arrive with the command; here it is decided how many may live, and which claims come and go.
 */
import * as Result from "effect/Result"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { claimOf, tokenClaims } from "./Claims.ts"
import type { IssueToken, RotateWalletCode } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"
import type { ContactToken } from "./ContactToken.ts"

/** Tokens of one contact that are neither used nor expired. */
export const liveTokensMax = 16

const walletCodePattern = /^\d{16}$/

const isInThePast: Refusal = { _tag: "TokenNotUsable", reason: "expired" }

const objectionToToken = (contact: ContactState, token: ContactToken, turn: Turn): Refusal | undefined => {
  if (token.expiresAt <= turn.at) return isInThePast
  if (token.spendAmount !== undefined && token.spendAmount <= 0n) {
    return { _tag: "InvalidAmount", field: "spend_amount", rule: "The amount has to be greater than zero." }
  }
  const { communityId } = token
  if (communityId === undefined) return undefined
  const membership = contact.memberships.find((known) => known.ownerId === communityId)
  return membership?.state === "ACCEPTED" && membership.sharing
    ? undefined
    : { _tag: "NotSharedWith", ownerId: communityId }
}

export const issueToken = (contact: ContactState, { token }: typeof IssueToken.Type, turn: Turn): Judgement => {
  const answer = { _tag: "Done", id: token.id } as const
  if (contact.tokens.some((other) => other.id === token.id)) return Result.succeed({ events: [], answer })
  const objection = objectionToToken(contact, token, turn)
  if (objection !== undefined) return Result.fail(objection)
  const expired = contact.tokens.filter((other) => other.expiresAt <= turn.at)
  if (contact.tokens.length - expired.length >= liveTokensMax) {
    return Result.fail({ _tag: "TooManyTokens", limit: liveTokensMax })
  }
  return Result.succeed({
    events: [{ _tag: "TokenIssued", token, at: turn.at }],
    takes: tokenClaims(token),
    releases: expired.flatMap(tokenClaims),
    answer
  })
}

/** A contact has one dynamic code at a time: the new one takes the place of the last, used or not. */
export const rotateWalletCode = (
  contact: ContactState,
  { walletCode, expiresAt }: typeof RotateWalletCode.Type,
  turn: Turn
): Judgement => {
  const answer = { _tag: "Done", id: contact.id } as const
  if (turn.business.settings.walletCodeMode !== "DYNAMIC") {
    return Result.fail({ _tag: "NotSupported", feature: "A wallet code that rotates, in a business with static ones." })
  }
  const current = contact.dynamicCode
  if (current?.value === walletCode) return Result.succeed({ events: [], answer })
  if (!walletCodePattern.test(walletCode)) {
    return Result.fail({ _tag: "InvalidContact", field: "wallet_code", rule: "A wallet code has 16 digits." })
  }
  if (expiresAt <= turn.at) return Result.fail(isInThePast)
  return Result.succeed({
    events: [{ _tag: "WalletCodeRotated", walletCode, expiresAt, at: turn.at }],
    takes: [claimOf("wallet_code", walletCode)],
    releases: current === undefined ? [] : [claimOf("wallet_code", current.value)],
    answer
  })
}
