import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { e164Of } from "#domain/contact/PhoneNumber.ts"

const read = (number: string, countryCode?: string): string => {
  const result = e164Of({ countryCode, number }, "phone", "CYP")
  return Result.isSuccess(result) ? result.success : `refused: ${result.failure.field}`
}

describe("a phone number", () => {
  it("is compared as E.164, however people of its country write it (UNQ-3)", () => {
    assert.strictEqual(read("99123456", "CYP"), "+35799123456")
    assert.strictEqual(read("99 12 34-56", "CYP"), "+35799123456")
    assert.strictEqual(read("00357 99123456", "CYP"), "+35799123456")
    assert.strictEqual(read("+357 99123456", "CYP"), "+35799123456")
    assert.strictEqual(read("(212) 555-0123", "USA"), "+12125550123")
    assert.strictEqual(read("020 7946 0958", "GBR"), "+442079460958")
  })

  it("is of the business's country when it names none", () => {
    assert.strictEqual(read("99123456"), "+35799123456")
    assert.strictEqual(read("+302101234567"), "+302101234567")
  })

  it("may be a landline of Cyprus as well as a mobile", () => {
    assert.strictEqual(read("22123456", "CYP"), "+35722123456")
  })

  it("is read for Kosovo, which the description calls RKS", () => {
    assert.strictEqual(read("044 123 456", "RKS"), "+38344123456")
  })

  it("is refused by the name of its field when its country has no such number", () => {
    assert.strictEqual(read("123", "CYP"), "refused: phone/number")
    assert.strictEqual(read("+3571", "CYP"), "refused: phone/number")
    assert.strictEqual(read("99123456 ext 4", "CYP"), "refused: phone/number")
    assert.strictEqual(read("call me at 99123456", "CYP"), "refused: phone/number")
  })

  it("is refused by its country when it begins with the calling code of another", () => {
    assert.strictEqual(read("+302101234567", "CYP"), "refused: phone/country_code")
    assert.strictEqual(read("+16135550123", "USA"), "+16135550123")
  })

  it("of a country without a numbering plan has to be E.164", () => {
    assert.strictEqual(read("123", "ATA"), "refused: phone/country_code")
    assert.strictEqual(read("+35799123456", "ATA"), "+35799123456")
  })
})
