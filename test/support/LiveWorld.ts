/** What the tests of the live door set up: contacts with money, and an owner who shares hers with a member. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { connectAs, follow, type LiveClient } from "./LiveClient.ts"
import type { TestServer } from "./TestServer.ts"

export type Server = TestServer["Service"]

export const token = (server: Server, contactId: string) =>
  Effect.map(
    server.request("POST", `/backoffice/v2/contacts/${contactId}/access_token`, {}),
    (response) => response.body.access_token as string
  )

export const person = Effect.fnUntraced(function* (server: Server, firstName: string) {
  const { body, status } = yield* server.request("POST", "/backoffice/v2/contacts", {
    type: "PERSON",
    first_name: firstName,
    last_name: "Georgiou"
  })
  assert.strictEqual(status, 201, JSON.stringify(body))
  return body.id as string
})

export const credit = (server: Server, contactId: string, amount = 100n, entryId: string = randomUUID()) =>
  server.actors.ask({
    business: server.businessId,
    key: contactId,
    command: { _tag: "PostJournal", entryId, action: "CREDIT", amount, currency: "EUR" }
  })

/** In bursts that fit into one mailbox. */
export const credits = (server: Server, contactId: string, entryIds: ReadonlyArray<string>) =>
  Effect.forEach(entryIds, (entryId) => credit(server, contactId, 1n, entryId), { concurrency: 200, discard: true })

export const join = (server: Server, ownerId: string, memberId: string, maxAmount?: bigint) =>
  server.actors.ask({
    business: server.businessId,
    key: ownerId,
    command: {
      _tag: "InvitePerson",
      relationshipId: randomUUID(),
      memberId,
      memberType: "PERSON",
      joinsAtOnce: true,
      terms: {
        isAdmin: false,
        permissions: [],
        walletSharing: { isEnabled: true, method: "AUTO", poolIds: [], ...(maxAmount !== undefined && { maxAmount }) }
      }
    }
  })

/** Joins and lets the member hear of it. */
export const joined = Effect.fnUntraced(function* (
  server: Server,
  ownerId: string,
  memberId: string,
  maxAmount?: bigint
) {
  const app = yield* connectAs(server.url, { api_key: server.apiKey })
  yield* follow(app, `contact/${memberId}`)
  yield* join(server, ownerId, memberId, maxAmount)
  yield* app.until(() => app.events().some(({ event }) => event.type === "contact.membership_changed"))
  app.vanish()
})

/** An owner with money, and a member who may take 30.00 of it in a month. */
export const household = Effect.fnUntraced(function* (server: Server) {
  const owner = yield* person(server, "Andreas")
  const member = yield* person(server, "Eleni")
  yield* credit(server, owner, 10_000n)
  yield* joined(server, owner, member, 3_000n)
  return { owner, member }
})

/** The credits that were told, in order. */
export const entries = (client: LiveClient) =>
  client.events().flatMap(({ event }) => (event.type === "wallet.credited" ? [event.entry_id] : []))
