/**
 * Lists of members that are longer than a workbook may be (SEG-6): as CSV they are complete, as a workbook they are refused
 * with the bound, before anything is made and before anybody is told of it. Nothing is ever cut off in silence.
 */
import { assert, describe, it } from "@effect/vitest"
import * as XLSX from "@e965/xlsx"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import { exportPath } from "#runtime/segment/ExportLink.ts"
import { workbookRowsMax } from "#runtime/segment/MemberSheet.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { eventually } from "../support/Eventually.ts"
import { outboxReader } from "../support/OutboxPage.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { masterSecret, start } from "../support/TestServer.ts"

const path = "/backoffice/v2/segments"
const many = 60_000
const testMaxMs = 300_000

/** A segment in which is nobody but who was imported: as many as one likes. */
const large = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const server = yield* start({ DATABASE_URL: Redacted.value(url), KOINON_MASTER_SECRET: masterSecret })
  const connection = yield* PgConnection.make({ url })
  const query = (text: string) => Effect.orDie(connection.query(text))
  const sets = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: "nobody" }] }]
  const told = { format: "XLSX", recipients: ["owner@shop.example"] }
  const body = { name: "All", sets, refresh: { mode: "ON_DEMAND" }, export: told }
  const { id } = yield* Shop.made(server.request("POST", path, body))
  const members = Effect.fnUntraced(function* (count: number) {
    yield* query("DELETE FROM segment_member")
    yield* query(
      `INSERT INTO segment_member SELECT '${server.businessId}', gen_random_uuid(), '${id}', false, true, 0 ` +
        `FROM generate_series(1, ${count})`
    )
  })
  const asked = (body: object) => server.request("POST", `${path}/${id}/export`, body)
  const refresh = server.request("POST", `${path}/${id}/refresh`)
  return { server, id, members, asked, refresh }
})

const fetched = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    return { status: response.status, type: response.headers.get("content-type"), bytes: await response.arrayBuffer() }
  })

describe("a list of members", () => {
  it.live("is behind its link until that expires, and then the link says so (SEG-6)", () =>
    Effect.gen(function* () {
      const { server, id } = yield* large
      const sealer = yield* Effect.provide(Sealer.Sealer, Sealer.layer(Redacted.make(masterSecret)))
      const follow = (expiresAt: number) => {
        const ticket = { business: server.businessId, segment: id, format: "CSV" as const, expiresAt }
        return fetched(`${server.url}${exportPath(sealer, ticket)}`)
      }
      const now = yield* Clock.currentTimeMillis
      assert.strictEqual((yield* follow(now + 60_000)).status, 200)
      const late = yield* follow(now - 1)
      assert.deepInclude(late, { status: 410, type: "application/problem+json" })
      assert.include(new TextDecoder().decode(late.bytes), "KOINON.LINK_EXPIRED")
    }).pipe(Effect.scoped)
  )

  it.live(
    "is complete as CSV however long it is, and no workbook beyond its bound, which is said (SEG-6)",
    () =>
      Effect.gen(function* () {
        const { server, asked, members } = yield* large
        yield* members(workbookRowsMax)
        const { url: early } = yield* Shop.made(asked({ format: "XLSX" }))
        yield* members(many)
        const { url } = yield* Shop.made(asked({ format: "CSV" }))
        const { status, bytes } = yield* fetched(`${server.url}${url}`)
        assert.strictEqual(status, 200)
        const lines = new TextDecoder().decode(bytes).trimEnd().split("\r\n")
        assert.lengthOf(lines, many + 1)
        assert.lengthOf(new Set(lines.map((line) => line.split(",")[0])), many + 1)

        const refused = yield* asked({ format: "XLSX" })
        assert.strictEqual(refused.status, 409)
        assert.strictEqual(refused.headers.get("content-type"), "application/problem+json")
        assert.strictEqual(refused.body.error, "KOINON.LIST_TOO_LONG")
        assert.match(refused.body.detail, /at most 50000 members.* CSV/)
        const told = yield* asked({ format: "XLSX", recipients: ["owner@shop.example"] })
        assert.strictEqual(told.status, 409)
        // It was given out when there were fewer.
        const late = yield* fetched(`${server.url}${early}`)
        assert.deepInclude(late, { status: 409, type: "application/problem+json" })
      }).pipe(Effect.scoped),
    testMaxMs
  )

  it.live(
    "is a complete workbook up to its bound (SEG-6)",
    () =>
      Effect.gen(function* () {
        const { server, asked, members } = yield* large
        yield* members(workbookRowsMax)
        const { url } = yield* Shop.made(asked({ format: "XLSX" }))
        const { status, bytes } = yield* fetched(`${server.url}${url}`)
        assert.strictEqual(status, 200)
        const book = XLSX.read(new Uint8Array(bytes), { type: "array", dense: true })
        const sheet = book.Sheets[book.SheetNames[0] ?? ""]
        assert.strictEqual(sheet?.["!ref"], `A1:G${workbookRowsMax + 1}`)
      }).pipe(Effect.scoped),
    testMaxMs
  )

  it.live(
    "that is told of by itself and is too long for a workbook is told of as CSV, which is said (SEG-6)",
    () =>
      Effect.gen(function* () {
        const { server, members, refresh } = yield* large
        yield* members(many)
        assert.isBelow((yield* refresh).status, 300)
        const page = yield* outboxReader(server)
        const message = yield* eventually(
          "the mail is on the outbox page",
          Effect.map(page("/console/outbox"), (text) => /\/console\/outbox\/[0-9a-f-]{36}/.exec(text)?.[0])
        )
        const text = yield* page(message)
        assert.include(text, "All (CSV)")
        assert.include(text, "as CSV, for a workbook holds at most 50000 of them")
        const link = /http:\/\/[^/]+\/downloads\/segments\/[^\s<]+/.exec(text)?.[0] ?? ""
        const { bytes } = yield* fetched(link)
        assert.lengthOf(new TextDecoder().decode(bytes).trimEnd().split("\r\n"), many + 1)
      }).pipe(Effect.scoped),
    testMaxMs
  )
})
