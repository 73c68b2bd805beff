/**
 * A view that is read again while the server serves: commands go on, no segment loses or gains anybody, whoever needs the
 * view is answered rightly or told to come again, every runner does its part, and it is for the service owner alone.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { refused } from "../support/Refused.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, type Parsed, TestServer } from "../support/TestServer.ts"
import { twoRunners } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const segments = "/backoffice/v2/segments"
const rebuildOf = (view: string): string => `/backoffice/v2/status/views/${view}/rebuild`
const store = rebuildOf("segment_store")
const people = 40
/** Rebuilds in a row, so that what is asked meanwhile meets one. */
const rounds = 4

const named = (value: string) => [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value }] }]

const ready = (server: Server, id: string) =>
  eventually(
    "it is computed",
    Effect.map(server.request("GET", `${segments}/${id}`), (response) => {
      const { membership } = bodyOf(response, 200)
      return membership.state === "READY" && membership
    })
  )

const segmentOf = Effect.fnUntraced(function* (server: Server, lastName: string, mode: "LIVE" | "ON_DEMAND") {
  const body = { name: `${lastName} ${mode}`, sets: named(lastName), refresh: { mode } }
  return bodyOf(yield* server.request("POST", segments, body), 201).id as string
})

const rebuildIn = (body: Parsed): Parsed =>
  body.projections.find(({ name }: { readonly name: string }) => name === "segment_store").rebuild

const done = (server: Server, number: number) =>
  eventually(
    "it is rebuilt",
    Effect.map(server.request("GET", "/backoffice/v2/status"), (response) => {
      const rebuild = response.status === 200 ? rebuildIn(response.body) : undefined
      return rebuild?.number === number && rebuild.state === "DONE" && rebuild
    })
  )

const previewed = (server: Server, lastName: string) =>
  server.request("POST", `${segments}/preview`, { sets: named(lastName) })

/** Asked until there is an answer; told to come again, it says so as a problem. */
const membersSeen = (server: Server, segment: string) =>
  eventually(
    "its members are told",
    Effect.map(server.request("GET", `${segments}/${segment}/members?size=1&include_total=true`), (response) => {
      if (response.status !== 503) return bodyOf(response, 200).paging.total as number
      assert.strictEqual(response.body.error, "KOINON.VIEW_UNAVAILABLE")
      assert.isNotNull(response.headers.get("retry-after"))
      return undefined
    })
  )

const run = (cwd: string, ...words: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly output: string; readonly fault: string }>((resume) => {
    execFile(
      process.execPath,
      [program, "rebuild", ...words],
      { cwd, env: { PATH: process.env["PATH"] } },
      (error, output, fault) => resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), output, fault }))
    )
  })

