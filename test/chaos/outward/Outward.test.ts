/**
 * What leaves for the world, in short: a real Koinon with live segments, automations, mail and webhooks is killed a few times
 * in the middle of it, and so are its segment store and its mail server. The seed is new each time and stands in the failure;
 * `npm run chaos -- --kills 100 --seed N` plays it again, and longer.
 */
import { assert, it } from "@effect/vitest"
import { randomInt } from "node:crypto"
import { describe } from "vitest"
import { findingLine } from "../Report.ts"
import { outwardPace, runOutward } from "./Outward.ts"

const kills = 3
const timeoutMs = 900_000

describe("when Koinon, its segment store and its mail server are killed in the middle of everything", () => {
  it(
    "P1, P2, P8, P9, SEG-3, SEG-4, AUT-1, AUT-5, AUT-6, AUT-11, AUT-12, CON-6: nothing is lost and nothing is told twice",
    { timeout: timeoutMs },
    async () => {
      const seed = randomInt(2 ** 31)
      const settings = { ...outwardPace, keys: 12, killWithinMs: 700, seed }
      const report = await runOutward(kills, settings, { arranged: () => undefined, round: () => undefined }, [
        "live_segments"
      ])
      assert.deepStrictEqual(report.findings.found.map(findingLine), [], `seed ${seed}`)
      const { kills: killed, mails, messages, runs, webhooks } = report.outward
      assert.isAtLeast(
        Object.values(killed).reduce((sum, times) => sum + times, 0),
        kills
      )
      for (const left of [mails, messages, runs, webhooks]) assert.isAbove(left, 0, "something has left")
    }
  )
})
