import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { catalogue } from "#domain/segment/Catalogue.ts"
import { ConditionSets } from "#domain/segment/Condition.ts"
import { objectionToPattern, portablePattern } from "#domain/segment/TextPattern.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"

const decode = Schema.decodeUnknownResult(ConditionSets, { onExcessProperty: "error" })

/** Where the first fault of the second condition of the second set is; "decoding" if it is not even of the form. */
const fault = (condition: object): string | undefined => {
  const fine = { type: "EXISTENCE", field: "email", exists: true }
  const sets = decode([{ conditions: [fine] }, { conditions: [fine, condition] }])
  if (Result.isFailure(sets)) return "decoding"
  const objection = objectionTo(sets.success, catalogue, (id) => id === "regulars")
  return objection?.pointer.replace("/1/conditions/1", "")
}

const span = { amount: 1, unit: "DAYS" }
const sinceWhen = { type: "HAS_BEEN", state: "UNCHANGED", span }
const birth = "demographics.date_of_birth"
const text = { type: "TEXT", field: "organisation_id", operator: "IS", value: "ledra" }
const count = { type: "COUNT", event: "PurchasePaid", operator: "EQUAL", value: 1 }
const comparison = { type: "COMPARISON", field: "tags", operator: "EQUAL", value: "vip" }

describe("conditions that make no sense", () => {
  it.each<readonly [string, object, string]>([
    ["a field that nobody has", { ...comparison, field: "shoe_size" }, "/field"],
    ["a secret one", { ...comparison, field: "wallet_code" }, "/field"],
    ["a list that is compared", comparison, "/field"],
    ["a text for a number", { ...comparison, field: "wallet.balance", value: "5" }, "/value"],
    ["a fraction of a cent", { ...comparison, field: "wallet.balance", value: 0.5 }, "/value"],
    ["a number for a text", { ...comparison, field: "email", value: 5 }, "/value"],
    ["a state that there is not", { ...comparison, field: "interaction_state", value: "ASLEEP" }, "/value"],
    [
      "one of them among others",
      { ...comparison, field: "consent", operator: "IN", value: ["PENDING", "X"] },
      "/value/1"
    ],
    ["a list for one value", { ...comparison, field: "email", value: ["a"] }, "/value"],
    ["one value for a list", { ...comparison, field: "email", operator: "IN" }, "/value"],
    ["an order of texts", { ...comparison, field: "email", operator: "GREATER" }, "/operator"],
    ["a text condition on a number", { type: "TEXT", field: "wallet.lots", operator: "IS", value: "1" }, "/field"],
    ["an accent alone", { type: "TEXT", field: "email", operator: "CONTAINS", value: "\u0301" }, "/value"],
    ["a pattern that does not parse", { type: "TEXT", field: "email", operator: "MATCHES", value: "(" }, "/value"],
    ["entries of a text", { type: "LIST", field: "email", operator: "HAS_ANY", values: ["a"] }, "/field"],
    ["a date that is none", { type: "RECENCY", field: "tags", operator: "IN_LAST", span }, "/field"],
    [
      "two centuries",
      { type: "RECENCY", field: "registered_at", operator: "IN_LAST", span: { amount: 200, unit: "YEARS" } },
      "/span/amount"
    ],
    ["a birthday of a text", { type: "ANNIVERSARY", field: "first_name", operator: "TODAY" }, "/field"],
    ["a text condition on what was paid", { ...count, where: [{ ...text, field: "total" }] }, "/where/0/field"],
    [
      "a pattern that does not parse, of an event",
      { type: "LAST", event: "PurchasePaid", is: [{ ...text, operator: "MATCHES", value: "(" }] },
      "/is/0/value"
    ],
    [
      "an accent alone, of an entry",
      { type: "ANY", field: "communities", where: [{ ...text, field: "owner", value: "\u0301" }] },
      "/where/0/value"
    ],
    [
      "a month without a month, of an event",
      { ...count, where: [{ type: "ANNIVERSARY", field: "at", operator: "IN_MONTH" }] },
      "/where/0"
    ],
    ["a month without a month", { type: "ANNIVERSARY", field: "demographics.name_day", operator: "IN_MONTH" }, ""],
    [
      "a thirteenth month",
      { type: "ANNIVERSARY", field: "demographics.name_day", operator: "IN_MONTH", value: 13 },
      "/value"
    ],
    ["days of today", { type: "ANNIVERSARY", field: "demographics.name_day", operator: "TODAY", value: 1 }, "/value"],
    ["entries of something plain", { type: "ANY", field: "tags", where: [] }, "/field"],
    ["a field that no entry has", { type: "ANY", field: "communities", where: [comparison] }, "/where/0/field"],
    ["an event that never happens", { ...count, event: "PurchaseStolen" }, "/event"],
    ["a token", { ...count, event: "TokenIssued" }, "/event"],
    ["a field that no such event has", { ...count, where: [comparison] }, "/where/0/field"],
    ["a window from its end", { ...count, window: { from: 2, until: 2 } }, "/window/until"],
    ["a day beyond the calendar", { type: "DATE", field: "registered_at", operator: "BEFORE", at: 9e15 }, "/at"],
    ["a window from before it", { ...count, window: { from: -9e15 } }, "/window/from"],
    ["a sum of names", { ...count, type: "SUM", field: "currency" }, "/field"],
    ["a last one of another kind", { type: "LAST", event: "PurchasePaid", is: [comparison] }, "/is/0/field"],
    ["since when of a custom field", { type: "HAS_BEEN", field: "custom_fields.x", value: "y", span }, "/field"],
    ["since when of a name, of no kind", { type: "HAS_BEEN", field: "first_name", span }, ""],
    ["since when of a name, of two", { ...sinceWhen, field: "first_name", value: "Maria" }, ""],
    ["since when of a date by a value", { type: "HAS_BEEN", field: birth, value: "1990-01-01", span }, "/value"],
    ["since when of a consent that is there", { ...sinceWhen, field: "consent" }, "/state"],
    ["since when of a consent, of no kind", { type: "HAS_BEEN", field: "consent", span }, ""],
    ["since when it was never", { type: "HAS_BEEN", field: "consent", value: "MAYBE", span }, "/value"],
    ["a segment that is not there", { type: "MEMBER", segment: "nobody" }, "/segment"],
    [
      "a membership of more than a century",
      { type: "MEMBER", segment: "regulars", for: { operator: "AT_LEAST", span: { amount: 101, unit: "YEARS" } } },
      "/for/span/amount"
    ],
    ["the opposite of nonsense", { type: "NOT", condition: { ...comparison, field: "x" } }, "/condition/field"],
    ["the opposite of an opposite", { type: "NOT", condition: { type: "NOT", condition: comparison } }, "decoding"],
    ["a condition of no kind", { type: "MAYBE" }, "decoding"],
    ["a field too many", { ...count, maximum: 1 }, "decoding"],
    [
      "no span at all",
      { type: "RECENCY", field: "registered_at", operator: "IN_LAST", span: { amount: 0, unit: "DAYS" } },
      "decoding"
    ]
  ])("are refused, and the place is named: %s", (_, condition, pointer) => {
    assert.strictEqual(fault(condition), pointer)
  })

  it("are refused where there are too many of them", () => {
    const fine = { type: "EXISTENCE", field: "email", exists: true }
    const times = <A>(count: number, of: A) => Array.from({ length: count }, () => of)
    assert.isTrue(Result.isSuccess(decode(times(20, { conditions: times(30, fine) }))))
    assert.isTrue(Result.isFailure(decode(times(21, { conditions: [fine] }))))
    assert.isTrue(Result.isFailure(decode([{ conditions: times(31, fine) }])))
    assert.isTrue(Result.isFailure(decode([])))
    assert.isTrue(Result.isFailure(decode([{ conditions: [{ ...count, where: times(11, fine) }] }])))
    const values = times(501, "x")
    assert.isTrue(Result.isFailure(decode([{ conditions: [{ ...comparison, operator: "IN", value: values }] }])))
  })
})

