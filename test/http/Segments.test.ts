/**
 * Segments over HTTP: made, read, previewed, compared and explained; members that come and go as files; joins and leaves
 * over the live door. Another business finds none of it.
 */
import { assert, layer } from "@effect/vitest"
import * as XLSX from "@e965/xlsx"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Zip from "effect/encoding/Zip"
import writeExcelFile from "write-excel-file/node"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import { eventually } from "../support/Eventually.ts"
import { connectAs, follow } from "../support/LiveClient.ts"
import { layer as testServer, type Parsed, start, TestServer } from "../support/TestServer.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const path = "/backoffice/v2/segments"
const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

const named = (value: string) => ({ type: "TEXT", field: "last_name", operator: "IS", value })
const tagged = (value: string) => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [value] })
const setsOf = (...conditions: ReadonlyArray<unknown>) => [{ conditions }]
const live = (name: string, ...conditions: ReadonlyArray<unknown>) => ({
  name,
  sets: setsOf(...conditions),
  refresh: { mode: "LIVE" }
})

const make = Effect.fnUntraced(function* (body: object) {
  const server = yield* TestServer
  const { id } = bodyOf(yield* server.request("POST", path, body), 201)
  return id as string
})

const ready = Effect.fnUntraced(function* (id: string) {
  const server = yield* TestServer
  for (;;) {
    const found = bodyOf(yield* server.request("GET", `${path}/${id}`), 200)
    if (found.membership.state === "READY") return found
    assert.notStrictEqual(found.membership.state, "FAILED", found.membership.failure)
  }
})

const memberIds = Effect.fnUntraced(function* (id: string) {
  const server = yield* TestServer
  const { content } = bodyOf(yield* server.request("GET", `${path}/${id}/members?size=200`), 200)
  return (content as ReadonlyArray<Parsed>).map((member) => member.contact.id as string)
})

const importFile = (id: string, type: string, bytes: Uint8Array | string) =>
  Effect.flatMap(TestServer, (server) =>
    Effect.promise(async () => {
      const response = await fetch(`${server.url}${path}/${id}/import`, {
        method: "POST",
        headers: { api_key: server.apiKey, "content-type": type },
        body: bytes as string
      })
      return { status: response.status, headers: response.headers, body: (await response.json()) as Parsed }
    })
  )

const fetched = Effect.fnUntraced(function* (url: string) {
  const response = yield* Effect.promise(() => fetch(url))
  assert.strictEqual(response.status, 200)
  return yield* Effect.promise(() => response.arrayBuffer())
})

