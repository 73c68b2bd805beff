/** The settings: what the code reads, what `koinon settings` lists and what the README's table names are the same. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe as listed, load, settings } from "../../src/Settings.ts"

const root = join(import.meta.dirname, "../..")
const read = (path: string): string => readFileSync(join(root, path), "utf8")
const sources = ["src", "src-http", "src-runtime", "src-domain"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, path))
)
const names = Object.values(settings).map(({ name }) => name)

/** As settings are named: several words in capitals, of which one tells ours. */
const namesIn = (text: string): ReadonlyArray<string> =>
  text.match(/\b(?:KOINON|OTEL|VAPID|FCM)_[A-Z_]+\b|\b[A-Z]+_URL\b/g) ?? []

describe("a setting", () => {
  it("stands in the README's table, once, and nothing else does", () => {
    const table = read("src/README.md")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .join("\n")
    const named = [...table.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name)
    assert.sameMembers(named, names)
    assert.strictEqual(new Set(named).size, named.length)
  })

  it("is listed with a reason that ends as a sentence, and never with the value of a secret", () => {
    const environment = Object.fromEntries(names.map((name) => [name, "a value that is secret"]))
    for (const { name, value, reason } of listed(environment)) {
      assert.match(reason, /^[A-Z].*\.$/, name)
      const isSecret = Object.values(settings).some((one) => one.name === name && "secret" in one && one.secret)
      assert.strictEqual(value, isSecret ? "(set)" : "a value that is secret", name)
    }
    for (const name of ["MONGODB_URL", "SMTP_URL", "SMS_AUTH_TOKEN", "VAPID_PRIVATE_KEY", "FCM_SERVICE_ACCOUNT"])
      assert.include(listed(environment).find((one) => one.name === name)?.value, "(set)")
  })

  it.effect("that cannot be is named with its value, unless that is secret, with why and with what to do", () =>
    Effect.gen(function* () {
      const told = (environment: Readonly<Record<string, string>>) =>
        load.pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)),
          Effect.flip,
          Effect.map(({ message }) => message)
        )
      assert.strictEqual(
        yield* told({ PORT: "abc" }),
        'PORT cannot be "abc": Expected an integer. Correct it, or unset it for 8080 ' +
          "(TCP port of the HTTP and WebSocket doors; 0 takes a free one)."
      )
      assert.match(
        yield* told({ KOINON_BUSINESS_TIME_ZONE: "Mars" }),
        /^KOINON_BUSINESS_TIME_ZONE cannot be "Mars": .*Europe\/Athens.*Asia\/Nicosia/
      )
      const secret = yield* told({ KOINON_MASTER_SECRET: "too short" })
      assert.match(secret, /^KOINON_MASTER_SECRET cannot be .* 32 characters/)
      assert.notInclude(secret, "too short")
    })
  )

  it("is read in one file: elsewhere the environment is only asked for what programs need to run", () => {
    const allowed = ["src/verb/Settings.ts", "src/demo/Screen.ts", "src-runtime/storage/"]
    const readers = sources.filter((path) => /process\.env|\bConfig\.\w+\(/.test(read(path)))
    const others = readers.filter((path) => path !== "src/Settings.ts" && !allowed.some((one) => path.startsWith(one)))
    assert.deepStrictEqual(others, [])
  })

  it("that is named in a text, a help or a file of deployment is one that there is", () => {
    const told = [
      "README.md",
      "src/README.md",
      "src-http/README.md",
      "src/deploy/Dockerfile",
      "src/deploy/compose.yaml"
    ]
    for (const path of [...told, ...sources]) {
      for (const name of namesIn(read(path))) assert.include(names, name, path)
    }
  })
})
