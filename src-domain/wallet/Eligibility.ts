/**
 * Which commerce money may pay for what (WAL-3): the conditions of a pool against one basket, at one place and time. It
 * says what may be used, not how much of it nor in which order; that is the allocation's business.
 */
import type { Business, Pool, PoolTiming } from "../organisation/Business.ts"
import { localTime } from "../shared/CalendarDate.ts"
import type { Lot } from "./Lot.ts"
import type { Spending } from "./Spending.ts"

/** What a wallet may be spent on beyond the basket itself: the contact's own choice, and the grant it is spent under. */
export interface SpendRules {
  readonly business: Business
  /** Pools that the wallet's owner has activated. */
  readonly activePoolIds: ReadonlyArray<string>
  /** The pools that may be touched at all (SHR-3). */
  readonly pools: "any" | ReadonlyArray<string>
  /** Whether the open pocket may be touched (SHR-3). */
  readonly openPocket: boolean
}

/** The root is a service owner, so a walk of four steps reaches it; more would be a broken tree. */
const treeDepthMax = 8

/** Whether the place is one of those named, or below one: the business covers all, a merchant covers its venues. */
const isWithin = (business: Business, organisationId: string, named: ReadonlyArray<string>): boolean => {
  let place: string | undefined = organisationId
  for (let depth = 0; place !== undefined && depth < treeDepthMax; depth++) {
    if (named.includes(place)) return true
    place = business.organisations[place]?.parentId
  }
  return false
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))

const matches = (timing: PoolTiming, now: ReturnType<typeof localTime>): boolean => {
  if (timing.day !== undefined && timing.day !== now.weekday) return false
  if (timing.month !== undefined && timing.month !== now.month) return false
  const start = timing.startTime === undefined ? 0 : minutesOf(timing.startTime)
  const end = timing.endTime === undefined ? 24 * 60 : minutesOf(timing.endTime)
  // From 22:00 to 02:00 goes over midnight.
  return start <= end ? start <= now.minutes && now.minutes <= end : start <= now.minutes || now.minutes <= end
}

const admitsTime = (pool: Pool, spending: Spending, business: Business): boolean => {
  if (pool.timings.length === 0) return true
  const venueZone = business.organisations[spending.organisationId]?.timeZone
  const now = localTime(spending.at, venueZone ?? business.timeZone)
  return pool.timings.some((timing) => matches(timing, now))
}

/** Whether a pool may pay here and now, for at least something. */
const admits = (pool: Pool, spending: Spending, rules: SpendRules): boolean =>
  (rules.pools === "any" || rules.pools.includes(pool.id)) &&
  (!pool.needsActivation || rules.activePoolIds.includes(pool.id)) &&
  (pool.organisationIds.length === 0 || isWithin(rules.business, spending.organisationId, pool.organisationIds)) &&
  admitsTime(pool, spending, rules.business) &&
  // Without lines nobody can tell what was bought: money that is for certain products stays where it is.
  (pool.skus.length === 0 || spending.lines.some((line) => pool.skus.includes(line.sku)))

export const isUnexpired = (lot: Lot, at: number): boolean => lot.expiresAt === undefined || at < lot.expiresAt

/** A commerce lot that may pay, with the pool whose conditions it is under. */
export interface Eligible {
  readonly lot: Lot
  readonly pool: Pool
}

/** Every commerce lot that may pay for something of the basket, in the order in which lots stand in the wallet. */
export const eligible = (lots: ReadonlyArray<Lot>, spending: Spending, rules: SpendRules): ReadonlyArray<Eligible> => {
  const judged = new Map<string, boolean>()
  const found: Array<Eligible> = []
  for (const lot of lots) {
    const pool = lot.poolId === undefined ? undefined : rules.business.pools[lot.poolId]
    if (pool === undefined || !isUnexpired(lot, spending.at)) continue
    let admitted = judged.get(pool.id)
    if (admitted === undefined) {
      admitted = admits(pool, spending, rules)
      judged.set(pool.id, admitted)
    }
    if (admitted) found.push({ lot, pool })
  }
  return found
}
