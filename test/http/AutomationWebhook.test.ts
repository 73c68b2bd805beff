/** AUT-1, AUT-11: the webhook of an automation arrives at a real receiver, signed, once for each event. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer, type IncomingHttpHeaders } from "node:http"
import { Webhook } from "standardwebhooks"
import * as Shop from "../support/Shop.ts"
import { bodyOf, contact } from "../support/HttpContacts.ts"
import { start, TestServer } from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

interface Told {
  readonly type: string
  readonly contact_id: string
  readonly sequence: number
  readonly data: {
    readonly amount?: number
    readonly currency_code?: string
    readonly commerce_pool_id?: string
    readonly expires_at: string
    readonly event_type?: string
    readonly event?: object
  }
}
interface Received {
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Takes whatever it is sent, for as long as the scope is open. */
const receiver = Effect.gen(function* () {
  const received: Array<Received> = []
  const server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    request.on("end", () => {
      received.push({ headers: request.headers, text })
      response.writeHead(204).end()
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => server.close())
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { received, url: `http://127.0.0.1:${port}/hooks` }
})

layer(Layer.effect(TestServer, start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8" })))(
  "the webhook of an automation",
  (it) => {
    it.effect("AUT-1, AUT-11: is signed and sent to the endpoint that the action names, whatever else that wants", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { received, url } = yield* receiver
        const hook = { name: "CRM", url, events: ["segment.left"] }
        const endpoint = bodyOf(yield* server.request("POST", "/backoffice/v2/webhooks", hook), 201)
        const automation = bodyOf(
          yield* server.request("POST", "/backoffice/v2/automations", {
            name: "Tell the CRM",
            trigger: "CONTACT_REGISTERED",
            actions: [{ type: "WEBHOOK", endpoint_id: endpoint.id }]
          }),
          201
        )
        const eleni = yield* contact(server)
        const { headers, text } = yield* eventually(
          "it arrives",
          Effect.sync(() => received[0])
        )
        const told = new Webhook(endpoint.secret).verify(text, headers as Record<string, string>) as {
          readonly type: string
          readonly contact_id: string
          readonly data: object
        }
        assert.strictEqual(told.type, "automation.run")
        assert.strictEqual(told.contact_id, eleni.id)
        assert.deepInclude(told.data, { automation_id: automation.id, event_type: "contact.registered" })
        assert.notInclude(text, "Ελένη")
        // What is told again is the same.
        assert.lengthOf(new Set(received.map((each) => each.headers["webhook-id"])), 1)
      }).pipe(Effect.scoped)
    )

    it.effect("AUT-11: says of an event what the webhook of the event says: decimals, instants, the same names", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { received, url } = yield* receiver
        const hook = { name: "Money", url, events: ["wallet.credited"] }
        const endpoint = bodyOf(yield* server.request("POST", "/backoffice/v2/webhooks", hook), 201)
        bodyOf(
          yield* server.request("POST", "/backoffice/v2/automations", {
            name: "Tell of money",
            trigger: "WALLET_CREDITED",
            actions: [{ type: "WEBHOOK", endpoint_id: endpoint.id }]
          }),
          201
        )
        const eleni = yield* contact(server)
        const pool = yield* Shop.pool(server, { validity_days: 10 })
        yield* Shop.credit(server, eleni, 50.07, pool)
        const told = yield* eventually(
          "both arrive",
          Effect.sync(() => {
            const all = received.map(({ text }) => JSON.parse(text) as Told)
            const [event, run] = ["wallet.credited", "automation.run"].map((type) =>
              all.find((each) => each.type === type)
            )
            return event !== undefined && run !== undefined ? { event, run } : undefined
          })
        )
        assert.deepInclude(told.event.data, { amount: 50.07, currency_code: "EUR", commerce_pool_id: pool })
        assert.match(told.event.data.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.strictEqual(told.run.data.event_type, "wallet.credited")
        assert.deepStrictEqual(told.run.data.event, told.event.data)
      }).pipe(Effect.scoped)
    )

    it.effect("AUT-11: is numbered behind the webhook of the event that set the run off", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { received, url } = yield* receiver
        const events = ["contact.registered", "wallet.credited"]
        const endpoint = bodyOf(
          yield* server.request("POST", "/backoffice/v2/webhooks", { name: "Both", url, events }),
          201
        )
        for (const trigger of ["CONTACT_REGISTERED", "WALLET_CREDITED"]) {
          const actions = [{ type: "WEBHOOK", endpoint_id: endpoint.id }]
          const automation = { name: `In order ${trigger}`, trigger, actions }
          bodyOf(yield* server.request("POST", "/backoffice/v2/automations", automation), 201)
        }
        const people = yield* Effect.forEach(Array.from({ length: 10 }), () => contact(server))
        for (const each of people) yield* Shop.credit(server, each, 5)
        const told = yield* eventually(
          "all arrive",
          Effect.sync(() => {
            const bySequence = new Map(
              received.map(({ text }) => {
                const each = JSON.parse(text) as Told
                return [`${each.contact_id}/${each.sequence}`, each] as const
              })
            )
            return bySequence.size === people.length * 4 ? [...bySequence.values()] : undefined
          })
        )
        for (const { id } of people) {
          const hers = told.filter((each) => each.contact_id === id).toSorted((a, b) => a.sequence - b.sequence)
          const order = hers.map(({ type, data }) => (type === "automation.run" ? `run of ${data.event_type}` : type))
          for (const type of events) {
            assert.isBelow(order.indexOf(type), order.indexOf(`run of ${type}`), order.join(", "))
          }
        }
      }).pipe(Effect.scoped)
    )
  }
)
