/** Automations for tests on a running server, saved as whoever keeps them saves them: by a command at the business's key. */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import * as Effect from "effect/Effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]

export const saveAutomation = ({ actors, businessId }: Server, id: string, body: AutomationDefinition, name = id) =>
  Effect.orDie(
    actors.ask({ business: businessId, key: businessId, command: { _tag: "SaveAutomation", id, name, body } })
  )

export const deleteAutomation = ({ actors, businessId }: Server, id: string) =>
  Effect.orDie(actors.ask({ business: businessId, key: businessId, command: { _tag: "DeleteAutomation", id } }))

/** What a decider is sent. */
interface Asked {
  readonly trigger: string
  readonly automation: { readonly id: string; readonly name: string; readonly version: number }
  readonly contact: Readonly<Record<string, unknown>>
}

/** Somebody who is asked for decisions, on a port of its own; what it was sent is kept. */
export const decider = Effect.fnUntraced(function* (
  answer: (asked: Asked, response: ServerResponse, request: IncomingMessage) => void
) {
  const asked: Array<Asked> = []
  const sent: Array<{ readonly headers: Record<string, string>; readonly text: string }> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const listening = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const text = Buffer.concat(parts).toString("utf8")
          const body = JSON.parse(text)
          asked.push(body)
          sent.push({ headers: request.headers as Record<string, string>, text })
          answer(body, response, request)
        })
      })
      listening.listen(0, "127.0.0.1", () => resume(Effect.succeed(listening)))
    }),
    (listening) =>
      Effect.sync(() => {
        listening.closeAllConnections()
        listening.close()
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}/decide`, asked, sent }
})

export const says =
  (decision: object) =>
  (_: unknown, response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(decision))
  }

type Decider = Effect.Success<ReturnType<typeof decider>>

/** By what they do wrong: as what that is told, and who does it. One leads on to `elsewhere`. */
export const badDeciders = (elsewhere: string) =>
  Effect.gen(function* () {
    const all: Readonly<Record<string, readonly [failure: string, Decider]>> = {
      hangs: ["TIMEOUT", yield* decider(() => undefined)],
      "answers 500": ["STATUS", yield* decider((_, response) => response.writeHead(500).end('{"decision":"ALLOW"}'))],
      "is no JSON": ["NOT_JSON", yield* decider((_, response) => response.writeHead(200).end("yes"))],
      "says a word that does not count": ["UNKNOWN_VERDICT", yield* decider(says({ decision: "PERHAPS" }))],
      "rejects without a reason": ["REASON_MISSING", yield* decider(says({ decision: "REJECT" }))],
      "says more than it may": ["FIELD_NOT_ALLOWED", yield* decider(says({ decision: "ALLOW", contact: {} }))],
      "patches what names her": [
        "FIELD_NOT_ALLOWED",
        yield* decider(says({ decision: "PATCH", fields: { email: "x@example.com" } }))
      ],
      "patches with a number": [
        "INVALID_ANSWER",
        yield* decider(says({ decision: "PATCH", fields: { first_name: 5 } }))
      ],
      "closes midway": [
        "CONNECTION",
        yield* decider((_, response) => {
          response.writeHead(200, { "content-length": "100" })
          response.write('{"decision":')
          setImmediate(() => response.destroy())
        })
      ],
      "never ends": [
        "TOO_LONG",
        yield* decider((_, response) => {
          response.writeHead(200)
          const more = setInterval(() => response.write(" ".repeat(10_000)), 1)
          response.on("close", () => clearInterval(more))
        })
      ],
      redirects: ["STATUS", yield* decider((_, response) => response.writeHead(307, { location: elsewhere }).end())]
    }
    return all
  })