layer(testServer)("segments", (it) => {
  it.effect("SEG-3: a live one is made, computed, and right in the answer to the next question", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const [maria, nikos] = [yield* contact(server, { last_name: "Seferi" }), yield* contact(server)]
      const id = yield* make(live("Seferi", named("seferi")))
      assert.strictEqual((yield* ready(id)).membership.members, 1)
      assert.deepStrictEqual(yield* memberIds(id), [maria.id])
      bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${nikos.id}`, { last_name: "Σεφέρη" }), 200)
      assert.notInclude(yield* memberIds(id), nikos.id)
      bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${nikos.id}`, { last_name: "SEFERI" }), 200)
      const { content } = bodyOf(yield* server.request("GET", `/backoffice/v2/contacts/${nikos.id}/segments`), 200)
      assert.deepInclude(content[0], { id, name: "Seferi", by_rule: true, imported: false })
      const changes = bodyOf(yield* server.request("GET", `${path}/${id}/changes`), 200)
      assert.deepStrictEqual(
        changes.content.map((change: Parsed) => [change.contact.id, change.kind, change.reason, change.position]),
        [
          [maria.id, "JOINED", "DEFINITION", 1],
          [nikos.id, "JOINED", "EVENT", 2]
        ]
      )
      // Instants are epoch seconds here as everywhere.
      for (const { at } of changes.content) assert.isBelow(at, 1e11)
      const why = bodyOf(yield* server.request("GET", `${path}/${id}/contacts/${nikos.code}/explanation`), 200)
      assert.deepInclude(why, { member: true, imported: false, holds: true })
      assert.deepInclude(why.sets[0].conditions[0], { holds: true, actual: "SEFERI" })
      const span = { amount: 1, unit: "DAYS" }
      const fresh = { type: "MEMBER", segment: id, for: { operator: "LESS_THAN", span } }
      const { id: young } = bodyOf(yield* server.request("POST", path, live("Young members", fresh)), 201)
      const whyYoung = () => server.request("GET", `${path}/${young}/contacts/${nikos.code}/explanation`)
      const { sets } = yield* eventually(
        "she is in it",
        Effect.map(whyYoung(), ({ body }) => body.member === true && body)
      )
      const { content: members } = bodyOf(yield* server.request("GET", `${path}/${id}/members`), 200)
      const { since } = members.find((row: Parsed) => row.contact.id === nikos.id)
      assert.deepInclude(sets[0].conditions[0], { expected: fresh, holds: true, actual: since, until: since + 86_400 })
    })
  )

  it.effect("SEG-6: a preview counts exactly, and two definitions are compared, without a trace", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const one = yield* contact(server, { last_name: "Elyti", first_name: "Odysseas" })
      yield* contact(server, { last_name: "Elyti", first_name: "Maria" })
      const before = bodyOf(yield* server.request("GET", path), 200)
      const sets = setsOf(named("Elyti"))
      const found = bodyOf(yield* server.request("POST", `${path}/preview`, { sets, sample_size: 1 }), 200)
      assert.strictEqual(found.count, 2)
      assert.lengthOf(found.sample, 1)
      const first = setsOf(named("Elyti"))
      const second = setsOf({ type: "TEXT", field: "first_name", operator: "IS", value: "Odysseas" })
      const compared = bodyOf(yield* server.request("POST", `${path}/difference`, { first, second }), 200)
      assert.deepStrictEqual([compared.only_first.count, compared.only_second.count, compared.both.count], [1, 0, 1])
      assert.deepStrictEqual(compared.both.sample, [{ id: one.id, name: "Odysseas Elyti" }])
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", path), 200), before)
    })
  )

  it.effect("SEG-1, CF-1: a custom field is compared as a number or a date where it is written as one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const wearing = (value: string, wedding: string) =>
        contact(server, {
          custom_fields: [
            { key: "shoe", value },
            { key: "wedding", value: wedding }
          ]
        })
      const [small, large] = [yield* wearing("9", "2001-05-21"), yield* wearing("44.5", "soon")]
      yield* wearing("forty-five", "21/05/2001")
      const shoe = { type: "COMPARISON", field: "custom_numbers.shoe", operator: "GREATER", value: 38 }
      const id = yield* make(live("Large", shoe))
      yield* ready(id)
      assert.deepStrictEqual(yield* memberIds(id), [large.id])
      const grown = { custom_fields: [{ key: "shoe", value: "39" }] }
      bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${small.id}`, grown), 200)
      assert.sameMembers([...(yield* memberIds(id))], [small.id, large.id])
      const married = setsOf({ type: "ANNIVERSARY", field: "custom_dates.wedding", operator: "IN_MONTH", value: 5 })
      const { sample } = bodyOf(yield* server.request("POST", `${path}/preview`, { sets: married }), 200)
      assert.deepStrictEqual(
        sample.map((each: Parsed) => each.id),
        [small.id]
      )
      const asText = setsOf({ ...shoe, field: "custom_fields.shoe", value: "38" })
      const refused = yield* server.request("POST", `${path}/preview`, { sets: asText })
      assert.deepStrictEqual(pointersOf(refused), ["/sets/0/conditions/0/operator"])
      assert.include(refused.body.detail, "custom_numbers")
    })
  )

  it.effect("what makes no sense is refused with the place named, and nothing is stored", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const unknown = live("No such field", { type: "COMPARISON", field: "shoe", operator: "EQUAL", value: 1 })
      const refused = yield* server.request("POST", path, unknown)
      assert.strictEqual(refused.status, 400)
      assert.strictEqual(refused.body.parameters.pointer, "/sets/0/conditions/0/field")
      const preview = yield* server.request("POST", `${path}/preview`, { sets: unknown.sets })
      assert.deepStrictEqual(pointersOf(preview), ["/sets/0/conditions/0/field"])
      const future = { sets: setsOf(tagged("x")), at: 4_000_000_000 }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", `${path}/preview`, future)), ["/at"])
      const cron = { ...live("Bad cron", tagged("x")), refresh: { mode: "SCHEDULED", cron: "99 * * * *" } }
      assert.strictEqual((yield* server.request("POST", path, cron)).body.parameters.pointer, "/refresh/cron")
      const bad = { ...live("Odd", tagged("x")), colour: "blue" }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", path, bad)), ["/colour"])
      const a = yield* make(live("A of a ring", tagged("ring")))
      const b = yield* make(live("B of a ring", { type: "MEMBER", segment: a }))
      const ring = yield* server.request("PUT", `${path}/${a}`, live("A of a ring", { type: "MEMBER", segment: b }))
      assert.strictEqual(ring.status, 400)
      assert.strictEqual((yield* server.request("DELETE", `${path}/${a}`)).status, 409)
      bodyOf(yield* server.request("DELETE", `${path}/${b}`), 204)
      bodyOf(yield* server.request("DELETE", `${path}/${a}`), 204)
      assert.strictEqual((yield* server.request("GET", `${path}/${a}`)).status, 404)
    })
  )

  it.effect("SEG-6: members come in by file, are marked so, and stay until they are removed", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const people = [yield* contact(server), yield* contact(server), yield* contact(server), yield* contact(server)]
      const [byCode, byMail, byPhone, byId] = people as [Parsed, Parsed, Parsed, Parsed]
      const id = yield* make({ name: "By hand", sets: setsOf(tagged("nobody has this")), refresh: { mode: "NEVER" } })
      yield* ready(id)
      const csv = [
        "Code,E-mail,Phone,Contact ID",
        `${byCode.code},,,`,
        `,${byMail.email.toUpperCase()},,`,
        `,,${byPhone.phone},`,
        `,,,${byId.id}`,
        `,nobody@example.com,,`,
        `,,,`,
        `${byCode.code},,,`
      ].join("\r\n")
      const answer = bodyOf(yield* importFile(id, "text/csv", csv), 200)
      assert.deepInclude(answer, { added: 4, already_imported: 1, not_found: 1, ambiguous: 0 })
      assert.deepInclude(answer.rows[4], { row: 6, verdict: "NOT_FOUND" })
      assert.sameMembers(
        [...(yield* memberIds(id))],
        people.map((each) => each.id)
      )
      const book = [["email"], [byMail.email], ["nobody@example.com"]]
      const bytes = yield* Effect.promise(() => writeExcelFile(book).toBuffer())
      const again = bodyOf(yield* importFile(id, xlsxType, bytes), 200)
      assert.deepInclude(again, { added: 0, already_imported: 1, not_found: 1 })
      bodyOf(yield* server.request("DELETE", `${path}/${id}/members/${byCode.id}`), 204)
      assert.notInclude(yield* memberIds(id), byCode.id)
      assert.strictEqual((yield* server.request("DELETE", `${path}/${id}/members/${byCode.id}`)).status, 404)
    })
  )

  it.effect(
    "the list of members goes out as CSV and as a workbook that another program reads, and calculates nothing",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const evil = yield* contact(server, { first_name: "=cmd|' /C calc'!A0", last_name: "Ritsou" })
        const id = yield* make(live("Ritsou", named("Ritsou")))
        yield* ready(id)
        for (const format of ["CSV", "XLSX"]) {
          const { url } = bodyOf(yield* server.request("POST", `${path}/${id}/export`, { format }), 200)
          const bytes = yield* fetched(`${server.url}${url}`)
          const book = XLSX.read(new Uint8Array(bytes), { type: "array", raw: true })
          const sheet = book.Sheets[book.SheetNames[0] ?? ""]
          const [row] = XLSX.utils.sheet_to_json<Parsed>(sheet as XLSX.WorkSheet)
          assert.strictEqual(row.id, evil.id, format)
          // In a file of text it is marked; a workbook has cells of text, of which none holds a formula.
          const mark = format === "CSV" ? "'" : ""
          assert.isTrue(row.name.startsWith(`${mark}=`), format)
          assert.isTrue(row.phone.startsWith(`${mark}+357`), format)
          const cells = Object.values(sheet ?? {}).filter((cell) => typeof cell === "object" && cell !== null)
          assert.isFalse(cells.some((cell) => "f" in cell))
          const altered = `${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`
          const refused = yield* server.request("GET", altered, undefined, { api_key: undefined })
          assert.strictEqual(refused.status, 404)
          // What went out comes in again.
          const hand = yield* make({ name: `Again ${format}`, sets: setsOf(tagged("z")), refresh: { mode: "NEVER" } })
          yield* ready(hand)
          const type = format === "CSV" ? "text/csv" : xlsxType
          assert.deepInclude(bodyOf(yield* importFile(hand, type, new Uint8Array(bytes)), 200), { added: 1 })
        }
      })
  )

  it.effect("a file that is too large, none, or inflates without end is refused, and nobody joins", () =>
    Effect.gen(function* () {
      const id = yield* make({ name: "Bounded", sets: setsOf(tagged("y")), refresh: { mode: "NEVER" } })
      yield* ready(id)
      assert.strictEqual((yield* importFile(id, "text/csv", "x".repeat(10 * 1024 * 1024 + 1))).status, 413)
      assert.strictEqual((yield* importFile(id, "application/pdf", "%PDF")).status, 415)
      assert.strictEqual((yield* importFile(id, xlsxType, "no zip at all")).status, 400)
      assert.strictEqual((yield* importFile(id, "text/csv", "colour\nblue\n")).status, 400)
      const bomb = yield* bombOf(200)
      assert.isBelow(bomb.length, 1024 * 1024)
      const before = process.memoryUsage().rss
      const inflated = yield* importFile(id, xlsxType, bomb)
      assert.strictEqual(inflated.status, 400)
      assert.include(inflated.body.detail, "too large")
      assert.isBelow(process.memoryUsage().rss - before, 600 * 1024 * 1024)
      const far = yield* Effect.promise(() => writeExcelFile([["email"], ["a@example.com"]]).toBuffer())
      assert.strictEqual((yield* importFile(id, xlsxType, far)).status, 200)
      assert.deepStrictEqual(yield* memberIds(id), [])
    })
  )

  it.effect("SEG-6: an export that nobody can be told of is refused, to be asked again", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const server = yield* start({ DATABASE_URL: Redacted.value(url) })
      const connection = yield* PgConnection.make({ url })
      const query = (text: string) => Effect.orDie(connection.query(text))
      const { id } = bodyOf(yield* server.request("POST", path, live("Untold", tagged("untold"))), 201)
      const asked = () =>
        server.request("POST", `${path}/${id}/export`, { format: "CSV", recipients: ["owner@shop.example"] })
      yield* query("ALTER TABLE outbox_task ADD CONSTRAINT full_up CHECK (lane IS NULL) NOT VALID")
      assert.strictEqual(bodyOf(yield* asked(), 503).error, "KOINON.VIEW_UNAVAILABLE")
      yield* query("ALTER TABLE outbox_task DROP CONSTRAINT full_up")
      bodyOf(yield* asked(), 200)
    })
  )

  it.effect("joins and leaves are told over the live door, and who comes back is told what it missed", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const eleni = yield* contact(server)
      const id = yield* make(live("Told", named("Kavafi")))
      yield* ready(id)
      const rename = (name: string) => server.request("PUT", `/backoffice/v2/contacts/${eleni.id}`, { last_name: name })
      const app = yield* connectAs(server.url, { api_key: server.apiKey })
      const position = yield* follow(app, `segment/${id}`)
      yield* rename("Kavafi")
      yield* app.until(() => app.events().length === 1)
      yield* rename("Other")
      yield* app.until(() => app.events().length === 2)
      const told = app.events().map(({ event }: Parsed) => [event.type, event.contact_id, event.because])
      assert.deepStrictEqual(told, [
        ["segment.joined", eleni.id, "ContactUpdated"],
        ["segment.left", eleni.id, "ContactUpdated"]
      ])
      const later = yield* connectAs(server.url, { api_key: server.apiKey })
      yield* follow(later, `segment/${id}`, position)
      yield* later.until(() => later.events().length === 2)
      assert.deepStrictEqual(later.events(), app.events())
    })
  )

  it.effect("who asks for what is no longer kept of joins and leaves is told so", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const server = yield* start({ DATABASE_URL: Redacted.value(url) })
      const connection = yield* PgConnection.make({ url })
      const { id } = bodyOf(yield* server.request("POST", path, live("Long ago", tagged("long ago"))), 201)
      const changes = (after: string) => server.request("GET", `${path}/${id}/changes${after}`)
      bodyOf(yield* changes(""), 200)
      // Whoever still computes it writes where it stands, too.
      yield* eventually(
        "it is computed",
        Effect.map(server.request("GET", `${path}/${id}`), ({ body }) => body.membership.state === "READY")
      )
      yield* Effect.orDie(
        connection.query(
          `UPDATE segment_state SET position = 9, pruned_to = 5, pruned_before = 1700000000000 WHERE segment = '${id}'`
        )
      )
      assert.deepStrictEqual(pointersOf(yield* changes("?after=4")), ["after"])
      bodyOf(yield* changes("?after=5"), 200)
      bodyOf(yield* changes(""), 200)
      const sets = setsOf({ type: "MEMBER", segment: id })
      const preview = (at: number) => server.request("POST", `${path}/preview`, { sets, at })
      assert.deepStrictEqual(pointersOf(yield* preview(1_699_999_999)), ["/at"])
      bodyOf(yield* preview(1_700_000_000), 200)
    })
  )
})

const megabyte = new Uint8Array(1024 * 1024).fill(0x20)

/** A workbook whose one sheet is spaces: small as it is sent, and large once it is unpacked. */
const bombOf = Effect.fnUntraced(function* (megabytes: number) {
  const body = Stream.fromIterable(Array.from({ length: megabytes }, () => megabyte))
  const packed = yield* Stream.make(Zip.fileStream("xl/worksheets/sheet1.xml", body)).pipe(
    Stream.pipeThroughChannel(Zip.encode()),
    Stream.runCollect
  )
  return Buffer.concat(packed)
})
