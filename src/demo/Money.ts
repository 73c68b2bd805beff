/** Euros of the demo: computed in whole cents, shown with two decimals. */
import type { Euros } from "./Household.ts"

export const cents = (euros: Euros): number => Math.round(euros * 100)
export const sumOf = (amounts: Iterable<Euros>): Euros => {
  let sum = 0
  for (const amount of amounts) sum += cents(amount)
  return sum / 100
}
export const same = (left: Euros, right: Euros): boolean => cents(left) === cents(right)
export const bare = (euros: Euros): string => (cents(euros) / 100).toFixed(2)
/** With a space that no line is broken at. */
export const money = (euros: Euros): string => `${bare(euros)}\u00a0€`