layer(testServer)("a segment store that is rebuilt while the server serves", (it) => {
  it.effect(
    "SEG-3, SEG-4 loses and gains nobody for previews, refreshes and live segments, while commands commit",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      for (let nth = 0; nth < people; nth++) yield* Shop.person(server, { last_name: "Seferi" })
      const live = yield* segmentOf(server, "Seferi", "LIVE")
      const asked = yield* segmentOf(server, "Seferi", "ON_DEMAND")
      yield* ready(server, live)
      bodyOf(yield* server.request("POST", `${segments}/${asked}/refresh`), 200)
      yield* eventually(
        "it is refreshed",
        Effect.map(membersSeen(server, asked), (members) => members === people)
      )
      const seen = { registered: people, isOver: false }
      const commands = Effect.gen(function* () {
        while (!seen.isOver) {
          yield* Shop.person(server, { last_name: "Seferi" })
          seen.registered += 1
        }
      })
      const looks = Effect.gen(function* () {
        while (!seen.isOver) {
          const least = seen.registered
          const preview = yield* previewed(server, "Seferi")
          if (preview.status !== 503) assert.isAtLeast(bodyOf(preview, 200).count, least)
          else assert.strictEqual(preview.body.error, "KOINON.VIEW_UNAVAILABLE")
          assert.isAtLeast(yield* membersSeen(server, live), least)
          yield* server.request("POST", `${segments}/${asked}/refresh`)
          assert.isAtLeast(yield* membersSeen(server, asked), people)
        }
      })
      const busy = yield* Effect.forkChild(Effect.all([commands, looks], { concurrency: 2 }))
      for (let round = 0; round < rounds; round++) {
        const { number, view } = bodyOf(yield* server.request("POST", store), 200)
        assert.strictEqual(view, "segment_store")
        const rebuild = yield* done(server, number)
        assert.deepStrictEqual(
          rebuild.runners.map(({ id, done: isDone }: Parsed) => ({ id, isDone })),
          [{ id: server.actors.runner, isDone: true }]
        )
      }
      seen.isOver = true
      yield* Fiber.join(busy)
      assert.strictEqual(bodyOf(yield* previewed(server, "Seferi"), 200).count, seen.registered)
      assert.strictEqual(yield* membersSeen(server, live), seen.registered)
    }),
    120_000
  )

  it.effect(
    "is asked for by the service owner alone, for a view that there is, and with what else is to be done about others",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const { secretKey } = yield* Shop.otherBusiness(server)
      const stranger = yield* server.request("POST", store, undefined, { api_key: secretKey })
      assert.strictEqual(stranger.status, 403)
      yield* refused("unknown", server.request("POST", rebuildOf("no_such_view")), {
        status: 404,
        names: "segment_store"
      })
      yield* refused("not live", server.request("POST", rebuildOf("contact_directory")), {
        status: 409,
        names: "koinon rebuild contact_directory"
      })
    })
  )

  it.effect(
    "the verb asks the server that runs, waits for the end, tells it to programs, and says what the server refused",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const cwd = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-rebuild-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
      )
      const at = ["--url", server.url, "--api-key", server.apiKey]
      const { code, output, fault } = yield* run(cwd, "segment_store", ...at, "--json")
      assert.strictEqual(code, 0, fault)
      assert.deepStrictEqual(JSON.parse(output), { view: "segment_store", rebuilt: true, while_serving: true })
      assert.include(fault, "segment_store: ")
      const other = yield* run(cwd, "contact_directory", ...at)
      assert.strictEqual(other.code, 1)
      assert.include(other.fault + other.output, "Stop it and run koinon rebuild contact_directory")
      const stranger = yield* run(cwd, "segment_store", "--url", server.url, "--api-key", `sk_${"x".repeat(43)}`)
      assert.strictEqual(stranger.code, 1)
      assert.include(stranger.fault + stranger.output, "--api-key")
    }, Effect.scoped),
    60_000
  )
})

describe("two runners, of which one is asked for a rebuild", () => {
  it.live(
    "each does it, whoever is asked tells of both, and each answers rightly",
    Effect.fnUntraced(function* () {
      const { first, second } = yield* twoRunners()
      for (let nth = 0; nth < people; nth++) yield* Shop.person(nth % 2 === 0 ? first : second, { last_name: "Ritsou" })
      const { number } = bodyOf(yield* first.request("POST", store), 200)
      const again = bodyOf(yield* second.request("POST", store), 200)
      // Under way still it is the same one; it may have ended, and then it is the next.
      assert.include([number, number + 1], again.number)
      const rebuild = yield* done(second, again.number)
      assert.sameMembers(
        rebuild.runners.map(({ id }: Parsed) => id),
        [first.actors.runner, second.actors.runner]
      )
      for (const server of [first, second]) {
        const counted = yield* eventually(
          "it is previewed",
          Effect.map(previewed(server, "Ritsou"), (response) => response.status === 200 && response.body.count)
        )
        assert.strictEqual(counted, people)
      }
    }, Effect.scoped),
    120_000
  )
})
