/** The README's first minute, run as printed: its curl calls against a fresh server, with the key and store it prints. */
import * as TestServer from "../support/TestServer.ts"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
const curlBlock = /```sh\n(curl [\s\S]*?)```/.exec(readme)?.[1] ?? ""

describe("the README", () => {
  it("shows four curl calls", () => {
    assert.strictEqual(curlBlock.split(/^curl /m).length - 1, 4)
  })

  layer(TestServer.layer)((it) => {
    it.effect(
      "has curl calls that work as printed, and end with a purchase paid by the shared wallet (SHR-5, SHR-7)",
      () =>
        Effect.gen(function* () {
          const server = yield* TestServer.TestServer
          const script = curlBlock
            .replaceAll("localhost:8080", server.url.replace("http://", ""))
            // Only so that the answers can be told apart.
            .replaceAll(/^curl /gm, "echo; curl ")
          const { stdout } = yield* Effect.promise(() =>
            promisify(execFile)("bash", ["-euc", script], {
              env: { PATH: process.env["PATH"] ?? "", KEY: server.apiKey, STORE: server.storeId }
            })
          )
          const answers = stdout
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line))
          assert.deepStrictEqual(
            answers.map((answer) => answer.error),
            [undefined, undefined, undefined, undefined]
          )
          const purchase = answers[3]
          assert.strictEqual(purchase.state, "POSTED")
          assert.strictEqual(purchase.rewards.spend, 12.5)
          assert.strictEqual(purchase.spend_breakdown[0].wallet_id, answers[0].wallet.id)
          assert.strictEqual(purchase.community.id, answers[0].id)
        })
    )
  })
})
