/**
 * How commerce money is laid over a basket (WAL-4): the maximum that the lots can cover, and among the ways to cover it
 * the one that takes most from the first lot in order, then most from the second, and so on.
 *
 * Lots and basket lines form a flow network. What sets of lots can pay is a polymatroid, so pushing as much as possible
 * from each lot in turn, along paths that may move what earlier lots pay for but never lessen it, gives both at once.
 */
import type { Pool } from "../organisation/Business.ts"
import type { Minor } from "../shared/Money.ts"
import { min, sum } from "../shared/Money.ts"
import type { Eligible } from "./Eligibility.ts"
import type { Spending } from "./Spending.ts"

/** What one lot pays. */
export interface Share {
  readonly eligible: Eligible
  readonly amount: Minor
}

/** What one pool may pay for, and pays so far, product by product. Lots of one pool are alike in this. */
interface Source {
  readonly products: ReadonlyArray<number>
  readonly paid: Array<Minor>
}

interface Basket {
  /** What is still unpaid, product by product; the same product on several lines is one. */
  readonly unpaid: Array<Minor>
  readonly skus: ReadonlyArray<string>
}

const basketOf = (spending: Spending): Basket => {
  const amounts = new Map<string, Minor>()
  // A line that gives money back, such as a returned deposit, is nothing that a lot could pay for.
  for (const { sku, amount } of spending.lines) if (amount > 0n) amounts.set(sku, (amounts.get(sku) ?? 0n) + amount)
  return { skus: [...amounts.keys()], unpaid: [...amounts.values()] }
}

/** What a pool could pay of the basket if it were alone and rich: the narrower, the sooner it is used. */
const reach = (pool: Pool, spending: Spending): Minor =>
  pool.skus.length === 0
    ? spending.total
    : min(spending.total, sum(spending.lines.filter((line) => pool.skus.includes(line.sku)).map((line) => line.amount)))

const compare = (left: number | Minor, right: number | Minor): number => (left < right ? -1 : left > right ? 1 : 0)

/** WAL-4: earliest expiry, then narrowest eligibility, then oldest; the order in the wallet decides between equals. */
const inOrder = (lots: ReadonlyArray<Eligible>, spending: Spending): ReadonlyArray<Eligible> => {
  const reaches = new Map<string, Minor>()
  for (const { pool } of lots) if (!reaches.has(pool.id)) reaches.set(pool.id, reach(pool, spending))
  const reachOf = ({ pool }: Eligible): Minor => reaches.get(pool.id) ?? 0n
  return lots.toSorted(
    (left, right) =>
      compare(left.lot.expiresAt ?? Infinity, right.lot.expiresAt ?? Infinity) ||
      compare(reachOf(left), reachOf(right)) ||
      compare(left.lot.creditedAt, right.lot.creditedAt)
  )
}

/** One step of a path: `source` takes over `product`, which `from` paid until now (absent: the source itself starts). */
interface Step {
  readonly source: number
  readonly product: number
  readonly from: Step | undefined
}

/** The shortest way from a source to an unpaid product, over products that other sources can be moved away from. */
const findPath = (start: number, sources: ReadonlyArray<Source>, unpaid: ReadonlyArray<Minor>): Step | undefined => {
  const reached = new Set<number>()
  const asked = new Set<number>([start])
  const queue: Array<{ source: number; from: Step | undefined }> = [{ source: start, from: undefined }]
  for (const { source, from } of queue) {
    for (const product of sources[source]?.products ?? []) {
      if (reached.has(product)) continue
      reached.add(product)
      const step: Step = { source, product, from }
      if ((unpaid[product] ?? 0n) > 0n) return step
      sources.forEach((other, index) => {
        if ((other.paid[product] ?? 0n) === 0n || asked.has(index)) return
        asked.add(index)
        queue.push({ source: index, from: step })
      })
    }
  }
  return undefined
}

/** Moves as much as the path allows, at most `limit`, and says how much that was. */
const push = (end: Step, limit: Minor, sources: ReadonlyArray<Source>, unpaid: Array<Minor>): Minor => {
  let amount = min(limit, unpaid[end.product] ?? 0n)
  for (let step: Step = end; step.from !== undefined; step = step.from) {
    amount = min(amount, sources[step.source]?.paid[step.from.product] ?? 0n)
  }
  unpaid[end.product] = (unpaid[end.product] ?? 0n) - amount
  for (let step: Step | undefined = end; step !== undefined; step = step.from) {
    const paid = sources[step.source]?.paid
    if (paid === undefined) continue
    paid[step.product] = (paid[step.product] ?? 0n) + amount
    if (step.from !== undefined) paid[step.from.product] = (paid[step.from.product] ?? 0n) - amount
  }
  return amount
}

/** Lots without product conditions may pay for anything: no network is needed to see how far they reach. */
const allocatePlainly = (lots: ReadonlyArray<Eligible>, amount: Minor): ReadonlyArray<Share> => {
  const shares: Array<Share> = []
  let rest = amount
  for (const eligible of lots) {
    const taken = min(eligible.lot.remaining, rest)
    if (taken > 0n) shares.push({ eligible, amount: taken })
    rest -= taken
  }
  return shares
}

/** What each lot pays of at most `amount`, first in order first. */
export const allocate = (lots: ReadonlyArray<Eligible>, spending: Spending, amount: Minor): ReadonlyArray<Share> => {
  const ordered = inOrder(lots, spending)
  const wanted = min(amount, spending.total)
  if (!ordered.some(({ pool }) => pool.skus.length > 0)) return allocatePlainly(ordered, wanted)

  const { skus, unpaid } = basketOf(spending)
  const pools = [...new Map(ordered.map(({ pool }) => [pool.id, pool])).values()]
  const sources: ReadonlyArray<Source> = pools.map((pool) => ({
    products: skus.flatMap((sku, product) => (pool.skus.length === 0 || pool.skus.includes(sku) ? [product] : [])),
    paid: skus.map(() => 0n)
  }))
  const shares: Array<Share> = []
  let rest = wanted
  for (const eligible of ordered) {
    const source = pools.indexOf(eligible.pool)
    let left = min(eligible.lot.remaining, rest)
    let taken = 0n
    while (left > 0n) {
      const path = findPath(source, sources, unpaid)
      if (path === undefined) break
      const moved = push(path, left, sources, unpaid)
      taken += moved
      left -= moved
    }
    if (taken > 0n) shares.push({ eligible, amount: taken })
    rest -= taken
  }
  return shares
}
