/** The comparison with the description is itself compared: what it must find, and what it must let pass. */
import { describe, expect, it } from "vitest"
import { index, type Json, type Operation, type Schema } from "./Description.ts"
import { judge } from "./Judge.ts"
import { type Call, plainCall, probesOf } from "./Probes.ts"
import { check, documentedFields } from "./SchemaCheck.ts"

const wallet: Schema = {
  type: "object",
  required: ["id", "balances"],
  properties: {
    id: { type: "string", format: "GUID" },
    opened: { type: "integer", format: "epoch" },
    note: { type: "string", nullable: true, maxLength: 4 },
    balances: {
      type: "array",
      uniqueItems: true,
      items: {
        type: "object",
        properties: {
          type: { type: "string", enum: ["BUSINESS", "CRM"] },
          total: { type: "number" },
          pools: { type: "integer", format: "int32" }
        }
      }
    }
  }
}

const id = "6e2f83ca-69e9-4ea4-96c5-73a4c641979d"

const found = (value: Json) => check(wallet, value).map(({ pointer, expected, got }) => [pointer, expected, got])

describe("the comparison of a value with its schema", () => {
  it("takes a conforming value, with fields that the description does not name at every level", () => {
    expect(found({ id, opened: 1_620_912_893, note: null, more: [1], balances: [{ type: "CRM", more: {} }] })).toEqual(
      []
    )
  })

  it("names a required field that is missing", () => {
    expect(found({ id })).toEqual([["/balances", "a required field", "nothing"]])
  })

  it("names a wrong type by its pointer, however deep", () => {
    expect(found({ id, balances: [{ total: 1 }, { total: "9.50", pools: 1.5 }] })).toEqual([
      ["/balances/1/total", "number", 'string "9.50"'],
      ["/balances/1/pools", "integer", "number 1.5"]
    ])
  })

  it("names a value outside its enumeration", () => {
    expect(found({ id, balances: [{ type: "CASH" }] })).toEqual([
      ["/balances/0/type", "one of BUSINESS, CRM", '"CASH"']
    ])
  })

  it("refuses null where the schema does not say nullable", () => {
    expect(found({ id, opened: null, balances: [] })).toEqual([["/opened", "integer", "null"]])
  })

  it("refuses milliseconds and fractions where whole epoch seconds are documented", () => {
    expect(found({ id, opened: 1_620_912_893_000, balances: [] })).toHaveLength(1)
    expect(found({ id, opened: 1_620_912_893.5, balances: [] })).toHaveLength(1)
  })

  it("takes a bare int64 for seconds when only its example shows an instant", () => {
    const moment: Schema = { type: "integer", format: "int64", example: 1_576_486_645 }
    expect(check(moment, 1_620_912_893)).toEqual([])
    expect(check(moment, 1_620_912_893_000)).toHaveLength(1)
    expect(check({ type: "integer", format: "int64", example: 5124 }, 1_620_912_893_000)).toEqual([])
  })

  it("refuses a repeated entry, a text that is too long and an id that is no GUID", () => {
    expect(
      found({ id: "7", note: "five5", balances: [{ total: 1 }, { total: 1 }] }).map(([pointer]) => pointer)
    ).toEqual(["/id", "/note", "/balances/1"])
  })

  it("does not take a field called like a member of every object for a documented one", () => {
    expect(check({ type: "object", properties: {} }, { constructor: 1, toString: "x" })).toEqual([])
  })

  it("lists the documented fields with an asterisk for an index", () => {
    expect(documentedFields(wallet)).toContain("/balances/*/total")
  })
})

const document = (schema: Json): Json => ({
  openapi: "3.0.3",
  components: {
    securitySchemes: { bearer: { type: "http", scheme: "Bearer" } },
    schemas: { Named: { type: "object", required: ["name"], properties: { name: { type: "string" } } } }
  },
  paths: {
    "/self-service/v2/things/{id}": {
      put: {
        security: [{ bearer: [] }],
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string" } },
          { name: "posted_on[gte]", in: "query", schema: { type: "integer" }, example: 1_618_395_497 },
          { name: "order", in: "query", schema: { type: "string", enum: ["ASC", "DESC"] } }
        ],
        requestBody: { content: { "application/json": { schema } } },
        responses: { 200: { description: "OK", content: { "application/json": { schema } } } }
      }
    }
  }
})

