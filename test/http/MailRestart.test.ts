/**
 * Mail under kill -9: the server that sends and the one that takes mail die again and again in the middle of it, and then
 * each message was on the wire, and is one to whoever keeps the ids.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { mailServer } from "../support/MailServer.ts"
import { greekMail, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestServer from "../support/TestServer.ts"

const kills = 3
const messages = 40
/** So many are on the wire, and the process is killed. */
const perRound = 8
/** A mail that failed waits twice as long each time: on a slow machine the last of them come late. */
const endsWithinMs = 150_000
const roundMaxMs = 60_000
const testMaxMs = 480_000
const masterSecret = "ms_a_master_secret_that_survives_every_process"
const repository = fileURLToPath(new URL("../../", import.meta.url))

const serving = async (environment: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, ["src/main.ts", "serve"], {
    cwd: repository,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  const ended = once(child, "exit")
  while (!/listening on http/.test(output)) {
    if (child.exitCode !== null) throw new Error(`it did not start: ${output}`)
    await pause(20)
  }
  return {
    kill: async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
      child.kill(signal)
      await ended
    }
  }
}

it.live(
  "each mail is on the wire, and once for who keeps the ids, however often sender and receiver die (CON-6)",
  () =>
    Effect.gen(function* () {
      const database = yield* TestDatabase.create
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-mail-restart-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
      )
      const mail = yield* mailServer()
      // Asked for while nothing sends.
      const ids = yield* Effect.scoped(
        Effect.gen(function* () {
          mail.state.conduct = () => "HANG"
          const server = yield* TestServer.startRunner(database, {
            KOINON_MASTER_SECRET: masterSecret,
            SMTP_URL: mail.url
          })
          const marketing = yield* template(server, greekMail)
          const people = yield* Effect.forEach(Array.from({ length: 8 }), () =>
            Shop.person(server, { language_code: "ELL" })
          )
          return yield* Effect.forEach(Array.from({ length: messages }), (_, nth) =>
            send(server, people[nth % people.length] ?? { id: "" }, marketing)
          )
        })
      )
      const environment = {
        PORT: "0",
        DATABASE_URL: Redacted.value(database.url),
        KOINON_DATA_DIR: folder,
        KOINON_MASTER_SECRET: masterSecret,
        KOINON_BOOTSTRAP_API_KEY: "sk_a_back_office_key_that_tests_may_know",
        SMTP_URL: mail.url
      }
      // Every fifth is taken and not answered for, so that the process dies between the two.
      let nth = 0
      mail.state.conduct = () => (++nth % 5 === 0 ? "TAKE_AND_DIE" : nth % 9 === 0 ? "DIE" : "TAKE")
      const started = Effect.acquireRelease(
        Effect.promise(() => serving(environment)),
        (process) => Effect.promise(() => process.kill("SIGTERM"))
      )
      const onWire = () => new Set(mail.received.map(({ mail: { messageId } }) => messageId)).size
      for (let kill = 0; kill < kills; kill++) {
        const before = mail.received.length
        const process = yield* started
        const until = performance.now() + roundMaxMs
        while (mail.received.length < before + perRound && onWire() < messages && performance.now() < until) {
          yield* Effect.sleep(5)
        }
        yield* Effect.promise(() => process.kill("SIGKILL"))
      }
      mail.state.conduct = () => "TAKE"
      const last = yield* started
      const until = performance.now() + endsWithinMs
      while (onWire() < messages && performance.now() < until) yield* Effect.sleep(20)
      const byId = Map.groupBy(mail.received, ({ mail: { messageId } }) => messageId ?? "none")
      assert.deepStrictEqual([...byId.keys()].toSorted(), ids.map((id) => `<${id}@localhost>`).toSorted())
      for (const [id, twins] of byId) {
        const said = twins.map(({ to, mail: { subject, html, date } }) => JSON.stringify([to, subject, html, date]))
        assert.strictEqual(new Set(said).size, 1, `${id} is the same each time`)
      }
      assert.isAbove(mail.received.length, messages, "some were taken twice, or nothing was tried here")
      assert.isDefined(last)
    }).pipe(Effect.scoped),
  testMaxMs
)
