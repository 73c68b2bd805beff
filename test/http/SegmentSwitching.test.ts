/** SEG-3: a live segment that is switched off keeps whom it had, and is computed anew when it is on. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, contact } from "../support/HttpContacts.ts"
import { layer as testServer, type Parsed, TestServer } from "../support/TestServer.ts"

const path = "/backoffice/v2/segments"
const named = (value: string) => [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value }] }]

layer(testServer)("a live segment that is switched off", (it) => {
  it.effect("SEG-3: keeps its members as they were, and is computed anew when it is switched on", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const [maria, nikos] = [yield* contact(server, { last_name: "Seferi" }), yield* contact(server)]
      const body = { name: "Seferi", sets: named("Seferi"), refresh: { mode: "LIVE" } }
      const { id } = bodyOf(yield* server.request("POST", path, body), 201)
      const members = Effect.map(server.request("GET", `${path}/${id}/members?size=200`), (found) =>
        bodyOf(found, 200).content.map((member: Parsed) => member.contact.id as string)
      )
      const are = (what: string, ...wanted: ReadonlyArray<string>) =>
        eventually(
          what,
          Effect.map(members, (found) => found.toSorted().join() === wanted.toSorted().join())
        )
      const act = (action: string) =>
        Effect.map(server.request("POST", `${path}/${id}/actions`, { action }), (found) => bodyOf(found, 200))
      const rename = (who: { readonly id: string }, last_name: string) =>
        Effect.map(server.request("PUT", `/backoffice/v2/contacts/${who.id}`, { last_name }), (found) =>
          bodyOf(found, 200)
        )
      yield* are("it is computed", maria.id)

      yield* act("DEACTIVATE")
      yield* eventually(
        "it follows nobody any more",
        Effect.map(server.request("GET", `${path}/${id}`), (found) => bodyOf(found, 200).membership.state === "READY")
      )
      yield* rename(maria, "Elyti")
      yield* rename(nikos, "Seferi")
      assert.deepStrictEqual(yield* members, [maria.id])
      yield* act("ACTIVATE")
      yield* are("it is computed anew", nikos.id)
      yield* rename(nikos, "Elyti")
      assert.deepStrictEqual(yield* members, [], "and follows again")
    })
  )
})
