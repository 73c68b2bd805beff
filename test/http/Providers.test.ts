/** Text messages and pushes, against receivers of their providers' shape over real HTTP. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, layer } from "@effect/vitest"
import type { Template } from "#domain/communication/Template.ts"
import { signatureOf } from "#runtime/communication/SmsGateway.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { exportPKCS8, exportSPKI, generateKeyPair, importSPKI, jwtVerify } from "jose"
import { createECDH, randomBytes, randomUUID } from "node:crypto"
import { createServer, type IncomingHttpHeaders } from "node:http"
import webPush from "web-push"
import { delivery, ended, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestServer from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}
interface Given {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One host that is all providers: the path tells which. */
const receiver = Effect.acquireRelease(
  Effect.promise(async () => {
    const calls: Array<Call> = []
    const state = { answer: (_call: Call, _nth: number): Given | "HANG_UP" => ({ status: 500 }) }
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const call = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) }
        calls.push(call)
        const nth = calls.filter(({ path }) => path === call.path).length
        const given = state.answer(call, nth)
        if (given === "HANG_UP") request.socket.destroy()
        else {
          const headers = { "content-type": "application/json", ...given.headers }
          response.writeHead(given.status, headers).end(given.body === undefined ? "" : JSON.stringify(given.body))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    return { url, calls, state, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) }
  }),
  ({ close }) => Effect.promise(close)
)
class Receiver extends Context.Service<Receiver, Effect.Success<typeof receiver>>()("koinon/test/Receiver") {}

const token = "the token of the account"
const vapid = webPush.generateVAPIDKeys()

class Keys extends Context.Service<Keys, { readonly publicKey: string }>()("koinon/test/Keys") {}

class Database extends Context.Service<Database, { readonly run: (statement: string) => Effect.Effect<void> }>()(
  "koinon/test/Database"
) {}

const world = Layer.effectContext(
  Effect.gen(function* () {
    const received = yield* receiver
    const pair = yield* Effect.promise(() => generateKeyPair("RS256", { extractable: true }))
    const privateKey = yield* Effect.promise(() => exportPKCS8(pair.privateKey))
    const publicKey = yield* Effect.promise(() => exportSPKI(pair.publicKey))
    const database = yield* TestDatabase.create
    const connection = yield* PgConnection.make({ url: database.url })
    const server = yield* TestServer.startOn(database, {
      SMS_URL: received.url,
      SMS_ACCOUNT_SID: "AC1",
      SMS_AUTH_TOKEN: token,
      SMS_SENDER: "+35780000000",
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:ops@shop.example",
      KOINON_PUSH_SERVICES: `${received.url},push.example`,
      FCM_URL: received.url,
      FCM_SERVICE_ACCOUNT: JSON.stringify({
        project_id: "shop",
        client_email: "push@shop.example",
        private_key: privateKey,
        token_uri: `${received.url}/token`
      })
    })
    return Context.make(TestServer.TestServer, server).pipe(
      Context.add(Receiver, received),
      Context.add(Keys, { publicKey }),
      Context.add(Database, { run: (statement) => Effect.orDie(Effect.asVoid(connection.query(statement))) })
    )
  })
)

const words = (channel: Template["channel"], purpose: Template["purpose"] = "MARKETING"): Template => ({
  channel,
  purpose,
  defaultLanguage: "el",
  variants: {
    el: {
      text: "Γεια σου #FIRST_NAME#",
      ...((channel === "INAPP" || channel === "DEVICE") && { title: "Το Μαγαζί" })
    }
  },
  missing: { policy: "REJECT" },
  events: []
})

const formOf = ({ body }: Call): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(body.toString("utf8")))

const register = (server: TestServer.TestServer["Service"], who: Shop.Person, body: object) =>
  server.requestAs(who.token, "POST", `/self-service/v2/contacts/${who.id}/devices`, body)

const subscription = (url: string, path: string = randomUUID()) => {
  const keys = createECDH("prime256v1")
  const p256dh = keys.generateKeys().toString("base64url")
  return {
    path: `/push/${path}`,
    endpoint: `${url}/push/${path}`,
    keys: { p256dh, auth: randomBytes(16).toString("base64url") }
  }
}

