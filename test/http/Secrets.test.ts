/** What an installation is born with: random, kept for its owner alone, and hashed in the database. */
import { keyHash } from "#http/door/Principal.ts"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { chmod, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { inspect } from "node:util"
import { secrets } from "../../src/Installation.ts"
import { load } from "../../src/Settings.ts"
import { open } from "../support/OpenServer.ts"

const keyBits = 256
const modeOf = (file: string) => Effect.promise(async () => (await stat(file)).mode & 0o777)

describe("the secrets of an installation", () => {
  it.live("are random, in a file that only its owner reads, and closed again where a copy was open to others", () =>
    Effect.gen(function* () {
      const { dataDirectory, server } = yield* open()
      const file = join(dataDirectory, "secrets.json")
      assert.strictEqual(yield* modeOf(file), 0o600)
      const stored = JSON.parse(yield* Effect.promise(() => readFile(file, "utf8"))) as Record<string, string>
      assert.strictEqual(new Set(Object.values(stored)).size, 3)
      for (const secret of Object.values(stored)) {
        assert.isAtLeast(Buffer.from(secret.slice(3), "base64url").length * 8, keyBits)
      }
      yield* Effect.promise(() => chmod(file, 0o644))
      const environment = ConfigProvider.fromUnknown({ KOINON_DATA_DIR: dataDirectory })
      const settings = yield* Effect.provideService(load, ConfigProvider.ConfigProvider, environment)
      const read = yield* Effect.provide(secrets(settings), NodeServices.layer)
      assert.strictEqual(yield* modeOf(file), 0o600)
      assert.strictEqual(Redacted.value(read.master), stored["masterSecret"])
      assert.notInclude(inspect(read, { depth: 10 }) + JSON.stringify(read), stored["masterSecret"] ?? "-")
      assert.strictEqual((yield* server.request("GET", "/health/live")).status, 200)
    })
  )

  it.live("give keys of which the database holds the hash, and no more", () =>
    Effect.gen(function* () {
      const { publishableKey, query, server } = yield* open()
      const rows = yield* query("SELECT body FROM event")
      const text = rows.map((row) => row["body"]).join("\n")
      for (const key of [publishableKey, server.apiKey]) {
        assert.include(text, keyHash(key))
        assert.notInclude(text, key)
      }
    })
  )
})
