/**
 * The simulation is worth what it finds: with each of these guards taken out of the product, some seed among the first
 * few hundred has to break the promise that the guard keeps.
 */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type MutantName, mutants } from "./Mutants.ts"

const seedsMax = 300
const timeoutMs = 600_000
const program = fileURLToPath(new URL("main.ts", import.meta.url))

/** The oracles that may be first to see it. */
const kills: Readonly<Record<MutantName, ReadonlyArray<string>>> = {
  "no fence": ["P5"],
  "no unique command id": ["P2"],
  "no unique value": ["UNQ"],
  "no output gate": ["P6"],
  "an answer before its commit": ["P1"],
  "a lost answer taken for a commit": ["P1", "P7"],
  "messages that overtake each other": ["P8"],
  "a cursor before its rows": ["P9"],
  "a torn snapshot trusted": ["P3", "P4", "P6"]
}

const simulateWith = (mutant: MutantName): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, "--seeds", String(seedsMax), "--mutant", mutant], (error, out, errors) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, said: out + errors })
    )
  })

describe("the simulation finds a product", () => {
  for (const mutant of Object.keys(mutants) as ReadonlyArray<MutantName>) {
    it(`with ${mutant}`, { timeout: timeoutMs }, async () => {
      const { code, said } = await simulateWith(mutant)
      assert.strictEqual(code, 1, `it survived ${seedsMax} seeds: ${said}`)
      const { oracle } = JSON.parse(said) as { readonly oracle: string }
      assert.include(kills[mutant], oracle, said)
    })
  }
})
