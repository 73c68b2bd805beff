/** SEG-1, AUT-6, AUT-12: what is saved through one runner is there for the next request, whichever runner that comes to. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { bodyOf } from "../support/HttpContacts.ts"
import type { TestServer } from "../support/TestServer.ts"
import { ofBusiness, twoRunners } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

/** So that a race would show. */
const times = 25

const saved = (server: Server, kind: string, body: object) =>
  Effect.map(
    server.request("POST", `/backoffice/v2/${kind}`, { name: randomUUID(), ...body }),
    (response) => bodyOf(response, 201).id as string
  )

const bodies = {
  segments: {
    sets: [{ conditions: [{ type: "EXISTENCE", field: "last_name", exists: true }] }],
    refresh: { mode: "NEVER" }
  },
  templates: {
    channel: "EMAIL",
    purpose: "MARKETING",
    default_language: "ENG",
    variants: { ENG: { subject: "Hello", text: "Hello" } },
    missing: { policy: "REJECT" }
  },
  automations: { trigger: "TAGS_CHANGED", actions: [{ type: "ACTIVITY", activity_type: "CALL" }] }
}

describe("definitions of two runners", () => {
  it.live("are known at either as soon as the other has answered, and gone as soon", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const [home, away] = ofBusiness(first, second)
      for (const [kind, body] of Object.entries(bodies)) {
        for (let time = 0; time < times; time++) {
          const [through, asked] = time % 2 === 0 ? [home, away] : [away, home]
          // What the one knows by now does not stand in the way of what comes.
          bodyOf(yield* asked.request("GET", `/backoffice/v2/${kind}`), 200)
          const id = yield* saved(through, kind, body)
          for (const server of [asked, through]) {
            assert.strictEqual(bodyOf(yield* server.request("GET", `/backoffice/v2/${kind}/${id}`), 200).id, id)
          }
          bodyOf(yield* through.request("DELETE", `/backoffice/v2/${kind}/${id}`), 204)
          for (const server of [asked, through]) {
            bodyOf(yield* server.request("GET", `/backoffice/v2/${kind}/${id}`), 404)
          }
        }
      }
    }).pipe(Effect.scoped)
  )
})
