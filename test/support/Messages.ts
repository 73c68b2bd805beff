/** Templates and messages through a running server, and waiting until something has become of them. */
import { assert } from "@effect/vitest"
import type { Template } from "#domain/communication/Template.ts"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { made } from "./Shop.ts"
import type { Parsed, TestServer } from "./TestServer.ts"
import { eventually } from "./Eventually.ts"

type Server = TestServer["Service"]

export const greekMail: Template = {
  channel: "EMAIL",
  purpose: "MARKETING",
  defaultLanguage: "en",
  variants: {
    el: {
      subject: "Χρόνια πολλά, #FIRST_NAME#!",
      html: '<h1>Γεια σου #FIRST_NAME#</h1><p><a href="https://shop.example/el?a=1&amp;b=2">Το δώρο σου</a> <a href="#LINK.OPT_OUT#">διαγραφή</a></p>',
      text: "Γεια σου #FIRST_NAME#, το δώρο σου σε περιμένει. #LINK.OPT_OUT#"
    },
    en: { subject: "Hello #FIRST_NAME#", text: "Hello #FIRST_NAME#, your gift is waiting." }
  },
  missing: { policy: "REJECT" },
  events: []
}

export const template = (server: Server, body: Template, name: string = randomUUID()) =>
  Effect.gen(function* () {
    const id = randomUUID()
    const command = { _tag: "SaveTemplate", id, name, body } as const
    yield* server.actors.ask({ business: server.businessId, key: server.businessId, command })
    return id
  }).pipe(Effect.orDie)

/** Asks for one message; its id. */
export const send = (
  server: Server,
  contact: { readonly id: string },
  templateId: string,
  more: Readonly<Record<string, unknown>> = {}
): Effect.Effect<string> =>
  Effect.map(
    made(
      server.request("POST", `/backoffice/v2/contacts/${contact.id}/communications`, {
        template_id: templateId,
        ...more
      })
    ),
    ({ id }) => id as string
  )

export const delivery = (server: Server, id: string): Effect.Effect<Parsed> =>
  made(server.request("GET", `/backoffice/v2/deliveries/${id}`))

/** The delivery once it is in the state, which it has to reach. */
export const ended = (server: Server, id: string, state: "COMPLETED" | "REJECTED") =>
  Effect.map(
    eventually(
      `${id} is ${state}`,
      Effect.map(delivery(server, id), (found) => found.state !== "PENDING" && found)
    ),
    (found: Parsed) => {
      assert.strictEqual(found.state, state, JSON.stringify(found))
      return found
    }
  )
