/** How instants are told. */
import { assert, describe, it } from "@effect/vitest"
import { rfc3339 } from "#runtime/projection/Rfc3339.ts"

describe("an instant", () => {
  it("is told in UTC, and one that no calendar has as the farthest that one has, for what tells it may not stop", () => {
    assert.strictEqual(rfc3339(Date.UTC(2026, 10, 22, 10, 0)), "2026-11-22T10:00:00.000Z")
    assert.strictEqual(rfc3339(Number.MAX_SAFE_INTEGER * 1_000), "+275760-09-13T00:00:00.000Z")
    assert.strictEqual(rfc3339(-Number.MAX_SAFE_INTEGER), "-271821-04-20T00:00:00.000Z")
  })
})
