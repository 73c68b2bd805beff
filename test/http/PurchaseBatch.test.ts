import { declare, serveBatch } from "#http/door/Endpoint.ts"
import { LineCutter, verdicts } from "#http/door/Lines.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { assert, describe, it as test, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { createInterface } from "node:readline"
import { quiet, until } from "../runtime/Waiting.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const batch = "/backoffice/v2/purchases/batch"

const verdictsOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
const ndjson = (lines: ReadonlyArray<unknown>) =>
  lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("")

layer(testServer)("a batch of purchases", (it) => {
  it.effect(
    "gives one verdict a line, in order; a line that is wrong stops no other",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, poor] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, eleni, 100)
      const good = Shop.receipt(server, eleni)
      const lines = [
        good,
        '{"contact":',
        "",
        { ...Shop.receipt(server, eleni), surprise: 1 },
        Shop.receipt(server, poor),
        { ...Shop.receipt(server, eleni), notes: "x".repeat(1024 * 1024) },
        { ...Shop.receipt(server, eleni), reference_number: undefined },
        Shop.receipt(server, undefined, { cims: [{ type: "EMAIL", value: eleni.email }] })
      ]
      const answer = yield* server.request("POST", batch, ndjson(lines))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("content-type"), "application/x-ndjson")
      const found = verdictsOf(answer.body)
      assert.deepStrictEqual(
        found.map(({ line, status, problem }) => [line, status, problem?.error]),
        [
          [1, 201, undefined],
          [2, 400, "KOINON.MALFORMED_JSON"],
          [4, 400, "KOINON.INVALID_REQUEST"],
          [5, 400, "CRM.EXCEPTIONS.CANNOTSPENDAMOUNTWALLETBALANCENOTENOUGHEXCEPTION"],
          [6, 413, "KOINON.LINE_TOO_LONG"],
          [7, 400, "KOINON.INVALID_REQUEST"],
          [8, 201, undefined]
        ]
      )
      assert.deepInclude(found[0].purchase, { reference_number: good.reference_number, state: "POSTED" })
      assert.match(found[2].problem.detail, /surprise/)
      assert.strictEqual((yield* server.request("GET", `/backoffice/v2/wallets/${eleni.id}`)).body.total_open, 80)
    })
  )

  it.effect(
    "PUR-2 sent again it posts nothing twice, by reference number or by the line's own key",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const keyed = {
        ...Shop.receipt(server, eleni),
        reference_number: undefined,
        idempotency_key: `till-1/${eleni.code}`
      }
      const body = ndjson([Shop.receipt(server, eleni), keyed])
      const first = verdictsOf((yield* server.request("POST", batch, body)).body)
      const before = Shop.stored(server)
      const again = verdictsOf((yield* server.request("POST", batch, body)).body)
      assert.deepStrictEqual(again[0], first[0])
      assert.deepStrictEqual(again[1], { line: 2, status: 201, replayed: true, purchase: first[1].purchase })
      const other = verdictsOf(
        (yield* server.request("POST", batch, ndjson([{ ...keyed, currency_code: "USD" }]))).body
      )
      assert.deepInclude(other[0].problem, { status: 422, error: "KOINON.IDEMPOTENCY_KEY_REUSED" })
      assert.strictEqual(Shop.stored(server), before)
    })
  )

  it.effect(
    "is answered while it is still being sent, and holds neither the body nor the verdicts back",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const found = yield* Effect.promise(async () => {
        const request = httpRequest(`${server.url}${batch}`, { method: "POST", headers: { api_key: server.apiKey } })
        request.write(ndjson([Shop.receipt(server, eleni)]))
        const [response] = await once(request, "response")
        const lines = createInterface({ input: response })[Symbol.asyncIterator]()
        const read: Array<unknown> = [(await lines.next()).value]
        request.end(ndjson([Shop.receipt(server, eleni)]))
        read.push((await lines.next()).value)
        return read.map((line) => JSON.parse(String(line)).status)
      })
      assert.deepStrictEqual(found, [201, 201])
    })
  )

  it.effect(
    "a thousand lines on one wallet are all answered, in order, and each is paid once",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 10_000)
      const lines = Array.from({ length: 1_000 }, () => Shop.receipt(server, eleni))
      const found = verdictsOf((yield* server.request("POST", batch, ndjson(lines))).body)
      assert.deepStrictEqual(
        found.map(({ line, status }) => [line, status]),
        lines.map((_, index) => [index + 1, 201])
      )
      assert.deepStrictEqual(
        found.map(({ purchase }) => purchase.reference_number),
        lines.map((line) => line.reference_number)
      )
      assert.strictEqual((yield* server.request("GET", `/backoffice/v2/wallets/${eleni.id}`)).body.total_open, 0)
    })
  )

  it.effect(
    "takes no more lines than are in flight from a body whose verdicts nobody reads",
    Effect.fnUntraced(function* () {
      const { actors, businessId } = yield* TestServer
      const business = actors.business(businessId)
      if (business === undefined) return assert.fail("the server has its business")
      let taken = 0
      const endless = Stream.fromEffectRepeat(Effect.sync(() => new TextEncoder().encode(`{"number":${++taken}}\n`)))
      const endpoint = serveBatch(
        declare({
          method: "POST",
          path: "/numbers",
          tag: "Numbers",
          name: "numbers",
          summary: "Number by number",
          access: "secret",
          body: Schema.Struct({ number: Schema.Int }),
          batch: "number",
          status: 200
        }),
        ({ body }) => Effect.succeed({ body: body.number })
      )
      const principal = { business, apiKey: undefined, contactId: undefined, caller: "test" }
      const answer = verdicts(endpoint, endless, {
        principal,
        params: {},
        query: {},
        path: "/numbers",
        fingerprint: String
      })
      const read: Array<string> = []
      const reading = yield* answer.pipe(
        Stream.provideService(Actors, actors),
        Stream.runForEach((bytes) => {
          read.push(new TextDecoder().decode(bytes))
          return read.length < 3 ? Effect.void : Effect.never
        }),
        Effect.forkChild
      )
      yield* until(() => read.length === 3)
      for (let round = 0; round < 20; round++) yield* quiet
      assert.isBelow(taken, 200)
      assert.deepStrictEqual(JSON.parse(read[2] ?? ""), { line: 3, status: 200, number: 3 })
      yield* Fiber.interrupt(reading)
    })
  )

  it.effect(
    "has no Idempotency-Key of its own, and needs a secret key",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const keyed = yield* server.request("POST", batch, ndjson([{}]), { "idempotency-key": "one" })
      assert.deepStrictEqual([keyed.status, keyed.body.faults[0].pointer], [400, "Idempotency-Key"])
      assert.strictEqual((yield* server.requestAs(eleni.token, "POST", batch, ndjson([{}]))).status, 401)
    })
  )
})

describe("the cutter of lines", () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const cut = (chunks: ReadonlyArray<string>, max = 8) => {
    const cutter = new LineCutter(max)
    const lines = [...chunks.flatMap((chunk) => cutter.push(bytes(chunk))), ...cutter.end()]
    return lines.map((line) => [line.number, line.bytes && new TextDecoder().decode(line.bytes)])
  }

  test("cuts the same lines wherever the chunks end", () => {
    const text = "one\ntwo\n\n \r\nthree"
    const expected = [
      [1, "one"],
      [2, "two"],
      [5, "three"]
    ]
    assert.deepStrictEqual(cut([text]), expected)
    assert.deepStrictEqual(cut(text.split("")), expected)
    assert.deepStrictEqual(cut([`${text}\n`]), expected)
  })

  test("gives up a line that is too long, and only that one", () => {
    assert.deepStrictEqual(cut(["12345678\n1234", "56789\n", "12\n"]), [
      [1, "12345678"],
      [2, undefined],
      [3, "12"]
    ])
  })
})
