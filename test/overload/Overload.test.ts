/**
 * The overload run in short, against a real Koinon in a process of its own. How long accepted writes take is judged by
 * `npm run overload` on a machine that has nothing else to do, not here.
 */
import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import { run } from "./Run.ts"
import * as Subscribers from "./Subscribers.ts"

const memoryMax = 1024 ** 3
const timeoutMs = 600_000

describe("when five times as much is asked for as can be done", () => {
  it(
    "P11: memory stays bounded, refusals say when to come again, what was accepted is there once, and it is soon as before",
    { timeout: timeoutMs },
    async () => {
      const report = await run(
        {
          contacts: 40,
          measureMs: 2_000,
          measureConnections: 64,
          overloadMs: 6_000,
          connections: 600,
          factor: 5,
          reportEveryMs: 1_000,
          memoryMax,
          recoveryMaxMs: 60_000
        },
        () => undefined
      )
      const broken = report.bounds.filter(({ holds }) => !holds).map(({ name, found }) => `${name}: ${found}`)
      assert.deepStrictEqual(broken, [])
      assert.isAtLeast(report.bounds.length, 8)
    }
  )
})

describe("when all live apps of a runner are cut off at once", () => {
  it(
    "P11: each was bounded in memory, they come back to where they were and have missed nothing, while debits go on",
    { timeout: timeoutMs },
    async () => {
      const { bounds } = await Subscribers.run(
        {
          subscribers: 300,
          debitsPerSecond: 40,
          debitMs: 2_000,
          idleMs: 100,
          backMaxMs: 60_000,
          socketHeapMax: 20 * 1024
        },
        () => undefined
      )
      const broken = bounds.filter(({ holds }) => !holds).map(({ name, found }) => `${name}: ${found}`)
      assert.deepStrictEqual(broken, [])
      assert.isAtLeast(bounds.length, 4)
    }
  )
})
