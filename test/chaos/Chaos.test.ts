/**
 * The kill loop in short, so that each test run kills a real Koinon and its real PostgreSQL a few times. The seed is new
 * each time and stands in the failure; `npm run chaos -- --seed N` plays it again, and longer.
 */
import { assert, it } from "@effect/vitest"
import { randomInt } from "node:crypto"
import { describe } from "vitest"
import { findingLine } from "./Report.ts"
import { run } from "./Run.ts"

const rounds = 4
const timeoutMs = 240_000

describe("when Koinon, PostgreSQL or both are killed under load", () => {
  it(
    "P1, P2, P3, P4, P8, P10: answered commands are there once, money is conserved, accepted work finishes",
    { timeout: timeoutMs },
    async () => {
      const seed = randomInt(2 ** 31)
      const report = await run(
        { rounds, seed, keys: 20, clients: 16, operationsMax: 500, killWithinMs: 700 },
        { arranged: () => undefined, round: () => undefined }
      )
      assert.deepStrictEqual(report.findings.found.map(findingLine), [], `seed ${seed}`)
      assert.lengthOf(report.rounds, rounds)
      assert.isAbove(report.findings.checked.get("P1") ?? 0, rounds, "operations were answered")
    }
  )
})