const operationOf = (schema: Json): Operation => {
  const operation = index(document(schema)).get("PUT /things/{id}")
  if (operation === undefined) throw new Error("the operation is not indexed")
  return operation
}

const thing = operationOf({
  allOf: [
    { $ref: "#/components/schemas/Named" },
    { type: "object", properties: { state: { allOf: [{ enum: ["ON", "OFF"], type: "string" }] } } }
  ]
})

describe("the reading of the description", () => {
  it("follows references and merges allOf into one flat schema", () => {
    expect(thing.body).toEqual({
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, state: { type: "string", enum: ["ON", "OFF"] } }
    })
  })

  it("refuses a keyword that it does not know instead of skipping it", () => {
    expect(() => operationOf({ type: "object", oneOf: [{ type: "object" }] })).toThrow("oneOf")
  })
})

describe("the questions put to an operation", () => {
  const questions = probesOf(thing, {})
  const whens = questions.map(({ when }) => when)

  it("ask for each documented parameter with its values and for an undocumented one", () => {
    expect(whens).toEqual(
      expect.arrayContaining([
        "query posted_on[gte]=1618395497",
        "query posted_on[gte]=neither",
        "query order=ASC",
        "query order=DESC",
        "query order=NO_SUCH_VALUE",
        "query conformance_probe=1"
      ])
    )
  })

  it("ask for each documented field, each short enumeration whole, and what is required left out", () => {
    expect(whens).toEqual(
      expect.arrayContaining(["body /name", "body /name = 12", "body without /name", 'body /state = "OFF"'])
    )
  })

  it("change only what they ask about", () => {
    const call: Call = { path: { id }, query: {}, headers: {}, body: { name: "Ελένη" }, credentials: "own" }
    const off = questions.find(({ when }) => when === 'body /state = "OFF"')
    expect(off?.alter(call, {}).body).toEqual({ name: "Ελένη", state: "OFF" })
    const without = questions.find(({ when }) => when === "body without /name")
    expect(without?.alter(call, {}).body).toEqual({})
    expect(call.body).toEqual({ name: "Ελένη" })
  })
})

describe("the judgement of an answer", () => {
  const problem = { type: "about:blank", title: "Bad Request", status: 400, error: "E", message: "no", detail: "no" }
  const answer = (status: number, body: Json, contentType = "application/problem+json") => ({
    status,
    contentType,
    text: JSON.stringify(body)
  })
  const refusal = { kind: "refusal", statuses: [400], names: "id" } as const

  it("wants the documented status and content type of a success", () => {
    const body = { name: "Ελένη" }
    expect(
      judge(thing, plainCall.expectation, answer(200, body, "application/json; charset=utf-8"), undefined)
    ).toEqual([])
    expect(judge(thing, plainCall.expectation, answer(201, body, "application/json"), undefined)).toHaveLength(1)
    expect(judge(thing, plainCall.expectation, answer(200, body, "text/plain"), undefined)).toHaveLength(1)
  })

  it("wants a refusal that names the offender as a word of its own and not only in the address", () => {
    expect(judge(thing, refusal, answer(400, { ...problem, detail: "id is not a text" }), undefined)).toEqual([])
    expect(judge(thing, refusal, answer(400, { ...problem, detail: "invalid" }), undefined)).toHaveLength(1)
    expect(judge(thing, refusal, answer(400, { ...problem, instance: "/things?id=1" }), undefined)).toHaveLength(1)
  })

  it("wants every member of the problem, and its status to be the answer's", () => {
    const { message: _message, ...short } = { ...problem, detail: "id", status: 422 }
    expect(judge(thing, refusal, answer(400, short), undefined).map(({ pointer }) => pointer)).toEqual([
      "/message",
      "/status"
    ])
  })

  it("lets a documented field that names nothing here be refused, but not as an unknown one", () => {
    const open = { kind: "known field" } as const
    expect(judge(thing, open, answer(404, { ...problem, status: 404 }), "E")).toEqual([])
    expect(judge(thing, open, answer(400, problem), "UNKNOWN")).toEqual([])
    expect(judge(thing, open, answer(400, problem), "E")).toHaveLength(1)
  })
})
