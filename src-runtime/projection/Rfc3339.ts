/** Instants, epoch milliseconds everywhere inside, as they are told to whoever reads a view, a webhook or the live feed. */

/** Either way from 1970, what a `Date` can be: nobody who tells an instant may stop at one that is further. */
const farthestMs = 8_640_000_000_000_000

/** RFC 3339, in UTC. */
export const rfc3339 = (at: number): string => new Date(Math.min(Math.max(at, -farthestMs), farthestMs)).toISOString()