describe("a regular expression", () => {
  it("is refused when it does not parse, looks around, repeats without measure or is too long", () => {
    const refused = [
      "(",
      "a**",
      "(?=a)",
      "(?<n>a)",
      String.raw`(a)\1`,
      "a{1001}",
      "((a{100}){100}){10}",
      "(?s)a",
      "a(?i)b",
      "a{,3}",
      String.raw`\Qa\E`,
      String.raw`a\Z`,
      "[[.a.]]",
      String.raw`[\S]`,
      "a".repeat(201)
    ]
    assert.deepStrictEqual(
      refused.filter((pattern) => objectionToPattern(pattern) === undefined),
      []
    )
    const kept = [
      "",
      "^a",
      "(?i)maria",
      "(?:a|b)+$",
      String.raw`\d{3}-\w+\s`,
      String.raw`[^\s\]$]`,
      String.raw`\p{Greek}+`,
      "[[:alpha:]]",
      "[]a]",
      String.raw`\.`,
      "(a+)+$"
    ]
    assert.deepStrictEqual(
      kept.filter((pattern) => objectionToPattern(pattern) !== undefined),
      []
    )
  })

  it("means the same to the server: the end is the end, and a space is one of five", () => {
    const translated = (["a$", String.raw`\$\s[$\s]`, String.raw`\S`, "[[]", "[[:alpha:]]$"] as const).map(
      portablePattern
    )
    assert.deepStrictEqual(translated, [
      String.raw`a\z`,
      String.raw`\$[\t\n\f\r ][$\t\n\f\r ]`,
      String.raw`[^\t\n\f\r ]`,
      String.raw`[\[]`,
      String.raw`[[:alpha:]]\z`
    ])
  })
})
