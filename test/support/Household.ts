/**
 * The people and receipts of the tests about communities and purchases: Andreas owns a wallet, Eleni and Nikos are
 * invited to it, Yiayia owns another. Amounts are cents of the bakery's euro.
 */
import * as Result from "effect/Result"
import type { Answer } from "#domain/Answer.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { Terms, WalletSharing } from "#domain/community/CommunityState.ts"
import type { InvitePerson } from "#domain/community/CommunityCommand.ts"
import type { PostJournal } from "#domain/contact/ContactCommand.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import type { PurchaseState } from "#domain/purchase/PurchaseState.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { DomainWorld } from "./DomainWorld.ts"
import { bakery, dayMs, noon, registration } from "./Given.ts"

export const sharing = (walletSharing: Partial<WalletSharing> = {}): Terms => ({
  isAdmin: false,
  permissions: [],
  walletSharing: { isEnabled: true, method: "AUTO", poolIds: [], ...walletSharing }
})

export const invitation = (
  memberId: string,
  overrides: Partial<typeof InvitePerson.Type> = {}
): typeof InvitePerson.Type => ({
  _tag: "InvitePerson",
  relationshipId: `relation-${memberId}`,
  memberId,
  memberType: "PERSON",
  joinsAtOnce: false,
  terms: sharing(),
  ...overrides
})

type PersonInvited = Extract<CommunityEvent, { _tag: "PersonInvited" }>

/** The fact that Andreas has taken somebody in. */
export const joined = (memberId: string, overrides: Partial<PersonInvited> = {}): PersonInvited => ({
  _tag: "PersonInvited",
  relationshipId: `relation-${memberId}`,
  memberId,
  ownerId: "andreas",
  terms: sharing(),
  state: "ACCEPTED",
  at: noon - 40 * dayMs,
  ...overrides
})

/** A receipt of Eleni's; the total is all that the till says unless more is given. */
export const receipt = (total: bigint, overrides: Partial<typeof PostPurchase.Type> = {}): typeof PostPurchase.Type => {
  const referenceNumber = overrides.referenceNumber ?? "R-1"
  return {
    _tag: "PostPurchase",
    purchaseId: `purchase-${referenceNumber}`,
    code: "AB12",
    contactId: "eleni",
    organisationId: "ledra",
    referenceNumber,
    total,
    currency: "EUR",
    lines: [],
    entryId: `entry-${referenceNumber}`,
    drawId: `draw-${referenceNumber}`,
    fingerprint: `fingerprint-${total}`,
    ...overrides
  }
}

export const line = (sku: string, total: bigint): (typeof PostPurchase.Type)["lines"][number] => ({
  productId: `product-${sku}`,
  sku,
  quantity: 1,
  total
})

/** As much as possible, and less will do. */
export const whatThereIs = { restrictFullyCovered: false }
/** All of it, or nothing. */
export const allOrNothing = { restrictFullyCovered: true }

export const journal = (
  action: "CREDIT" | "DEBIT",
  amount: bigint,
  entryId: string,
  poolId?: string
): typeof PostJournal.Type => ({
  _tag: "PostJournal",
  entryId,
  action,
  amount,
  currency: "EUR",
  ...(poolId !== undefined && { poolId })
})

export const people = ["andreas", "yiayia", "eleni", "nikos"] as const

/** Everybody is registered; nobody has money, nobody has been invited. */
export const household = (): DomainWorld => {
  const world = new DomainWorld(bakery, noon)
  people.forEach((id, index) => {
    const { identity } = registration(id)
    const distinct = { referralCode: `FAMIL${index + 2}`, walletCode: `123456789012345${index}` }
    done(world.run(id, registration(id, { identity: { ...identity, ...distinct } })))
  })
  return world
}

export const done = (outcome: Result.Result<Answer, Refusal>): Answer => {
  if (Result.isFailure(outcome)) throw new Error(`refused: ${outcome.failure._tag}`)
  return outcome.success
}

export const refused = (outcome: Result.Result<Answer, Refusal>): Refusal => {
  if (Result.isSuccess(outcome)) throw new Error(`accepted: ${outcome.success._tag}`)
  return outcome.failure
}

/** What was paid for a purchase, from which wallet. */
export const paidFor = ({ own, shared }: PurchaseState): { readonly own: bigint; readonly shared: bigint } => ({
  own: own?.amount ?? 0n,
  shared: shared?.amount ?? 0n
})
