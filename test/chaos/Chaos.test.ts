/**
 * The loop in short, so that each test run kills a real Koinon and its real PostgreSQL a few times, and one of several
 * runners once. The seed is new each time and stands in the failure; `npm run chaos -- --seed N` plays it again, and longer.
 */
import { assert, it } from "@effect/vitest"
import { randomInt } from "node:crypto"
import { describe } from "vitest"
import { hearWitness } from "./Finale.ts"
import { KoinonProcess } from "./KoinonProcess.ts"
import { Nemesis } from "./Nemesis.ts"
import { findingLine } from "./Report.ts"
import { clusterPace, run, type Watch } from "./Run.ts"

const rounds = 4
const timeoutMs = 900_000
const silent: Watch = { arranged: () => undefined, round: () => undefined }

describe("when Koinon, PostgreSQL or both are killed under load", () => {
  it(
    "P1, P2, P3, P4, P7, P8, P10: answered commands are there once, money is conserved, accepted work finishes",
    { timeout: timeoutMs },
    async () => {
      const seed = randomInt(2 ** 31)
      const report = await run(
        await KoinonProcess.open(),
        { rounds, seed, keys: 20, clients: 16, operationsMax: 500, killWithinMs: 700, impatient: 0 },
        silent
      )
      assert.deepStrictEqual(report.findings.found.map(findingLine), [], `seed ${seed}`)
      assert.lengthOf(report.rounds, rounds)
      assert.isAbove(report.findings.checked.get("P1") ?? 0, rounds, "operations were answered")
    }
  )
})

describe("when one of two runners is killed, stopped or cut off under load", () => {
  it("P1 to P8, P10: the other takes over, and nobody writes what is not his", { timeout: timeoutMs }, async () => {
    const seed = randomInt(2 ** 31)
    const { target } = await Nemesis.open(2, ["kill", "term", "cut"])
    const settings = { ...clusterPace, rounds: 1, seed, keys: 12, clients: 6, killWithinMs: 700 }
    const report = await run(target, settings, silent, { finale: (it) => hearWitness(it, target) })
    assert.deepStrictEqual(report.findings.found.map(findingLine), [], `seed ${seed}`)
    for (const promise of ["P1", "P5", "P7"] as const) {
      assert.isAbove(report.findings.checked.get(promise) ?? 0, 0, `${promise} was checked`)
    }
  })
})
