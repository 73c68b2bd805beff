/** Printouts by mail where the mail does not get through: the wish is one thing under one key, and may be made again. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { bodyOf } from "../support/HttpContacts.ts"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { ended } from "../support/Messages.ts"
import { eventually } from "../support/Eventually.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) => TestServer.start({ SMTP_URL: url, KOINON_MAIL_SENDER: "news@shop.example" }))
  ),
  Layer.effect(Mail, mailServer())
)

layer(world, { excludeTestServices: true })("a printout whose mail was rejected", (it) => {
  it.effect("is answered the same under its key, and sent under a new one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 20)
      const { id } = yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, eleni)))
      const wish = { entity: { type: "ORDERS", id }, format: "EMAIL" }
      const asked = (key: string) =>
        Effect.map(
          server.request("POST", "/self-service/v2/printout", wish, {
            api_key: undefined,
            authorization: `Bearer ${eleni.token}`,
            "idempotency-key": key
          }),
          (response) => {
            bodyOf(response, 204)
            return response.headers.get("idempotency-replayed") ?? "first"
          }
        )
      const messages = Effect.map(
        server.request("GET", `/backoffice/v2/deliveries?contact_id=${eleni.id}&order=ASC`),
        (found) => (bodyOf(found, 200).content as ReadonlyArray<{ readonly id: string }>).map((each) => each.id)
      )
      const listed = (count: number) =>
        eventually(
          `${count} messages are listed`,
          Effect.map(messages, (found) => found.length === count && found)
        )
      const key = randomUUID()
      mail.state.conduct = () => ({ at: "RCPT", code: 550 })
      assert.strictEqual(yield* asked(key), "first")
      const [rejected = ""] = yield* listed(1)
      assert.strictEqual((yield* ended(server, rejected, "REJECTED")).reason, "ADDRESS_REFUSED")
      mail.state.conduct = () => "TAKE"
      assert.strictEqual(yield* asked(key), "true")
      assert.strictEqual(yield* asked(randomUUID()), "first")
      const [, second = "", ...others] = yield* listed(2)
      yield* ended(server, second, "COMPLETED")
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(
        mail.once().map(({ to }) => to),
        [[eleni.email]]
      )
    })
  )
})
