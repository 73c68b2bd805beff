/** What is said of a request that is not as declared: of every operation, in words for people, and a long list once. */
import { endpoints } from "#http/Api.ts"
import type { Fault } from "#http/door/Fault.ts"
import { decoderOf } from "#http/door/Validation.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const declarations = endpoints.map(({ declaration }) => declaration)

const refusalOf = (name: string, body: unknown): Fault => {
  const { body: schema } = declarations.find((each) => each.name === name) ?? {}
  const decoded = decoderOf(schema, "")(body)
  if (Result.isSuccess(decoded)) throw new Error(`${name} took it`)
  return decoded.failure
}
const rulesOf = (name: string, body: unknown) =>
  Object.fromEntries((refusalOf(name, body).faults ?? []).map(({ pointer, rule }) => [pointer, rule]))

const wrongs = [undefined, null, 1.5, -1, "zzz", true, [], [{}], ["zzz"], {}, { zzz: 1 }, { type: "ZZZ" }]

describe("what is said of a request that is not as declared", () => {
  it("API-1: is a sentence for people, at each field of each operation, whatever is sent", () => {
    const said = new Set<string>()
    for (const { body, query } of declarations) {
      for (const schema of [body, query]) {
        const fields = schema !== undefined && "fields" in schema ? Object.keys(schema.fields as object) : []
        const decode = decoderOf(schema, "")
        for (const sent of [...wrongs, ...fields.flatMap((name) => wrongs.map((value) => ({ [name]: value })))]) {
          const decoded = decode(sent)
          if (Result.isFailure(decoded)) decoded.failure.faults?.forEach(({ rule }) => said.add(rule))
        }
      }
    }
    assert.isAbove(said.size, 50)
    for (const rule of said) {
      assert.match(rule, /^["A-Z].*\.$/s, rule)
      assert.notMatch(rule, /readonly|Expected|excess|undefined|NaN|another value|[<>{}|]/, rule)
    }
  })

  it("API-1: of a choice names the alternatives, and of objects by which field they are told apart", () => {
    const sets = (condition: object) => ({ name: "x", refresh: { mode: "LIVE" }, sets: [{ conditions: [condition] }] })
    const kinds = rulesOf("createSegment", sets({ type: "ZZZ" }))["/sets/0/conditions/0"]
    assert.match(
      kinds ?? "",
      /^It has to be an object, and its type one of these: COMPARISON, EXISTENCE, .*, MEMBER, NOT\.$/
    )
    const comparison = { type: "COMPARISON", field: "x", operator: "ZZZ", value: {} }
    assert.deepStrictEqual(rulesOf("createSegment", sets(comparison)), {
      "/sets/0/conditions/0/operator":
        "It has to be one of these: EQUAL, NOT_EQUAL, GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL, IN, NOT_IN.",
      "/sets/0/conditions/0/value": "A text, a number, true or false, or a list is needed."
    })
    const long = { ...comparison, operator: "IN", value: Array.from({ length: 501 }, () => "x") }
    assert.deepStrictEqual(rulesOf("createSegment", sets(long)), {
      "/sets/0/conditions/0/value": "A value with a length of at most 500 is needed."
    })
    assert.strictEqual(
      rulesOf("registerDevice", { platform: 1 })["/platform"],
      "It has to be one of these: MOBILE, BROWSER, OTHER, null."
    )
    assert.deepStrictEqual(rulesOf("createWebhook", { name: "x", url: "x", events: "all", zzz: 1 }), {
      "/events": '"*" or a list is needed.',
      "/zzz": "There is nothing of this name here."
    })
    const words = { name: "x", channel: "SMS", purpose: "MARKETING", default_language: "el", variants: {} }
    for (const [missing, pointer, rule] of [
      [{ policy: "DEFAULT" }, "/missing/values", "It is missing."],
      [{ policy: "ZZZ" }, "/missing", "It has to be an object, and its policy one of these: REJECT, EMPTY, DEFAULT."]
    ] as const) {
      assert.deepStrictEqual(rulesOf("createTemplate", { ...words, missing }), { [pointer]: rule })
    }
  })

  it("lists many alternatives once: the sentence about all that is wrong counts them", () => {
    const { detail, faults } = refusalOf("createWebhook", { name: 1, url: "x", events: ["zzz"] })
    assert.match(
      faults?.find(({ pointer }) => pointer === "/events/0")?.rule ?? "",
      /: contact\.registered, .*webhook\.disabled\.$/
    )
    assert.match(detail, /^\/name: A text is needed\. \/events\/0: It has to be one of \d\d values\.$/)
  })

  it("is what a schema says itself, where it says something", () => {
    const Even = Schema.Int.check(Schema.makeFilter((value) => value % 2 === 0 || "An even number is needed."))
    const Named = Schema.Struct({ even: Even, tail: Schema.Array(Schema.String).check(Schema.isMaxLength(1)) })
    const decoded = decoderOf(Named, "")({ even: 3, tail: ["a", "b"] })
    assert.deepStrictEqual(Result.isFailure(decoded) && decoded.failure.faults, [
      { pointer: "/even", rule: "An even number is needed." },
      { pointer: "/tail", rule: "A value with a length of at most 1 is needed." }
    ])
  })
})
