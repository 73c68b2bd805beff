/** SEG-6: what somebody has given as her name is never calculated by a spreadsheet that opens the list. */
import { assert, describe, it } from "@effect/vitest"
import { filler, textCell } from "#runtime/segment/MemberColumns.ts"
import { laterCatalogue, laterProfile } from "../support/LaterField.ts"

describe("a text in a list of members", () => {
  it("is marked in a file of text where a spreadsheet would calculate it, and stands as it is in a workbook", () => {
    for (const text of ["=1", "+1", "-1", "@a", "  =1", "\t1", "\r1", "＝1", "＋1", "－1", "＠a", "\u00a0=1"]) {
      assert.deepStrictEqual(textCell(text), { text: `'${text}`, typed: text }, JSON.stringify(text))
    }
    for (const text of ["Anna", "", " Anna", "a=1", "'a"]) assert.deepStrictEqual(textCell(text), { text, typed: text })
  })
})

describe("a column of a list of members", () => {
  it("is at once one for a field that is added to the schema of a contact", () => {
    const cell = (field: string) => filler(field, laterCatalogue.fields)({ usual: {} as never, profile: laterProfile })
    assert.deepStrictEqual(
      ["subscription.plan_name", "subscription.monthly_price", "subscription.renews_at"].map((each) => cell(each).text),
      ["GOLD", "9.90", "2026-11-22T00:00:00.000Z"]
    )
    assert.deepInclude(cell("subscription.monthly_price").typed, { value: 9.9 })
    assert.strictEqual(filler("subscription.plan_name")({ usual: {} as never, profile: laterProfile }).text, "")
  })
})
