/**
 * Commands of a small business, addressed as a door would address them: a bakery with one venue, contacts by number,
 * their wallets, purchases and communities. Every id is a function of its number, so that tests can name what they mean.
 */
import type { Terms } from "#domain/community/CommunityState.ts"
import type { Pool } from "#domain/organisation/Business.ts"
import type { GiveAward } from "#domain/award/AwardCommand.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import type { Ask } from "#runtime/actor/Actors.ts"

/** Noon of 22 November 2026 in Nicosia. */
export const noon = Date.UTC(2026, 10, 22, 10, 0)

const numbered = (family: string, number: number): string =>
  `${family}-0000-4000-8000-${String(number).padStart(12, "0")}`

export const businessId = numbered("b0000000", 1)
export const otherBusinessId = numbered("b0000000", 2)
export const venueId = numbered("e0000000", 2)
export const contactId = (number: number): string => numbered("c0000000", number)
export const purchaseId = (number: number): string => numbered("d0000000", number)
/** A command id that a caller may repeat. */
export const commandId = (number: number): string => numbered("a0000000", number)

export const openBusiness = (business = businessId): Ask => ({
  business,
  key: business,
  command: {
    _tag: "OpenBusiness",
    businessId: business,
    name: "Zygos Bakeries",
    serviceOwnerId: numbered("50000000", 1),
    serviceOwnerName: "Koinon",
    currency: "EUR",
    country: "CYP",
    timeZone: "Europe/Nicosia",
    settings: { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" },
    apiKeys: [],
    organisations: [
      { id: numbered("e0000000", 1), type: "MERCHANT", name: "Zygos North" },
      { id: venueId, type: "VENUE", name: "Ledra Street", parentId: numbered("e0000000", 1) }
    ]
  }
})

export const createPool = (pool: Partial<Pool> & { readonly id: string }): Ask => ({
  business: businessId,
  key: businessId,
  command: {
    _tag: "CreatePool",
    pool: { name: pool.id, organisationIds: [], skus: [], timings: [], needsActivation: false, ...pool }
  }
})

export const email = (number: number): string => `eleni.${number}@example.com`

export const register = (number: number, business = businessId): Ask => ({
  business,
  key: contactId(number),
  command: {
    _tag: "RegisterContact",
    contactId: contactId(number),
    type: "PERSON",
    profile: { firstName: "Eleni", lastName: "Georgiou", email: email(number) },
    identity: {
      code: `C-${number}`,
      referralCode: `EL${String(number).padStart(4, "0")}`,
      walletCode: String(1e15 + number),
      loyaltyIdentifiers: [],
      cards: [],
      giftPasses: []
    }
  }
})

export const changeEmail = (number: number, address: string): Ask => ({
  business: businessId,
  key: contactId(number),
  command: { _tag: "UpdateContact", profile: { email: address } }
})

const journal =
  (action: "CREDIT" | "DEBIT") =>
  (number: number, amount: bigint, entryId: string, poolId?: string): Ask => ({
    business: businessId,
    key: contactId(number),
    command: {
      _tag: "PostJournal",
      entryId,
      action,
      amount,
      currency: "EUR",
      ...(poolId !== undefined && { poolId })
    }
  })
export const credit = journal("CREDIT")
export const debit = journal("DEBIT")

export const transfer = (origin: number, destination: number, amount: bigint, transferId: string): Ask => ({
  business: businessId,
  key: contactId(origin),
  command: { _tag: "SendTransfer", transferId, destinationId: contactId(destination), amount, currency: "EUR" }
})

/** A purchase at the venue that asks the wallet for all of it. */
export const purchase = (
  buyer: number,
  number: number,
  total: bigint,
  overrides: Partial<typeof PostPurchase.Type> = {}
): Ask => ({
  business: businessId,
  key: contactId(buyer),
  command: {
    _tag: "PostPurchase",
    purchaseId: purchaseId(number),
    code: `P${number}`,
    contactId: contactId(buyer),
    organisationId: venueId,
    referenceNumber: `receipt-${number}`,
    total,
    tax: 0n,
    currency: "EUR",
    lines: [],
    spendRequest: { restrictFullyCovered: true },
    entryId: `purchase-${number}`,
    drawId: `draw-${number}`,
    fingerprint: `${number}/${total}`,
    ...overrides
  }
})

export const cancel = (buyer: number, number: number): Ask => ({
  business: businessId,
  key: contactId(buyer),
  command: { _tag: "CancelPurchase", purchaseId: purchaseId(number), entryId: `cancel-${number}` }
})

export const awardId = (number: number): string => `award-${number}`
/** An amount or, of a purchase, hundredths of a percent. */
export const award = (
  contact: number,
  number: number,
  worth: (typeof GiveAward.Type)["worth"],
  overrides: Partial<typeof GiveAward.Type> = {}
): Ask => ({
  business: businessId,
  key: contactId(contact),
  command: {
    _tag: "GiveAward",
    awardId: awardId(number),
    name: `award ${number}`,
    worth,
    currency: "EUR",
    ...overrides
  }
})
export const reverseAward = (contact: number, number: number): Ask => ({
  business: businessId,
  key: contactId(contact),
  command: { _tag: "ReverseAward", awardId: awardId(number) }
})

/** The owner takes a member in and shares the open pocket of her wallet, up to a limit a month. */
export const share = (owner: number, member: number, maxAmount?: bigint): Ask => ({
  business: businessId,
  key: contactId(owner),
  command: {
    _tag: "InvitePerson",
    relationshipId: `${owner}-${member}`,
    memberId: contactId(member),
    memberType: "PERSON",
    joinsAtOnce: true,
    terms: sharing(maxAmount)
  }
})

export const inviteByApp = (owner: number, member: number): Ask => {
  const { command, ...rest } = share(owner, member)
  return { ...rest, command: { ...command, joinsAtOnce: false } as typeof command }
}

const sharing = (maxAmount?: bigint): Terms => ({
  isAdmin: false,
  permissions: [],
  walletSharing: { isEnabled: true, method: "AUTO", poolIds: [], ...(maxAmount !== undefined && { maxAmount }) }
})
