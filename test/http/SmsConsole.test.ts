/** Text messages on a developer's terminal: all of each, where it was asked for, and never where others reach the server. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ended, send, template } from "../support/Messages.ts"
import { outboxReader } from "../support/OutboxPage.ts"
import { words } from "../support/Providers.ts"
import * as Shop from "../support/Shop.ts"
import { start, Terminal } from "../support/TestServer.ts"

const terminal = () => {
  const printed: Array<string> = []
  return { printed, console: { ...globalThis.console, log: (text: unknown) => void printed.push(String(text)) } }
}

describe("text messages on the terminal", () => {
  it.live("are printed whole, with where they go, and are not in the outbox page", () =>
    Effect.gen(function* () {
      const { printed, console } = terminal()
      const server = yield* Effect.provideService(start({ SMS_URL: "console:" }), Terminal, console)
      const eleni = yield* Shop.person(server, { first_name: "Ελένη\u001b[2J" })
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).gateway, "SMS")
      const [text = "", ...others] = printed.filter((each) => each.startsWith("SMS to "))
      assert.deepStrictEqual(others, [])
      // What somebody calls herself does not move the cursor of whoever reads it.
      assert.include(text, `SMS to ${eleni.phone} from Koinon\n  Γεια σου Ελένη\u{fffd}[2J\n  Διαγραφή: ${server.url}/`)
      const read = yield* outboxReader(server)
      assert.notInclude(yield* read("/console/outbox"), eleni.phone)
      const status = yield* Shop.made(server.request("GET", "/backoffice/v2/status"))
      assert.strictEqual(status.set_up.sms, "CONSOLE")
      assert.match(printed[0] ?? "", /^ {2}SMS +NOT SENT but printed here/m)
    }).pipe(Effect.scoped)
  )

  it.live("land in the outbox page and are not printed where nothing is said", () =>
    Effect.gen(function* () {
      const { printed, console } = terminal()
      const server = yield* Effect.provideService(start(), Terminal, console)
      const eleni = yield* Shop.person(server)
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).gateway, "OUTBOX")
      assert.notInclude(printed.join("\n"), eleni.phone)
    }).pipe(Effect.scoped)
  )

  for (const [name, value] of [
    ["KOINON_HOST", "0.0.0.0"],
    ["KOINON_PUBLIC_URL", "https://shop.example"]
  ] as const) {
    it.live(`are refused where ${name} lets others in (P17)`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(start({ SMS_URL: "console:", [name]: value }))
        const message = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "it opened"
        assert.include(message, `SMS_URL=console: prints`)
        assert.include(message, `${name}=${value}`)
      }).pipe(Effect.scoped)
    )
  }

  it.live("may be printed where the public address is this machine's own", () =>
    Effect.gen(function* () {
      const server = yield* start({ SMS_URL: "console:", KOINON_PUBLIC_URL: "http://localhost:8080" })
      assert.strictEqual((yield* server.request("GET", "/health/live")).status, 200)
    }).pipe(Effect.scoped)
  )
})
