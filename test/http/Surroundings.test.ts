/** What a server says at its start of what it is set up with: all of it, in a line each, and nothing secret. */
import { assert, describe, it } from "@effect/vitest"
import { Actors } from "#runtime/actor/Actors.ts"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { banner } from "../../src/Banner.ts"
import { load } from "../../src/Settings.ts"
import { surroundings } from "../../src/Surroundings.ts"
import { start } from "../support/TestServer.ts"

const secret = Redacted.make("not shown here")

const told = (environment: Readonly<Record<string, string>>) =>
  load.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)),
    Effect.map((settings) => Object.fromEntries(surroundings(settings)))
  )

describe("what a server is set up with", () => {
  it.effect("is said of each way out, with what is missing, where nothing is set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* told({}), {
        Segments: "embedded store: in memory, read from the journal anew at each start, until MONGODB_URL is set",
        Mail: "outbox page, until SMTP_URL is set",
        SMS: "outbox page, until SMS_ACCOUNT_SID, SMS_AUTH_TOKEN and SMS_SENDER are set",
        Push:
          "browsers: outbox page, until VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY are set; " +
          "apps: outbox page, until FCM_SERVICE_ACCOUNT is set",
        Webhooks: "only to the internet by https, until KOINON_WEBHOOK_ALLOWED names others"
      })
      const half = yield* told({ SMS_ACCOUNT_SID: "AC1", SMS_SENDER: "Shop", VAPID_PUBLIC_KEY: "B0" })
      assert.strictEqual(half["SMS"], "outbox page, until SMS_AUTH_TOKEN is set")
      assert.match(half["Push"] ?? "", /^browsers: outbox page, until VAPID_PRIVATE_KEY is set;/)
    })
  )

  it.effect("is said without a secret where everything is set", () =>
    Effect.gen(function* () {
      const lines = yield* told({
        MONGODB_URL: "mongodb://user:secret-1@mongo.internal/x",
        SMTP_URL: "smtps://user:secret-2@mail.internal",
        KOINON_MAIL_SENDER: "Shop <no-reply@shop.example>",
        SMS_ACCOUNT_SID: "AC1",
        SMS_AUTH_TOKEN: "secret-3",
        SMS_SENDER: "Shop",
        VAPID_PUBLIC_KEY: "B0",
        VAPID_PRIVATE_KEY: "secret-4",
        FCM_SERVICE_ACCOUNT: '{"private_key": "secret-5"}',
        KOINON_WEBHOOK_ALLOWED: "127.0.0.1,10.1.0.0/16"
      })
      assert.deepStrictEqual(lines, {
        Segments: "MongoDB (MONGODB_URL), database koinon: kept there, and shared by all runners",
        Mail: "SMTP (SMTP_URL), from Shop <no-reply@shop.example>",
        SMS: "api.twilio.com (SMS_URL), from Shop",
        Push: "browsers: Web Push (VAPID keys); apps: Firebase (FCM_SERVICE_ACCOUNT)",
        Webhooks: "to the internet by https, and to 127.0.0.1, 10.1.0.0/16 (KOINON_WEBHOOK_ALLOWED)"
      })
      const { SMS: printed } = yield* told({ SMS_URL: "console:", SMS_ACCOUNT_SID: "AC1" })
      assert.match(printed ?? "", /^NOT SENT but printed here/)
    })
  )

  it.live("is printed at the start, with the address of the outbox page and without a key that was given", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const apiKey = "sk_a_key_that_was_given_and_is_kept_elsewhere"
      const given = ConfigProvider.fromUnknown({ KOINON_BOOTSTRAP_API_KEY: apiKey })
      const settings = yield* Effect.provideService(load, ConfigProvider.ConfigProvider, given)
      const keys = { master: secret, apiKey: Redacted.make(apiKey), publishableKey: secret, file: "" }
      const printed: Array<unknown> = []
      const address = { port: 8080 } as Parameters<typeof banner>[2]
      yield* banner(settings, keys, address, 0).pipe(
        Effect.provideService(Actors, server.actors),
        Effect.provideService(Console.Console, {
          ...globalThis.console,
          log: (...words: ReadonlyArray<unknown>) => void printed.push(...words)
        })
      )
      const text = printed.join("\n")
      for (const name of ["Segments", "Mail", "SMS", "Push", "Webhooks"])
        assert.match(text, new RegExp(`^  ${name} +\\S`, "m"))
      assert.match(text, /^ {2}Mail +outbox page, until SMTP_URL is set$/m)
      assert.include(text, "http://127.0.0.1:8080/console/outbox")
      assert.notInclude(text, apiKey)
    }).pipe(Effect.scoped)
  )
})