layer(world, { excludeTestServices: true })("a provider", (it) => {
  it.effect("of text messages gets a form with who and what, and reports back in callbacks that it signs", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = (call, nth) =>
        !call.path.startsWith("/2010") || nth > 2
          ? { status: 201, body: { sid: "SM1", status: "queued" } }
          : nth === 1
            ? { status: 429, headers: { "retry-after": "1" }, body: { code: 20429 } }
            : "HANG_UP"
      const eleni = yield* Shop.person(server)
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      const sent = yield* ended(server, id, "COMPLETED")
      assert.strictEqual(sent.gateway, "SMS")
      assert.isAtLeast(sent.attempts.length, 3)
      assert.match(sent.attempts[0].reason, /answered 429/)
      const posted = calls.filter(({ path }) => path === "/2010-04-01/Accounts/AC1/Messages.json")
      const [first] = posted
      assert.isDefined(first)
      if (first === undefined) return
      const form = formOf(first)
      assert.include(form, { To: eleni.phone, From: "+35780000000", Body: "Γεια σου Ελένη" })
      assert.strictEqual(first.headers.authorization, `Basic ${Buffer.from(`AC1:${token}`).toString("base64")}`)
      assert.deepStrictEqual(new Set(posted.map(({ headers }) => headers["idempotency-key"])), new Set([id]))
      const callback = form["StatusCallback"] ?? ""
      assert.isTrue(callback.startsWith(`${server.url}/message/sms-status/`), callback)
      const report = (status: string, signature?: string) =>
        Effect.promise(async () => {
          const fields = { MessageSid: "SM1", MessageStatus: status }
          const signed = signature ?? signatureOf(Redacted.make(token), callback, fields)
          const headers = { "x-twilio-signature": signed }
          return (await fetch(callback, { method: "POST", headers, body: new URLSearchParams(fields) })).status
        })
      assert.strictEqual(yield* report("delivered", "bm90IGEgc2lnbmF0dXJlIG9mIGl0"), 403)
      assert.strictEqual(yield* report("delivered", signatureOf(Redacted.make("another"), callback, {})), 403)
      assert.strictEqual((yield* delivery(server, id)).provider_status, "sent")
      assert.strictEqual(yield* report("delivered"), 204)
      assert.strictEqual(yield* report("sent"), 204, "late, and not gone back behind what is final")
      assert.strictEqual((yield* delivery(server, id)).provider_status, "delivered")
    })
  )

  it.effect("that knows no such number ends the message there; a landline is no address for one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { state } = yield* Receiver
      state.answer = () => ({ status: 400, body: { code: 21211, message: "not a valid phone number" } })
      const text = yield* template(server, words("SMS"))
      const refused = yield* ended(server, yield* send(server, yield* Shop.person(server), text), "REJECTED")
      assert.strictEqual(refused.reason, "ADDRESS_REFUSED")
      assert.deepStrictEqual(
        refused.attempts.map((each: { reason: string }) => each.reason),
        ["SMS provider answered 400 (21211)"]
      )
      const landline = { type: "LANDLINE", country_code: "CYP", number: "22123456" }
      const office = yield* Shop.person(server, { phone: landline })
      assert.strictEqual((yield* ended(server, yield* send(server, office, text), "REJECTED")).reason, "NO_ADDRESS")
    })
  )

  it.effect("that has taken a text message is not given it again, whatever goes wrong after that", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = () => ({ status: 201, body: { sid: "SM2", status: "queued" } })
      const { run } = yield* Database
      const eleni = yield* Shop.person(server)
      const text = yield* template(server, words("SMS"))
      // What the provider calls it cannot be written down.
      yield* run("ALTER TABLE communication_body RENAME COLUMN provider_at TO nowhere")
      const id = yield* send(server, eleni, text)
      const posted = () => calls.filter(({ headers }) => headers["idempotency-key"] === id).length
      const sent = yield* Effect.ensuring(
        ended(server, id, "COMPLETED"),
        run("ALTER TABLE communication_body RENAME COLUMN nowhere TO provider_at")
      )
      assert.strictEqual(sent.gateway, "SMS")
      assert.strictEqual(posted(), 1)
      assert.deepStrictEqual(
        sent.attempts.map((each: { outcome: string }) => each.outcome),
        ["CONTINUE", "DONE"]
      )
    })
  )

  it.effect("is given the number that a contact has at the attempt, not the one that she had at the first", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      const eleni = yield* Shop.person(server)
      // To her first number it never gets, however late an attempt is that was begun with it.
      state.answer = (call) =>
        formOf(call)["To"] === eleni.phone ? { status: 503 } : { status: 201, body: { sid: "SM3", status: "queued" } }
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      const posted = () => calls.filter(({ headers }) => headers["idempotency-key"] === id).map((call) => formOf(call))
      yield* eventually(
        "it was tried",
        Effect.sync(() => posted().length > 0)
      )
      const phone = { type: "MOBILE", country_code: "CYP", number: "99777123" }
      const changed = yield* server.request("PUT", `/backoffice/v2/contacts/${eleni.id}`, { phone })
      assert.strictEqual(changed.status, 200, JSON.stringify(changed.body))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).recipient, "+35799777123")
      assert.strictEqual(posted().at(-1)?.["To"], "+35799777123")
      assert.strictEqual(posted().at(0)?.["To"], eleni.phone)
    })
  )

  it.effect(
    "of pushes to apps gets them with a token that the service account's key signed for, and says which are gone",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { calls, state, url } = yield* Receiver
        const { publicKey } = yield* Keys
        state.answer = ({ path, body }, nth) => {
          if (path === "/token") return { status: 200, body: { access_token: `access-${nth}`, expires_in: 3600 } }
          return body.toString().includes("gone-device")
            ? { status: 404, body: { error: { status: "NOT_FOUND", details: [{ errorCode: "UNREGISTERED" }] } } }
            : { status: 200, body: { name: "projects/shop/messages/1" } }
        }
        const eleni = yield* Shop.person(server)
        const push = yield* template(server, words("DEVICE"))
        assert.strictEqual((yield* ended(server, yield* send(server, eleni, push), "REJECTED")).reason, "NO_ADDRESS")
        for (const each of ["phone-device", "gone-device"]) {
          const made = yield* register(server, eleni, { platform: "MOBILE", registration_token: each })
          assert.strictEqual(made.status, 201, JSON.stringify(made.body))
        }
        const id = yield* send(server, eleni, push)
        const sent = yield* ended(server, id, "COMPLETED")
        assert.strictEqual(sent.gateway, "PUSH")
        assert.notInclude(JSON.stringify(sent), "phone-device", "a token is nobody's business")
        const asked = calls.find(({ path }) => path === "/token")
        const { assertion = "" } = formOf(asked ?? { path: "", headers: {}, body: Buffer.alloc(0) })
        const { payload } = yield* Effect.promise(async () =>
          jwtVerify(assertion, await importSPKI(publicKey, "RS256"), {
            issuer: "push@shop.example",
            audience: `${url}/token`
          })
        )
        assert.strictEqual(payload["scope"], "https://www.googleapis.com/auth/firebase.messaging")
        const posted = calls.filter(({ path }) => path === "/v1/projects/shop/messages:send")
        assert.strictEqual(posted[0]?.headers.authorization, "Bearer access-1")
        const messages = posted.map(({ body }) => JSON.parse(body.toString()).message)
        const [message] = messages.filter((each) => each.token === "phone-device")
        assert.deepStrictEqual(message.notification, { title: "Το Μαγαζί", body: "Γεια σου Ελένη" })
        assert.strictEqual(message.data.communication_id, id)
        const devices = yield* eventually(
          "the one that is gone has left",
          Effect.map(
            server.requestAs(eleni.token, "GET", `/self-service/v2/contacts/${eleni.id}/devices`),
            ({ body }) => body.content.length === 1 && body.content
          )
        )
        assert.strictEqual(devices[0].registration_token, "phone-device")
        const again = yield* ended(server, yield* send(server, eleni, push), "COMPLETED")
        assert.strictEqual(again.state, "COMPLETED")
        assert.strictEqual(calls.filter(({ path }) => path === "/token").length, 1, "the token is kept")
      })
  )

  it.effect("of pushes to apps gets a phone's for the contact who registered it last, and for nobody before", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = ({ path }) =>
        path === "/token"
          ? { status: 200, body: { access_token: "access", expires_in: 3600 } }
          : { status: 200, body: { name: "projects/shop/messages/1" } }
      const [eleni, maria] = [yield* Shop.person(server), yield* Shop.person(server)]
      const push = yield* template(server, words("DEVICE"))
      const phone = { platform: "MOBILE", registration_token: "shared-phone" }
      const key = randomUUID()
      const asMaria = () =>
        server.request("POST", `/self-service/v2/contacts/${maria.id}/devices`, phone, {
          api_key: undefined,
          authorization: `Bearer ${maria.token}`,
          "idempotency-key": key
        })
      const tokensOf = (who: Shop.Person) =>
        Effect.map(server.requestAs(who.token, "GET", `/self-service/v2/contacts/${who.id}/devices`), ({ body }) =>
          (body.content as ReadonlyArray<{ registration_token: string }>).map((each) => each.registration_token)
        )
      assert.strictEqual((yield* register(server, eleni, phone)).status, 201)
      const first = yield* asMaria()
      assert.deepStrictEqual([yield* tokensOf(eleni), yield* tokensOf(maria)], [[], ["shared-phone"]])
      assert.strictEqual((yield* ended(server, yield* send(server, eleni, push), "REJECTED")).reason, "NO_ADDRESS")
      yield* ended(server, yield* send(server, maria, push), "COMPLETED")
      assert.strictEqual(calls.filter(({ body }) => body.toString().includes("shared-phone")).length, 1)
      // Eleni signs in on it again, and what Maria's app repeats of before takes nothing from her.
      assert.strictEqual((yield* register(server, eleni, phone)).status, 201)
      const repeated = yield* asMaria()
      assert.deepStrictEqual(repeated.body, first.body)
      assert.strictEqual(repeated.headers.get("idempotency-replayed"), "true")
      assert.deepStrictEqual([yield* tokensOf(eleni), yield* tokensOf(maria)], [["shared-phone"], []])
      const people = yield* Effect.all(Array.from({ length: 4 }, () => Shop.person(server)))
      yield* Effect.forEach(people, (who) => register(server, who, phone), { concurrency: "unbounded" })
      const holders = yield* Effect.forEach([eleni, maria, ...people], tokensOf)
      assert.strictEqual(holders.flat().length, 1)
      // One that an earlier version registered for two contacts is pushed to for its holder alone.
      const { run } = yield* Database
      yield* register(server, eleni, { ...phone, registration_token: "old-phone" })
      yield* run(`UPDATE claim SET holder = '${maria.id}' WHERE kind = 'device' AND holder = '${eleni.id}'`)
      yield* ended(server, yield* send(server, eleni, push), "REJECTED")
      assert.isFalse(calls.some(({ body }) => body.toString().includes("old-phone")))
      yield* eventually(
        "it has left",
        Effect.map(tokensOf(eleni), (tokens) => !tokens.includes("old-phone"))
      )
    })
  )

  it.effect("of pushes to browsers gets them encrypted and signed, and only if it is on the list", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state, url } = yield* Receiver
      state.answer = () => ({ status: 201 })
      const eleni = yield* Shop.person(server)
      const { path, ...given } = subscription(url)
      const browser = (endpoint: string) =>
        register(server, eleni, { platform: "BROWSER", registration_token: JSON.stringify({ ...given, endpoint }) })
      for (const wrong of [
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/push",
        "http://push.example/x",
        "https://push.example:8443/x",
        "https://push.example.evil.example/x",
        "https://user@push.example/x",
        "file:///etc/passwd"
      ]) {
        const refused = yield* browser(wrong)
        assert.strictEqual(refused.status, 400, wrong)
        assert.strictEqual(refused.body.faults[0].pointer, "/registration_token")
      }
      assert.strictEqual((yield* browser(given.endpoint)).status, 201)
      const id = yield* send(server, eleni, yield* template(server, words("DEVICE")))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).gateway, "PUSH")
      const pushed = calls.find((call) => call.path === path)
      assert.strictEqual(pushed?.headers["content-encoding"], "aes128gcm")
      assert.match(pushed?.headers.authorization ?? "", new RegExp(`^vapid t=[\\w.-]+, k=${vapid.publicKey}$`))
      assert.strictEqual(pushed?.headers["topic"], Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url"))
      assert.notInclude(pushed?.body.toString("utf8") ?? "", "Ελένη")
      const push = yield* template(server, words("DEVICE"))
      for (const [status, reason] of [
        [413, "ADDRESS_REFUSED"],
        [403, "ADDRESS_REFUSED"],
        [410, "ADDRESS_REFUSED"],
        // The device was removed by the last one alone.
        [201, "NO_ADDRESS"]
      ] as const) {
        state.answer = () => ({ status })
        const refused = yield* ended(server, yield* send(server, eleni, push), "REJECTED")
        assert.strictEqual(refused.reason, reason, String(status))
      }
    })
  )

  it.effect("is not needed by a message in the app: it is there to be read", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const eleni = yield* Shop.person(server)
      const id = yield* send(server, eleni, yield* template(server, words("INAPP")))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).gateway, "IN_APP")
      const read = yield* server.requestAs(eleni.token, "GET", `/self-service/v2/communications/${id}`)
      assert.include(read.body, { id, channel: "INAPP", subject: "Το Μαγαζί", content: "Γεια σου Ελένη" })
    })
  )
})
