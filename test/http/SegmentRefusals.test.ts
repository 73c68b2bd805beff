/**
 * What the doors of a segment refuse because of how the segment is: one whose members are imported alone, or that is
 * switched off, is not refreshed.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf } from "../support/HttpContacts.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const path = "/backoffice/v2/segments"
const sets = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: "Seferi" }] }]

const made = Effect.fnUntraced(function* (mode: "NEVER" | "ON_DEMAND") {
  const server = yield* TestServer
  return bodyOf(yield* server.request("POST", path, { name: mode, sets, refresh: { mode } }), 201).id as string
})

const notRefreshed = Effect.fnUntraced(function* (id: string, why: string) {
  const server = yield* TestServer
  const { status, body } = yield* server.request("POST", `${path}/${id}/refresh`)
  assert.strictEqual(status, 409)
  assert.deepInclude(body, { error: "KOINON.SEGMENT_NOT_REFRESHED", detail: why })
})

layer(testServer)("a segment", (it) => {
  it.effect("is not refreshed when its members are imported alone (SEG-3)", () =>
    Effect.gen(function* () {
      yield* notRefreshed(yield* made("NEVER"), "Its members are imported alone.")
    })
  )

  it.effect("is not refreshed while it is switched off, and is again when it is on (SEG-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const id = yield* made("ON_DEMAND")
      const act = (action: string) => server.request("POST", `${path}/${id}/actions`, { action })
      assert.isBelow((yield* act("DEACTIVATE")).status, 300)
      yield* notRefreshed(id, "It is switched off.")
      assert.isBelow((yield* act("ACTIVATE")).status, 300)
      assert.isBelow((yield* server.request("POST", `${path}/${id}/refresh`)).status, 300)
    })
  )
})
