/** How long a task waits after it has failed: exponential, bounded, and with full jitter, so that a crowd that failed together comes back apart. */

export interface Backoff {
  readonly firstMs: number
  readonly mostMs: number
}

/** Doublings beyond which every bound is reached. */
const doublingsMax = 40

/** The longest that it may wait after so many failures. */
export const ceilingMs = (failures: number, { firstMs, mostMs }: Backoff): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(doublingsMax, Math.max(0, failures - 1)))

/** `chance` is of 0 to 1. */
export const delayMs = (failures: number, backoff: Backoff, chance: number): number =>
  Math.round(ceilingMs(failures, backoff) * chance)
