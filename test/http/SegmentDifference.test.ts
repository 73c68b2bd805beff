/** SEG-6: definitions are compared in the past as it was, and nothing is stored of it. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact } from "../support/HttpContacts.ts"
import { layer as testServer, type Parsed, TestServer } from "../support/TestServer.ts"

const path = "/backoffice/v2/segments"
const named = (value: string) => [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value }] }]

layer(testServer)("a difference of segments", (it) => {
  it.effect("SEG-6: two definitions are compared as everybody was at an instant that has passed", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { id } = yield* contact(server, { last_name: "Kavafi" })
      yield* contact(server, { last_name: "Palama" })
      const compared = (at?: number) =>
        Effect.map(
          server.request("POST", `${path}/difference`, {
            first: [...named("Kavafi"), ...named("Palama")],
            second: named("Palama"),
            ...(at !== undefined && { at })
          }),
          (found) => {
            const { only_first: first, only_second: second, both } = bodyOf(found, 200)
            return { counts: [first.count, second.count, both.count], only: first.sample.map((one: Parsed) => one.id) }
          }
        )
      assert.deepStrictEqual(yield* compared(), { counts: [1, 0, 1], only: [id] })
      const longAgo = Date.UTC(2020, 0, 1) / 1000
      assert.deepStrictEqual(yield* compared(longAgo), { counts: [0, 0, 0], only: [] })
    })
  )
})
