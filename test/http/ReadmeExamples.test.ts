/**
 * The examples of the HTTP doors' README, run as printed: definitions, a socket that follows purchases, and a purchase after
 * which the segment, the webhook, the automation and the mail are as the text says.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { eventually } from "../support/Eventually.ts"
import { ok, receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import { start } from "../support/TestServer.ts"

const readme = readFileSync(new URL("../../src-http/README.md", import.meta.url), "utf8")
const examples = /## Examples[\s\S]*?(?=\n## )/.exec(readme)?.[0] ?? ""
const [definitions = "", socket = "", purchase = "", ...more] = [...examples.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, block]) => block
)
const scriptMaxMs = 120_000

/** One shell: the socket is opened in the background, and what follows waits until it follows. */
const script = `
${definitions}
heard=$(mktemp)
${socket.trimEnd()} > "$heard" & live=$!
trap 'kill $live; rm -f "$heard"' EXIT
until grep -q subscribed "$heard"; do sleep 0.1; done
${purchase}
until grep -q purchase.posted "$heard"; do sleep 0.1; done
cat "$heard"
`

describe("the examples of the HTTP doors", () => {
  it("are three blocks", () => {
    assert.isTrue([definitions, socket, purchase].every((block) => block.length > 100))
    assert.deepStrictEqual(more, [])
  })

  it.live(
    "work as printed, and what follows a purchase is as they say",
    () =>
      Effect.gen(function* () {
        const server = yield* start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.1" })
        const hook = yield* receiver(ok)
        const host = server.url.replace("http://", "")
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)("bash", ["--norc", "-euc", script.replaceAll("localhost:8080", host)], {
            env: { PATH: process.env["PATH"] ?? "", KEY: server.apiKey, STORE: server.storeId, HOOK: hook.url },
            timeout: scriptMaxMs
          })
        )
        const answers = stdout
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line))
        assert.deepStrictEqual(
          answers.filter((answer) => answer.error !== undefined || answer.type === "error"),
          []
        )
        const [test, preview, recent, automation, dryRun, anna, bought, explanation, exported, plan] = answers
        assert.isString(test.delivery_id)
        assert.deepStrictEqual([preview.count, recent.count], [0, 0])
        assert.deepStrictEqual(automation.warnings, [])
        assert.strictEqual(dryRun.result.considered, 0)
        assert.strictEqual(bought.state, "POSTED")
        assert.isTrue(explanation.member)
        assert.match(exported.url, /^\/downloads\/segments\//)
        assert.strictEqual(plan.recipients, 1, JSON.stringify(plan))
        const told = answers.find(({ event }) => event?.type === "purchase.posted")
        assert.deepInclude(told.event, { purchase_id: bought.id, contact_id: anna.id, total: 60 })
        yield* eventually(
          "the webhook is called for the test, the purchase and the join",
          Effect.sync(() => hook.kept().length === 3)
        )
        assert.sameMembers(
          hook.kept().map(({ body }) => body.type),
          ["endpoint.test", "purchase.posted", "segment.joined"]
        )
        // AUT-11: the cause has its number before the effect.
        const hers = hook.kept().filter(({ body }) => body.contact_id === anna.id)
        assert.strictEqual(hers.find(({ body }) => body.sequence === 1)?.body.type, "purchase.posted")
        assert.strictEqual(hers.find(({ body }) => body.sequence === 2)?.body.type, "segment.joined")
        const sent = yield* eventually(
          "the mail is in the outbox page",
          Effect.map(Shop.made(server.request("GET", "/backoffice/v2/deliveries")), ({ content }) =>
            content.find((one: { readonly state: string }) => one.state === "COMPLETED")
          )
        )
        assert.deepInclude(sent, { channel: "EMAIL", gateway: "OUTBOX" })
        // Run again, it says which one is there already.
        const twin = { name: "Mine", url: hook.url, events: "*" }
        const refused = yield* server.request("POST", "/backoffice/v2/webhooks", twin)
        assert.strictEqual(refused.status, 409)
        assert.match(refused.body.detail, /^There is an endpoint of this name already: [0-9a-f-]{36}\.$/)
      }).pipe(Effect.scoped),
    2 * scriptMaxMs
  )

  it.live("lead on from a first mistake: what is refused says what would do", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const post = (path: string, body: object) => server.request("POST", `/backoffice/v2/${path}`, body)
      const faultsOf = (body: { readonly faults: ReadonlyArray<{ readonly pointer: string }> }) =>
        body.faults.map(({ pointer }) => pointer)
      for (const url of ["http://127.0.0.1:9000/", "https://10.0.0.1/", "https://hooks.internal/"]) {
        const { status, body } = yield* post("webhooks", { name: "Mine", url, events: "*" })
        assert.strictEqual(status, 400)
        assert.include(body.detail, "KOINON_WEBHOOK_ALLOWED", url)
      }
      const id = randomUUID()
      const plan = (schedule: object) => post("plans", { name: "News", template_id: id, segment_ids: [id], schedule })
      assert.deepStrictEqual(faultsOf((yield* plan({ type: "ONCE" })).body), ["/schedule/at"])
      assert.deepStrictEqual(faultsOf((yield* plan({ type: "DAILY", time: "10:00" })).body), ["/schedule/time_zone"])
      assert.deepStrictEqual(faultsOf((yield* plan({ type: "NAME_DAY" })).body), ["/schedule/time"])
    }).pipe(Effect.scoped)
  )
})
