/** A memory of the most recent keeps them, and nothing above its bound. */
import { forgetOldest } from "#runtime/actor/Oldest.ts"
import { assert, describe, it } from "@effect/vitest"

describe("a map that remembers the most recent", () => {
  it("never holds more than it may, keeps the newest, and lets the oldest go first", () => {
    const most = 320
    const map = new Map<number, string>()
    for (let key = 0; key < 2_000; key += 1) {
      map.set(key, "")
      forgetOldest(map, most)
      assert.isAtMost(map.size, most)
      const kept = [...map.keys()]
      assert.strictEqual(kept.at(-1), key)
      assert.strictEqual(kept.length, key - (kept[0] as number) + 1)
      // A sixteenth goes at a time, no more.
      assert.isAtLeast(map.size, Math.min(key + 1, most - most / 16))
    }
  })

  it("of one entry lets go of the one before it", () => {
    const map = new Map([
      ["old", 1],
      ["new", 2]
    ])
    forgetOldest(map, 1)
    assert.deepStrictEqual([...map.keys()], ["new"])
  })
})
