/**
 * What strangers bring to the doors of segments: files as spreadsheets of other countries write them, instants beyond the
 * calendar, definitions as large as they may be, rings that are closed by two at once, addresses that are several.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import { layer as testServer, type Parsed, TestServer } from "../support/TestServer.ts"

const path = "/backoffice/v2/segments"
const nobody = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: "nobody" }] }]
const memberOf = (segment: string) => [{ conditions: [{ type: "MEMBER", segment }] }]

const make = Effect.fnUntraced(function* (name: string, sets: unknown = nobody, mode = "ON_DEMAND") {
  const server = yield* TestServer
  const { id } = bodyOf(yield* server.request("POST", path, { name, sets, refresh: { mode } }), 201)
  return id as string
})
const replace = (id: string, name: string, sets: unknown) =>
  Effect.flatMap(TestServer, (server) =>
    server.request("PUT", `${path}/${id}`, { name, sets, refresh: { mode: "ON_DEMAND" } })
  )

const importFile = (id: string, body: string | Uint8Array) =>
  Effect.flatMap(TestServer, (server) =>
    Effect.promise(async () => {
      const headers = { api_key: server.apiKey, "content-type": "text/csv" }
      const response = await fetch(`${server.url}${path}/${id}/import`, {
        method: "POST",
        headers,
        body: body as string
      })
      return { status: response.status, headers: response.headers, body: (await response.json()) as Parsed }
    })
  )

layer(testServer)("the doors of segments", (it) => {
  it.effect("SEG-6: a list is read as a spreadsheet writes it, whatever its country", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { email, phone } = yield* contact(server)
      const id = yield* make("Files", nobody, "NEVER")
      const national = `${phone.slice(0, 2)} ${phone.slice(2)}`
      const files: Readonly<Record<string, string>> = {
        "Excel in Greece": `\uFEFFΌνομα;Email;Τηλέφωνο\r\nΜαρία;${email};\r\n`,
        "a comma in a name": `Όνομα (πρώτο, δεύτερο);Email\r\nΜαρία;${email}\r\n`,
        "a comma in a quoted name": `"Name, first";Email\r\nMaria;${email}\r\n`,
        "the separator said": `sep=;\r\nEmail;Note\r\n${email};"a;b"\r\n`,
        tabs: `Email\tNote\r\n${email}\tx\r\n`,
        "old line ends": `email,note\r${email},x\r`,
        "two columns of mails": `email,e-mail\r\n,${email}\r\n`,
        "a phone as people write it": `Name,Phone\r\nMaria,${national}\r\n`
      }
      for (const [what, file] of Object.entries(files)) {
        const { rows } = bodyOf(yield* importFile(id, file), 200)
        assert.lengthOf(rows, 1, what)
        assert.match(rows[0].verdict, /ADDED|ALREADY_IMPORTED/, what)
        assert.strictEqual(rows[0].row, what === "the separator said" ? 3 : 2)
      }
      const twice = bodyOf(yield* importFile(id, `email\n${email}\n${email}\nno@one.cy\n`), 200)
      assert.deepInclude(twice, { added: 0, already_imported: 2, not_found: 1 })
    })
  )

  it.effect("SEG-6: a file in another encoding is refused, which is said, and nobody joins", () =>
    Effect.gen(function* () {
      const id = yield* make("Encodings", nobody, "NEVER")
      // Windows-1253, and what is saved as "Unicode text".
      for (const bytes of [Uint8Array.of(0xcc, 0xe1, 0xf1, 0x0a), Buffer.from("\uFEFFemail\r\na@b.cy", "utf16le")]) {
        const refused = bodyOf(yield* importFile(id, bytes), 400)
        assert.include(refused.detail, "CSV UTF-8")
      }
      assert.strictEqual((yield* importFile(id, "x".repeat(10 * 1024 * 1024))).status, 400)
    })
  )

  it.effect("SEG-1: an instant that no calendar has is refused with its place", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const at = { type: "DATE", field: "demographics.date_of_birth", operator: "BEFORE", at: 9e15 }
      const refused = yield* server.request("POST", `${path}/preview`, { sets: [{ conditions: [at] }] })
      assert.deepStrictEqual(pointersOf(refused), ["/sets/0/conditions/0/at"])
      const saved = { name: "Far", sets: [{ conditions: [at] }], refresh: { mode: "LIVE" } }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", path, saved)), ["/sets/0/conditions/0/at"])
    })
  )

  it.effect("SEG-6: a definition as large as it may be is counted all the same", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const known = yield* contact(server)
      const where = Array.from({ length: 10 }, () => ({ type: "ANNIVERSARY", field: "at", operator: "TODAY" }))
      const none = { type: "COUNT", event: "PurchasePaid", where, operator: "EQUAL", value: 0 }
      const sets = Array.from({ length: 20 }, () => ({ conditions: Array.from({ length: 30 }, () => none) }))
      const found = bodyOf(yield* server.request("POST", `${path}/preview`, { sets, sample_size: 100 }), 200)
      assert.include(
        found.sample.map((each: Parsed) => each.id),
        known.id
      )
    })
  )

  it.effect("SEG-5: a ring over several is refused with its place, also when two close it at once", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const first = yield* make("First of three")
      const second = yield* make("Second of three", memberOf(first))
      const third = yield* make("Third of three", memberOf(second))
      const ring = bodyOf(yield* replace(first, "First of three", [...nobody, ...memberOf(third)]), 400)
      assert.strictEqual(ring.parameters.pointer, "/sets/1/conditions/0")
      const [left, right] = [yield* make("Left"), yield* make("Right")]
      const both = yield* Effect.all(
        [replace(left, "Left", memberOf(right)), replace(right, "Right", memberOf(left))],
        {
          concurrency: 2
        }
      )
      assert.sameMembers(
        both.map(({ status }) => status),
        [200, 400]
      )
      const used = yield* server.request("DELETE", `${path}/${first}`)
      assert.include(bodyOf(used, 409).detail, "Second of three")
    })
  )

  it.effect("SEG-6: an export goes to addresses alone, and is gone with its segment", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const id = yield* make("Addressed")
      const asked = (recipient: string) =>
        server.request("POST", `${path}/${id}/export`, { format: "CSV", recipients: [recipient] })
      for (const recipient of ["nobody", "a@b.cy, c@d.cy", "a@b.cy\r\nBcc: c@d.cy", "Maria <a@b.cy>"]) {
        assert.deepStrictEqual(pointersOf(yield* asked(recipient)), ["/recipients/0"], recipient)
      }
      const list = { recipients: ["nobody"], format: "CSV" }
      const body = { name: "Told", sets: nobody, refresh: { mode: "LIVE" }, export: list }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", path, body)), ["/export/recipients/0"])
      const { url } = bodyOf(yield* asked("owner@shop.example"), 200)
      const status = (at: string) =>
        Effect.map(
          Effect.promise(() => fetch(`${server.url}${at}`)),
          (each) => each.status
        )
      assert.strictEqual(yield* status(url), 200)
      bodyOf(yield* server.request("DELETE", `${path}/${id}`), 204)
      assert.strictEqual(yield* status(url), 404)
      assert.strictEqual((yield* importFile(id, "email\na@b.cy\n")).status, 404)
    })
  )
})
