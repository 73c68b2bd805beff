/** SEG-6: a file of members is read whole or refused; it names so many contacts and no more. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mediaTypes, read } from "#runtime/segment/MemberFile.ts"

const fileOf = (rows: number): Uint8Array =>
  new TextEncoder().encode(["code", ...Array.from({ length: rows }, (_, index) => `C-${index}`)].join("\n"))

describe("a file of members", () => {
  it.effect("names a hundred thousand contacts, the last as the first", () =>
    Effect.gen(function* () {
      const rows = yield* read(fileOf(100_000), mediaTypes.csv, "CYP")
      assert.strictEqual(rows.length, 100_000)
      assert.deepStrictEqual(rows.at(-1), { row: 100_001, references: [{ kind: "code", value: "C-99999" }] })
    })
  )

  it.effect("that names one more is refused, which says how many it may name", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(read(fileOf(100_001), mediaTypes.csv, "CYP"))
      assert.deepInclude(refused, { _tag: "WorkbookRefused", rule: "A file names at most 100000 contacts." })
    })
  )
})
