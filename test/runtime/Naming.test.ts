import { timeOrderedUuid } from "#runtime/actor/Naming.ts"
import { assert, describe, it } from "@effect/vitest"

describe("the id of a command that nobody named", () => {
  it("is a UUID of version 7 that sorts by its time, and is never the same twice", () => {
    const [early, late] = [timeOrderedUuid(1_795_305_367_000), timeOrderedUuid(1_795_305_367_001)]
    assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.isBelow(early.slice(0, 13).localeCompare(late.slice(0, 13)), 0)
    assert.strictEqual(Number.parseInt(early.replaceAll("-", "").slice(0, 12), 16), 1_795_305_367_000)
    assert.notStrictEqual(timeOrderedUuid(1), timeOrderedUuid(1))
  })
})
