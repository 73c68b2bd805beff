/** Pushes and messages in the app, against receivers of their providers' shape over real HTTP. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { importSPKI, jwtVerify } from "jose"
import { createECDH, randomBytes, randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { ended, send, template } from "../support/Messages.ts"
import { Database, formOf, Keys, Receiver, register, vapid, words, world } from "../support/Providers.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

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
