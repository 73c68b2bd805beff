/**
 * A person of a community as both doors take and answer her: her standing, and what she may take from the owner's wallet.
 * What is documented and not built (relation types, devices, allowances of usage, termed transfers) is read, and refused
 * as soon as it asks for something.
 */
import { type CommunityState, Permission, type Relation, type Terms } from "#domain/community/CommunityState.ts"
import { remaining } from "#domain/community/Draw.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { RelationState } from "#domain/contact/Membership.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { NotSupported } from "#domain/Refusal.ts"
import { monthKey } from "#domain/shared/CalendarDate.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Fault, invalidField } from "../door/Fault.ts"
import { Amount, CurrencyCode, decimal, Id, Line, minorOptional, present } from "./Fields.ts"

const text = Schema.optionalKey(Schema.String)
const poolsMax = 100

const WalletSharingGiven = Schema.Struct({
  is_enabled: Schema.Boolean,
  commerce_pools: Schema.optionalKey(Schema.Array(Id).check(Schema.isMaxLength(poolsMax))),
  /** Needed when sharing is enabled. */
  method: Schema.optionalKey(Schema.Literals(["AUTO", "MANUAL"])),
  /** A calendar month; absent: without limit. */
  max_amount: Schema.optionalKey(Amount)
})
const UsageAllowanceGiven = Schema.Struct({
  accumulated_allowance: Schema.optionalKey(
    Schema.Struct({
      cash_limits: Schema.optionalKey(
        Schema.Struct({
          per_transaction: Schema.optionalKey(Amount),
          per_day: Schema.optionalKey(Amount),
          per_billing_cycle: Schema.optionalKey(Amount)
        })
      )
    })
  ),
  organisations: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.optionalKey(Id) }))),
  same_as_owner: Schema.optionalKey(Schema.Boolean)
})
const TermedTransferGiven = Schema.Struct({
  active: Schema.optionalKey(Schema.Boolean),
  amount: Schema.optionalKey(Amount),
  currency_code: Schema.optionalKey(CurrencyCode),
  commerce_pool_id: Schema.optionalKey(Id),
  schedule: Schema.optionalKey(
    Schema.Struct({
      frequency: Schema.optionalKey(Schema.Literals(["WEEKLY", "MONTHLY"])),
      day_of_week: Schema.optionalKey(
        Schema.Literals(["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"])
      ),
      day_of_month: Schema.optionalKey(Schema.Int)
    })
  )
})

/** What is agreed with a person, whether she is invited or is there. */
export const termsFields = {
  relation_id: Schema.optionalKey(Id),
  group: Schema.optionalKey(Line),
  is_admin: Schema.optionalKey(Schema.Boolean),
  permissions: Schema.optionalKey(Schema.Array(Permission)),
  devices: Schema.optionalKey(Schema.Array(Schema.String)),
  wallet_sharing: Schema.optionalKey(WalletSharingGiven),
  usage_allowance: Schema.optionalKey(UsageAllowanceGiven),
  termed_transfer: Schema.optionalKey(TermedTransferGiven)
}
const TermsGiven = Schema.Struct(termsFields)
export type TermsGiven = typeof TermsGiven.Type

/** Nothing is shared unless somebody says so (SHR-1). */
const noTerms: Terms = {
  isAdmin: false,
  permissions: [],
  walletSharing: { isEnabled: false, method: "AUTO", poolIds: [] }
}

const unbuilt = ({ relation_id, devices, usage_allowance, termed_transfer }: TermsGiven): string | undefined => {
  if (relation_id !== undefined) return "A type of community relation (relation_id)"
  if (devices !== undefined && devices.length > 0) return "Lending devices to a person (devices)"
  const { accumulated_allowance, organisations, same_as_owner } = usage_allowance ?? {}
  if (accumulated_allowance !== undefined || (organisations?.length ?? 0) > 0 || same_as_owner === true) {
    return "Sharing usage with a person (usage_allowance)"
  }
  if (
    termed_transfer !== undefined &&
    Object.entries(termed_transfer).some(([name, value]) => name !== "active" || value)
  ) {
    return "A recurring transfer to a person (termed_transfer)"
  }
  return undefined
}

const sharingOf = Effect.fnUntraced(function* (given: typeof WalletSharingGiven.Type, business: Business) {
  if (given.is_enabled && given.method === undefined) {
    return yield* Effect.fail(invalidField("/wallet_sharing/method", "Needed when wallet sharing is enabled."))
  }
  const maxAmount = yield* minorOptional("/wallet_sharing/max_amount", given.max_amount, business.currency)
  return present({
    isEnabled: given.is_enabled,
    method: given.method ?? ("AUTO" as const),
    maxAmount,
    poolIds: (given.commerce_pools ?? []).map((id) => id.toLowerCase())
  })
})

