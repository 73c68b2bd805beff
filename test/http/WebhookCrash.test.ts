/**
 * AUT-11 over kill -9: the process dies again and again while contacts are credited and a receiver is not always well. After
 * quiet, a receiver that tells messages by their id has each exactly once, and for each contact in order without a gap.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Webhook } from "standardwebhooks"
import { killHard, ServeProcess } from "../chaos/ServeProcess.ts"
import { ok, receiver } from "../support/Receiver.ts"
import type { Parsed } from "../support/TestServer.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { eventually } from "../support/Eventually.ts"

const apiKey = "sk_a_back_office_key_that_tests_may_know"
const kills = 4
const contactsCount = 8
/** Of each contact, between two kills. */
const creditsEach = 6
const limitMs = 600_000

describe("killed in the middle", () => {
  it.live(
    "each webhook is at a receiver that dedupes by id exactly once, and in order for its contact",
    () =>
      Effect.gen(function* () {
        const database = yield* TestDatabase.create
        const dataDirectory = yield* Effect.acquireRelease(
          Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-webhook-crash-"))),
          (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
        )
        const koinon = new ServeProcess({
          environment: {
            PORT: "0",
            DATABASE_URL: Redacted.value(database.url),
            KOINON_DATA_DIR: dataDirectory,
            KOINON_BOOTSTRAP_API_KEY: apiKey,
            KOINON_MASTER_SECRET: "a master secret that is long enough for tests",
            KOINON_WEBHOOK_ALLOWED: "127.0.0.1"
          }
        })
        const kill = Effect.sync(() => {
          if (koinon.processId !== undefined) killHard(koinon.processId)
        })
        yield* Effect.addFinalizer(() => kill)
        const begin = Effect.promise(() => koinon.start())
        const request = (method: string, path: string, body?: unknown, key = randomUUID()) =>
          Effect.tryPromise(async () => {
            const headers = { api_key: apiKey, "content-type": "application/json", "idempotency-key": key }
            const sent = body === undefined ? {} : { body: JSON.stringify(body) }
            const response = await fetch(`${koinon.url}/backoffice/v2${path}`, { method, headers, ...sent })
            const answer = await response.json()
            if (response.status >= 300) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
            return answer as Parsed
          })
        yield* begin

        // One in seven first tries fails, and one in eleven arrives without being acknowledged.
        let count = 0
        // As they arrive: a signature holds for minutes only.
        let verifier: Webhook | undefined
        const unsigned: Array<unknown> = []
        const to = yield* receiver((response, received, nth) => {
          count += 1
          try {
            verifier?.verify(received.text, received.headers)
          } catch (cause) {
            unsigned.push(cause)
          }
          if (nth === 1 && count % 7 === 0) return void response.writeHead(500).end()
          if (nth === 1 && count % 11 === 0) return void response.socket?.destroy()
          ok(response, received, nth)
        })
        const { secret, id } = yield* request("POST", "/webhooks", {
          name: "Till",
          url: to.url,
          events: ["wallet.credited"]
        })
        verifier = new Webhook(secret)
        const people: Array<string> = []
        for (let number = 0; number < contactsCount; number++) {
          const body = { type: "PERSON", first_name: "Eleni", last_name: `Georgiou ${number}` }
          people.push((yield* request("POST", "/contacts", body)).id)
        }
        const credit = (contact: string, amount: number) => {
          const key = randomUUID()
          const body = { action: "CREDIT", amount, currency_code: "EUR" }
          // Until it is answered, whoever answers.
          return eventually(
            "the credit is answered",
            Effect.map(
              Effect.option(request("POST", `/wallets/${contact}/journals`, body, key)),
              (answer) => answer._tag === "Some"
            )
          )
        }
        for (let round = 0; round < kills; round++) {
          const before = to.received.length
          const killed = Effect.gen(function* () {
            yield* eventually(
              "some have arrived",
              Effect.sync(() => to.received.length >= before + 4 + round * 3)
            )
            yield* kill
            yield* eventually(
              "it is dead",
              Effect.sync(() => !koinon.isRunning)
            )
            yield* begin
          })
          const credited = Effect.forEach(
            people,
            (contact) =>
              Effect.forEach(
                Array.from({ length: creditsEach }, (_, nth) => round * creditsEach + nth + 1),
                (amount) => credit(contact, amount),
                { discard: true }
              ),
            { concurrency: contactsCount, discard: true }
          )
          yield* Effect.all([killed, credited], { concurrency: 2, discard: true })
        }
        const all = kills * creditsEach * contactsCount
        yield* eventually(
          "all have arrived",
          Effect.sync(() => to.kept().length >= all)
        )
        yield* eventually(
          "all are settled",
          Effect.map(
            // A view that is late asks to come again.
            Effect.option(request("GET", `/webhooks/${id}/sequences?size=50`)),
            (answer) =>
              answer._tag === "Some" &&
              answer.value.content.length === contactsCount &&
              answer.value.content.every(
                ({ ranges }: { ranges: ReadonlyArray<{ state: string; to: number }> }) =>
                  ranges.length === 1 && ranges[0]?.state === "DONE" && ranges[0].to === kills * creditsEach
              )
          )
        )
        const kept = to.kept()
        assert.lengthOf(kept, all)
        const inOrder = Array.from({ length: kills * creditsEach }, (_, index) => index + 1)
        for (const contact of people) {
          const own = kept.filter(({ body }) => body.contact_id === contact)
          assert.deepStrictEqual(
            own.map(({ body }) => body.sequence),
            inOrder
          )
          assert.deepStrictEqual(
            own.map(({ body }) => body.data["amount"]),
            inOrder
          )
        }
        assert.deepStrictEqual(unsigned, [])
        // What failed, or was killed before it was settled, came again.
        assert.isAbove(to.received.length, all)
      }).pipe(Effect.scoped),
    limitMs
  )
})
