/** What is heard by those who ask while the server goes (P12). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { start, type TestServer } from "../support/TestServer.ts"

const clients = 16
const servedFirst = 50

/** The statuses that clients see who ask again and again, until there is nobody left to answer. */
const statusesUntilGone = Effect.fnUntraced(function* (
  server: TestServer["Service"],
  answered: (status: number) => void
) {
  const ask = async (): Promise<void> => {
    while (true) {
      const answer = await fetch(`${server.url}/backoffice/v2/purchases`, {
        method: "POST",
        headers: { api_key: server.apiKey, "content-type": "application/json" },
        body: "{}"
      }).catch(() => undefined)
      // Whoever goes may cut the last answers off.
      const body = await answer?.arrayBuffer().catch(() => undefined)
      if (answer === undefined || body === undefined) return
      answered(answer.status)
    }
  }
  yield* Effect.promise(() => Promise.all(Array.from({ length: clients }, ask)))
})

describe("a server that stops", () => {
  it.live("answers as ever or asks to come back, and never that it does not know such a request (P12)", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.provide(start(), scope)
      const statuses: Array<number> = []
      let enough = (): void => undefined
      const served = new Promise<void>((resolve) => (enough = resolve))
      const asking = yield* Effect.forkChild(
        statusesUntilGone(server, (status) => {
          if (statuses.push(status) === servedFirst) enough()
        })
      )
      yield* Effect.promise(() => served)
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(asking)
      assert.deepStrictEqual(
        statuses.filter((status) => status !== 400 && status !== 503),
        []
      )
    })
  )
})