/** What is given replaces what was agreed before; what is not given stays. */
export const termsOf = Effect.fnUntraced(function* (
  given: TermsGiven,
  business: Business,
  current: Terms = noTerms
): Effect.fn.Return<Terms, Fault | typeof NotSupported.Type> {
  const feature = unbuilt(given)
  if (feature !== undefined) return yield* Effect.fail({ _tag: "NotSupported" as const, feature })
  const { wallet_sharing } = given
  return {
    ...current,
    ...present({ group: given.group, isAdmin: given.is_admin, permissions: given.permissions }),
    ...(wallet_sharing && { walletSharing: yield* sharingOf(wallet_sharing, business) })
  }
})

const WalletSharing = Schema.Struct({
  is_enabled: Schema.Boolean,
  commerce_pools: Schema.Array(Schema.Struct({ id: Schema.String, name: text, description: text })),
  method: Schema.Literals(["AUTO", "MANUAL"]),
  max_amount: Schema.optionalKey(Amount),
  /** Of this calendar month (SHR-2); absent where there is no limit. */
  remaining_amount: Schema.optionalKey(Amount)
})
const standing = {
  group: text,
  is_admin: Schema.Boolean,
  permissions: Schema.Array(Permission),
  wallet_sharing: WalletSharing,
  state: RelationState
}

export const Person = Schema.Struct({
  id: Schema.String,
  ...standing,
  devices: Schema.Array(Schema.Struct({ id: Schema.String })),
  contact: Schema.Struct({
    id: Schema.String,
    first_name: text,
    last_name: text,
    phone: Schema.optionalKey(Schema.Struct({ country_code: text, number: Schema.String })),
    email: text,
    wallet: Schema.Struct({ id: Schema.String })
  })
})
export type Person = typeof Person.Type

/** A community as its member sees it. `relationship_id` is what an invitation is answered with. */
export const Community = Schema.Struct({
  relationship_id: Schema.String,
  community_owner: Schema.Struct({
    id: Schema.String,
    first_name: text,
    last_name: text,
    company_name: text,
    wallet: Schema.Struct({ id: Schema.String })
  }),
  ...standing
})
export type Community = typeof Community.Type

const renderStanding = (relation: Relation, business: Business, at: number) => {
  const { walletSharing, group, isAdmin, permissions } = relation.terms
  const money = (minor: bigint | undefined) => (minor === undefined ? undefined : decimal(minor, business.currency))
  return present({
    group,
    is_admin: isAdmin,
    permissions,
    wallet_sharing: present({
      is_enabled: walletSharing.isEnabled,
      commerce_pools: walletSharing.poolIds.map((id) =>
        present({ id, name: business.pools[id]?.name, description: business.pools[id]?.description })
      ),
      method: walletSharing.method,
      max_amount: money(walletSharing.maxAmount),
      remaining_amount: money(remaining(relation, monthKey(at, business.timeZone)))
    }),
    state: relation.state
  })
}

export const renderPerson = (relation: Relation, member: ContactState, business: Business, at: number): Person => {
  const { firstName, lastName, phone, email } = member.profile
  return {
    id: relation.relationshipId,
    ...renderStanding(relation, business, at),
    devices: [],
    contact: present({
      id: relation.memberId,
      first_name: firstName,
      last_name: lastName,
      phone: phone && present({ country_code: phone.countryCode, number: phone.number }),
      email,
      wallet: { id: relation.memberId }
    })
  }
}

export const renderCommunity = (relation: Relation, owner: ContactState, business: Business, at: number): Community => {
  const { firstName, lastName, companyName } = owner.profile
  return {
    relationship_id: relation.relationshipId,
    community_owner: present({
      id: owner.id,
      first_name: firstName,
      last_name: lastName,
      company_name: companyName,
      wallet: { id: owner.id }
    }),
    ...renderStanding(relation, business, at)
  }
}

/** COM-4: an invitation that has lapsed is gone, also in the moment before its timer has come round to it. */
export const livingRelations = ({ relations }: CommunityState, at: number): ReadonlyArray<Relation> =>
  relations.filter(({ state, expiresAt }) => state !== "PENDING" || expiresAt === undefined || expiresAt > at)
