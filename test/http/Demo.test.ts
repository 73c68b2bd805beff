/** `koinon demo` as a newcomer runs it: a process of its own, judged by what it prints, by its exit code, by what it leaves. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const repository = fileURLToPath(new URL("../../", import.meta.url))
const demoTimeoutMs = 180_000
const testTimeoutMs = 2 * demoTimeoutMs

interface Run {
  readonly exitCode: number | null
  readonly output: string
  readonly errors: string
  /** Whatever is in its temporary folder when it has ended. */
  readonly leftBehind: ReadonlyArray<string>
}

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-demo-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const demo = Effect.fnUntraced(function* (flags: ReadonlyArray<string>) {
  const folder = yield* temporaryFolder
  return yield* Effect.promise(
    () =>
      new Promise<Run>((resolve, reject) => {
        const child = spawn(process.execPath, ["src/main.ts", "demo", ...flags], {
          cwd: repository,
          env: { ...process.env, TMPDIR: folder },
          stdio: ["ignore", "pipe", "pipe"],
          timeout: demoTimeoutMs
        })
        let [output, errors] = ["", ""]
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
        child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
        child.on("error", reject)
        child.on("close", (exitCode) => {
          readdir(folder).then((leftBehind) => resolve({ exitCode, output, errors, leftBehind }), reject)
        })
      })
  )
}, Effect.scoped)

/** Spaces that keep words together are spaces; how long something took is chance, and so is where a line is broken. */
const asWritten = (output: string): string =>
  output
    .replaceAll("\u00a0", " ")
    .replaceAll(/· \d+ ms/g, "· … ms")
    .replaceAll(/\s+/g, " ")

/** From the first step on: what comes before names the server. */
const storyOf = (output: string): string => asWritten(output.slice(output.indexOf("[ 1/")))

layer(testServer, { timeout: testTimeoutMs })("koinon demo", (it) => {
  it.effect(
    "plays its story on a server of its own, shows the refusal and the proof, and leaves nothing behind",
    Effect.fnUntraced(function* () {
      const { exitCode, output, errors, leftBehind } = yield* demo(["--fast"])
      const text = asWritten(output)
      assert.strictEqual(exitCode, 0, `${output}\n${errors}`)
      assert.strictEqual(errors, "")
      assert.notInclude(output, "\u001b", "what is no terminal gets plain lines")

      // SHR-6: the numbers of the limit, and that nothing was taken.
      assert.include(text, "6.60 € from Μαρία's wallet, 2.30 € of Νίκος's bread money, 1.30 € is left to pay in cash")
      assert.include(text, "refused: 400 CRM.EXCEPTIONS.CANNOTSPENDAMOUNTWALLETBALANCENOTENOUGHEXCEPTION")
      assert.include(text, "because 20.00 € of Νίκος's 20.00 € a month are used")
      assert.include(text, "20.00 of 20.00 € reached")
      // PUR-2, PUR-6, SHR-8, and a push to each of the two apps.
      assert.include(text, "It is the same purchase and the same answer")
      assert.include(text, "18.60 € are back in the very lot they came from: it had 12.60 € left, it has 31.20 €")
      assert.include(text, "Exactly one of the two is covered")
      assert.match(text, /» Μαρία's app: −12\.20 € for Ελένη/)
      assert.match(text, /» Ελένη's app: paid 12\.20 €, all of it by Μαρία/)
      // WAL-1.
      assert.include(text, "✓ Σ credits 181.90 − Σ debits 170.10 = Σ balances 11.80 €")
      assert.include(text, "✓ Everything happened as it was to happen.")
      assert.deepStrictEqual(leftBehind, [])
    }),
    testTimeoutMs
  )

  it.effect(
    "plays on a running server as often as one likes, and tells the same story each time",
    Effect.fnUntraced(function* () {
      const { url, apiKey } = yield* TestServer
      const flags = ["--fast", "--url", url, "--api-key", apiKey]
      const first = yield* demo(flags)
      const second = yield* demo(flags)
      assert.strictEqual(first.exitCode, 0, `${first.output}\n${first.errors}`)
      assert.strictEqual(second.exitCode, 0, `${second.output}\n${second.errors}`)
      assert.isAbove(storyOf(first.output).length, 1_000)
      assert.strictEqual(storyOf(second.output), storyOf(first.output))
    }),
    testTimeoutMs
  )

  it.effect(
    "says in one sentence what is wrong with the server it is to play on",
    Effect.fnUntraced(function* () {
      const { url } = yield* TestServer
      const { exitCode, errors } = yield* demo(["--fast", "--url", url, "--api-key", "sk_of_another"])
      assert.strictEqual(exitCode, 1)
      assert.match(errors, /^koinon: [^\n]+: 401, The api_key is not known[^\n]*\n$/)
    }),
    testTimeoutMs
  )
})
