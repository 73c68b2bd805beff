/** How often values of which size were seen: counted in passing, for a few nanoseconds, and read when somebody looks. */

/** Seconds, for what should take milliseconds. */
export const secondsBounds = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
] as const

export class Histogram {
  /** Upper ends, ascending. */
  readonly bounds: ReadonlyArray<number>
  /** By bucket, not cumulated, and one for all above the last bound. */
  readonly counts: Array<number>
  sum = 0

  constructor(bounds: ReadonlyArray<number>) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    counts[bucket] = (counts[bucket] as number) + 1
    this.sum += value
  }
}
