/**
 * Commerce money, pool by pool: how much of it there is, where, on what and when it can be spent, and how soon it
 * expires. A pool without money is listed too: it may be one to activate.
 */
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Business, Pool } from "#domain/organisation/Business.ts"
import { OrganisationType } from "#domain/organisation/Business.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import { sum } from "#domain/shared/Money.ts"
import type { Lot } from "#domain/wallet/Lot.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, present } from "./Fields.ts"
import { liveLots } from "./Wallet.ts"

const Expiration = Schema.Struct({
  zero_to_thirty: Amount,
  thirty_to_sixty: Amount,
  sixty_to_ninety: Amount,
  ninety_plus: Amount
})

export const CommerceBalance = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  description: Schema.optionalKey(Schema.String),
  amount: Amount,
  currency_code: Schema.String,
  /** What expires in how many days; money that never expires stands in none of them. */
  expiration: Schema.optionalKey(Expiration),
  organisations: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      name: Schema.optionalKey(Schema.String),
      type: Schema.optionalKey(OrganisationType)
    })
  ),
  products: Schema.Array(
    Schema.Struct({ id: Schema.String, id_type: Schema.Literals(["PRODUCT"]), sku: Schema.String })
  ),
  timings: Schema.Array(
    Schema.Struct({
      day: Schema.optionalKey(Schema.Int),
      month: Schema.optionalKey(Schema.Int),
      start_time: Schema.optionalKey(Schema.String),
      end_time: Schema.optionalKey(Schema.String)
    })
  ),
  applicable_for_activation: Schema.Boolean,
  is_active: Schema.Boolean,
  b2b_details: Schema.Struct({ is_published: Schema.Boolean, is_promoted: Schema.Boolean })
})
export type CommerceBalance = typeof CommerceBalance.Type

export interface CommerceBalanceFilters {
  readonly poolId?: string | undefined
  readonly isActive?: boolean | undefined
  readonly includeExpiration?: boolean | undefined
}

/** The last days of each period; what expires later is in the last. */
const periodDays = [30, 60, 90] as const

const expirationOf = (lots: ReadonlyArray<Lot>, contact: ContactState, at: number): typeof Expiration.Type => {
  const today = dayNumber(at, contact.businessTimeZone)
  const within = (after: number, upTo: number): number =>
    decimal(
      sum(
        lots.flatMap(({ expiresAt, remaining }) => {
          if (expiresAt === undefined) return []
          // It expires with the end of its last day, which is the instant before.
          const days = dayNumber(expiresAt - 1, contact.businessTimeZone) - today
          return days > after && days <= upTo ? [remaining] : []
        })
      ),
      contact.currency
    )
  const [first, second, third] = periodDays
  return {
    zero_to_thirty: within(Number.NEGATIVE_INFINITY, first),
    thirty_to_sixty: within(first, second),
    sixty_to_ninety: within(second, third),
    ninety_plus: within(third, Number.POSITIVE_INFINITY)
  }
}

export const conditionsOf = (business: Business, pool: Pool) => ({
  organisations: pool.organisationIds.map((id) => {
    const organisation = business.organisations[id]
    return present({ id, name: organisation?.name, type: organisation?.type })
  }),
  products: pool.skus.map((sku) => ({ id: nameUuid("product", business.id, sku), id_type: "PRODUCT" as const, sku })),
  timings: pool.timings.map(({ day, month, startTime, endTime }) =>
    present({ day, month, start_time: startTime, end_time: endTime })
  )
})

/** Largest amount first; pools of the same amount by name. */
export const renderCommerceBalances = (
  business: Business,
  contact: ContactState,
  filters: CommerceBalanceFilters,
  at: number
): ReadonlyArray<CommerceBalance> => {
  const lots = liveLots(contact, at)
  const isActive = (pool: Pool): boolean => !pool.needsActivation || contact.activePoolIds.includes(pool.id)
  return Object.values(business.pools)
    .filter((pool) => filters.poolId === undefined || pool.id === filters.poolId)
    .filter((pool) => filters.isActive === undefined || isActive(pool) === filters.isActive)
    .map((pool) => {
      const ofPool = lots.filter((lot) => lot.poolId === pool.id)
      return present({
        id: pool.id,
        name: pool.name,
        description: pool.description,
        amount: decimal(balance(ofPool), contact.currency),
        currency_code: contact.currency,
        expiration: filters.includeExpiration === true ? expirationOf(ofPool, contact, at) : undefined,
        ...conditionsOf(business, pool),
        applicable_for_activation: pool.needsActivation,
        is_active: isActive(pool),
        b2b_details: { is_published: false, is_promoted: false }
      })
    })
    .toSorted((left, right) => right.amount - left.amount || (left.name < right.name ? -1 : 1))
}
