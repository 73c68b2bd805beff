/** SEG-6: what somebody has given as her name is never calculated by a spreadsheet that opens the list. */
import { assert, describe, it } from "@effect/vitest"
import { textCell } from "#runtime/segment/MemberColumns.ts"

describe("a text in a list of members", () => {
  it("is marked in a file of text where a spreadsheet would calculate it, and stands as it is in a workbook", () => {
    for (const text of ["=1", "+1", "-1", "@a", "  =1", "\t1", "\r1", "＝1", "＋1", "－1", "＠a", "\u00a0=1"]) {
      assert.deepStrictEqual(textCell(text), { text: `'${text}`, typed: text }, JSON.stringify(text))
    }
    for (const text of ["Anna", "", " Anna", "a=1", "'a"]) assert.deepStrictEqual(textCell(text), { text, typed: text })
  })
})
