import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { alpha2Of, alpha3Codes, CountryCode } from "#domain/shared/Country.ts"

describe("countries", () => {
  it("are the 251 of the published description, each once and each with an alpha-2 code of its own", () => {
    assert.strictEqual(new Set(alpha3Codes).size, 251)
    assert.strictEqual(new Set(alpha3Codes.map(alpha2Of)).size, 251)
    for (const code of alpha3Codes) {
      assert.match(code, /^[A-Z]{3}$/)
      assert.match(alpha2Of(code) ?? "", /^[A-Z]{2}$/)
    }
  })

  it("have the alpha-2 codes that the names of regions go by", () => {
    const names = new Intl.DisplayNames("en", { type: "region" })
    assert.strictEqual(names.of(alpha2Of("CYP") ?? ""), "Cyprus")
    assert.strictEqual(names.of(alpha2Of("CHE") ?? ""), "Switzerland")
    assert.strictEqual(names.of(alpha2Of("RKS") ?? ""), "Kosovo")
    for (const code of alpha3Codes) assert.notStrictEqual(names.of(alpha2Of(code) ?? ""), alpha2Of(code), code)
  })

  it("are written in capital letters", () => {
    assert.isTrue(Schema.is(CountryCode)("CYP"))
    assert.isFalse(Schema.is(CountryCode)("cyp"))
    assert.isFalse(Schema.is(CountryCode)("CPR"))
  })
})
