/** `koinon status` at a terminal: which key it asks with, and that it leaves nothing behind. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-status-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const run = (cwd: string, environment: Readonly<Record<string, string>>, ...flags: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly output: string; readonly fault: string }>((resume) => {
    const env = { PATH: process.env["PATH"], ...environment }
    execFile(process.execPath, [program, "status", ...flags], { cwd, env }, (error, output, fault) =>
      resume(Effect.succeed({ code: error === null ? 0 : 1, output, fault }))
    )
  })

layer(testServer)("koinon status", (it) => {
  it.effect("asks with the key that is given, else with that of the settings, else with that of the data folder", () =>
    Effect.gen(function* () {
      const { url, apiKey } = yield* TestServer
      const cwd = yield* folder
      const wrong = `sk_${"x".repeat(43)}`
      const given = yield* run(cwd, { KOINON_BOOTSTRAP_API_KEY: wrong }, "--url", url, "--api-key", apiKey, "--json")
      assert.strictEqual(given.code, 0, given.fault)
      assert.lengthOf(JSON.parse(given.output).runners, 1)
      const data = join(cwd, "data")
      mkdirSync(data)
      const secrets = { masterSecret: "m", apiKey, publishableKey: "p" }
      writeFileSync(join(data, "secrets.json"), JSON.stringify(secrets), { mode: 0o600 })
      const stored = yield* run(cwd, { KOINON_DATA_DIR: "data" }, "--url", url)
      assert.strictEqual(stored.code, 0, stored.fault)
      const set = yield* run(cwd, { KOINON_DATA_DIR: "data", KOINON_BOOTSTRAP_API_KEY: wrong }, "--url", url)
      assert.strictEqual(set.code, 1)
      assert.include(set.fault, "--api-key")
    }).pipe(Effect.scoped)
  )

  it.effect("without a key says where it comes from, and makes none", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const cwd = yield* folder
      const { code, fault } = yield* run(cwd, {}, "--url", url)
      assert.strictEqual(code, 1)
      for (const word of ["--api-key", "KOINON_BOOTSTRAP_API_KEY", "KOINON_DATA_DIR"]) assert.include(fault, word)
      assert.isFalse(existsSync(join(cwd, ".koinon")))
    }).pipe(Effect.scoped)
  )
})
