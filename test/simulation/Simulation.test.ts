/**
 * Seeded worlds in which runners die, freeze and take over, commits get lost and clocks jump, with every promise asked at
 * every step. As many seeds as fit into the time: `SIMULATION_SEEDS` overrides how many, and `npm run simulate` goes on
 * from there. A seed that fails is printed with the shortest story that was found.
 */
import { assert, describe, it } from "@effect/vitest"
import { faultKinds } from "./Plan.ts"
import { regressions } from "./Regressions.ts"
import { failureOf, run } from "./Report.ts"

const wanted = process.env["SIMULATION_SEEDS"]
/** Without a wish: as many as fit into the time, within these bounds. */
const seedsMin = 200
const seedsMax = 2_000
const budgetMs = 22_000
const livenessSeedsMin = 20
const livenessSeedsMax = 200
const livenessBudgetMs = 4_000
const timeoutMs = 60 * 60_000

interface Budget {
  readonly min: number
  readonly max: number
  readonly ms: number
  readonly isLiveness?: boolean
}

/** The first failure, and how many seeds were played. */
const play = ({ min, max, ms, isLiveness = false }: Budget) => {
  const began = performance.now()
  let seed = 0
  while (seed < max && (seed < min || performance.now() - began < ms)) {
    seed += 1
    const failure = failureOf(seed, run(seed, isLiveness), isLiveness)
    if (failure !== undefined) return { failure: failure.text, seeds: seed }
  }
  return { failure: undefined, seeds: seed }
}

const exactly = (seeds: number): Budget => ({ min: seeds, max: seeds, ms: 0 })

describe("a simulated world", () => {
  it("holds what it once did not: the seeds that showed something", () => {
    for (const { seed, showed } of regressions) assert.isUndefined(run(seed).violation, `seed ${seed}: ${showed}`)
  })

  it("is the same for the same seed, to the last line of its history, and another for another", () => {
    const hashes = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => run(seed).hash)
    assert.deepStrictEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => run(seed).hash),
      hashes
    )
    assert.lengthOf(new Set(hashes), hashes.length)
  })

  it("is the same on a machine that is slow, or busy with something else", () => {
    const seeds = [40, 44, 53]
    const hashes = seeds.map((seed) => run(seed).hash)
    const real = performance.now
    let stuttering = 0
    Object.assign(performance, { now: () => (stuttering += 137) })
    try {
      assert.deepStrictEqual(
        seeds.map((seed) => run(seed).hash),
        hashes
      )
    } finally {
      Object.assign(performance, { now: real })
    }
  })

  it("is busy: its runners commit and answer, and faults of each kind strike", { timeout: timeoutMs }, () => {
    const results = Array.from({ length: 150 }, (_, index) => run(index + 1))
    const stories = results.flatMap(({ story }) => story).join("\n")
    for (const kind of faultKinds) assert.include(stories, `FAULT: ${kind}`)
    for (const { commits, answered } of results) {
      assert.isAbove(commits, 0)
      assert.isAbove(answered, 5)
    }
    // Both ends of a shared purchase, and everything that a runner tells a client to try again for.
    for (const told of [
      "PurchaseAnswer",
      "InsufficientFunds",
      "AwardAnswer",
      "AwardSpent",
      "ReturnSharedFunds",
      "StillRunning",
      "ShardMoved"
    ]) {
      assert.include(stories, told)
    }
  })

  it(
    "P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P16: holds what is promised, whatever strikes",
    { timeout: timeoutMs },
    ({ annotate }) => {
      const budget = wanted === undefined ? { min: seedsMin, max: seedsMax, ms: budgetMs } : exactly(Number(wanted))
      const { failure, seeds } = play(budget)
      assert.isUndefined(failure)
      return annotate(`${seeds} seeds`)
    }
  )

  it(
    "P8: answers everything that is asked when the faults are over, within two seconds of its time",
    { timeout: timeoutMs },
    () => {
      const { failure } = play({
        min: livenessSeedsMin,
        max: livenessSeedsMax,
        ms: livenessBudgetMs,
        isLiveness: true
      })
      assert.isUndefined(failure)
    }
  )
})
