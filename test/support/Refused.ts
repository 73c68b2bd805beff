/**
 * What every refusal at a door has to be: a problem+json that names the fault and nothing of ours, nothing stored, and a
 * neighbour who is served as if nothing had been asked.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Shop from "./Shop.ts"
import { type Response, TestServer } from "./TestServer.ts"

interface Fault {
  readonly status: number
  /** Stands in the problem: a code, a field, a parameter. */
  readonly names: string
}

/** Checks all of it, and gives the problem. */
export const refused = Effect.fnUntraced(function* (
  what: string,
  asked: Effect.Effect<Response>,
  { status, names }: Fault
) {
  const server = yield* TestServer
  const before = Shop.stored(server)
  const { body, headers, status: answered } = yield* asked
  assert.strictEqual(answered, status, `${what}: ${JSON.stringify(body)}`)
  assert.strictEqual(headers.get("content-type"), "application/problem+json", what)
  for (const field of ["type", "title", "detail", "instance", "error", "message"]) assert.isString(body[field], what)
  assert.strictEqual(body.status, status, what)
  assert.include(JSON.stringify(body), names, what)
  assert.notMatch(JSON.stringify(body), /at .*\.ts:\d|SELECT |node_modules/, what)
  assert.strictEqual(Shop.stored(server), before, `${what}: something was stored`)
  const neighbour = yield* server.request("GET", "/backoffice/v2/settings")
  assert.strictEqual(neighbour.status, 200, what)
  return body
})
