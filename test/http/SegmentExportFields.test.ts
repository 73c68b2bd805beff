/**
 * An export names the fields of the catalogue that it is made of (SEG-6): profile, custom fields, tags, wallet and
 * communities, on demand and in what recipients are sent by themselves. What is not in the catalogue is refused with its
 * place, and a link whose fields were altered is none.
 */
import { assert, layer } from "@effect/vitest"
import * as XLSX from "@e965/xlsx"
import { dayOf } from "#domain/shared/CivilDate.ts"
import * as Effect from "effect/Effect"
import { bodyOf } from "../support/HttpContacts.ts"
import { eventually } from "../support/Eventually.ts"
import { outboxReader } from "../support/OutboxPage.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

/** Days from where a workbook begins to count to where the calendar here does. */
const workbookEpoch = 25_569
const path = "/backoffice/v2/segments"
const fields = [
  "id",
  "last_name",
  "demographics.date_of_birth",
  "demographics.name_day",
  "custom_fields.shoe size",
  "custom_fields.μότο",
  "wallet.balance",
  "email_opt_out",
  "registered_at",
  "communities.state",
  "wallet.lots",
  "company_name"
]

const fetched = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) }
  })

const rowOf = (bytes: Uint8Array, options: XLSX.ParsingOptions) => {
  const book = XLSX.read(bytes, { type: "array", ...options })
  const sheet = book.Sheets[book.SheetNames[0] ?? ""] as XLSX.WorkSheet
  const [header, ...rows] = XLSX.utils.sheet_to_json<ReadonlyArray<unknown>>(sheet, { header: 1, defval: "" })
  assert.deepStrictEqual(header, fields)
  assert.lengthOf(rows, 1)
  return Object.fromEntries(fields.map((field, index) => [field, rows[0]?.[index]]))
}

const rich = Effect.fnUntraced(function* (lastName: string) {
  const server = yield* TestServer
  const owner = yield* Shop.person(server)
  const member = yield* Shop.person(server, {
    last_name: lastName,
    demographics: { date_of_birth: { year: 1984, month: 2, day: 29 }, name_day: { month: 5, day: 21 } },
    custom_fields: [
      { key: "shoe size", value: "38" },
      { key: "μότο", value: '=HYPERLINK("http://evil.example")' }
    ]
  })
  yield* Shop.credit(server, member, 12.5)
  yield* Shop.share(server, owner, member)
  return member
})

const segment = Effect.fnUntraced(function* (lastName: string, rest: object = {}) {
  const server = yield* TestServer
  const sets = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: lastName }] }]
  const body = { name: lastName, sets, refresh: { mode: "ON_DEMAND" }, ...rest }
  const { id } = bodyOf(yield* server.request("POST", path, body), 201)
  bodyOf(yield* server.request("POST", `${path}/${id}/refresh`), 200)
  yield* eventually(
    "it is computed",
    Effect.map(server.request("GET", `${path}/${id}`), ({ body }) => body.membership.state === "READY")
  )
  return id as string
})

layer(testServer)("an export", (it) => {
  it.effect("SEG-6: has the fields that it names, typed in a workbook and plain in CSV", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const member = yield* rich("Exported")
      const id = yield* segment("Exported")
      const asked = (format: string) => server.request("POST", `${path}/${id}/export`, { format, fields })
      const plain = {
        id: member.id,
        last_name: "Exported",
        "demographics.date_of_birth": "1984-02-29",
        "demographics.name_day": "05-21",
        "custom_fields.shoe size": "38",
        "custom_fields.μότο": `'=HYPERLINK("http://evil.example")`,
        "wallet.balance": "12.50",
        email_opt_out: "false",
        "communities.state": "ACCEPTED",
        "wallet.lots": "1",
        company_name: ""
      }
      const csv = yield* fetched(`${server.url}${bodyOf(yield* asked("CSV"), 200).url}`)
      const { registered_at: registered, ...row } = rowOf(csv.bytes, { raw: true })
      assert.deepStrictEqual(row, plain)
      assert.match(String(registered), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      const xlsx = yield* fetched(`${server.url}${bodyOf(yield* asked("XLSX"), 200).url}`)
      assert.deepInclude(rowOf(xlsx.bytes, {}), {
        ...plain,
        // A cell of text needs no mark.
        "custom_fields.μότο": '=HYPERLINK("http://evil.example")',
        "demographics.date_of_birth": workbookEpoch + dayOf({ year: 1984, month: 2, day: 29 }),
        "wallet.balance": 12.5,
        email_opt_out: false,
        "wallet.lots": 1
      })
    })
  )

  it.effect("SEG-6: of a field that nobody has is refused with its place, on demand and at the save", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const id = yield* segment("Refusing")
      const faults = Effect.fnUntraced(function* (named: ReadonlyArray<string>) {
        const asked = yield* server.request("POST", `${path}/${id}/export`, { format: "CSV", fields: named })
        const { pointer, rule } = bodyOf(asked, 400).faults[0]
        return [pointer, rule]
      })
      assert.deepStrictEqual(yield* faults(["id", "shoe"]), ["/fields/1", "A contact has no field shoe."])
      assert.deepStrictEqual(yield* faults(["id", "id"]), ["/fields/1", "id is named twice."])
      assert.deepStrictEqual(yield* faults(["devices"]), [
        "/fields/0",
        "devices is a list of entries: name devices.platform or devices.registered_at."
      ])
      assert.strictEqual((yield* faults([`custom_fields.${"x".repeat(900)}`]))[0], "/fields")
      // Cards, documents and what opens a wallet are nobody's to export.
      for (const secret of ["demographics.passport", "wallet_code", "cards", "dynamic_code", "tokens"]) {
        assert.strictEqual((yield* faults([secret]))[0], "/fields/0", secret)
      }
      const sets = [{ conditions: [] }]
      const list = { recipients: ["owner@shop.example"], format: "CSV", fields: ["name", "hat"] }
      const saved = yield* server.request("POST", path, {
        name: "x",
        sets,
        refresh: { mode: "ON_DEMAND" },
        export: list
      })
      assert.strictEqual(bodyOf(saved, 400).parameters.pointer, "/export/fields/1")
    })
  )

  it.effect("SEG-6: is behind a link that is none once its fields, format or date are altered", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const id = yield* segment("Altered")
      const { url } = bodyOf(
        yield* server.request("POST", `${path}/${id}/export`, { format: "CSV", fields: ["id", "custom_fields.a b"] }),
        200
      )
      assert.strictEqual((yield* fetched(`${server.url}${url}`)).status, 200)
      const altered: ReadonlyArray<string> = [
        `${url}&field=email`,
        url.replace("field=id", "field=email"),
        url.replace("a+b", "a%20b"),
        url.split("?")[0],
        `${url.split("?")[0]}?`,
        `${url}#x`.replace("#x", "&"),
        url.replace("/C.", "/X."),
        url.replace(/C\.1/, "C.2")
      ]
      for (const each of altered) {
        assert.notStrictEqual(each, url)
        assert.strictEqual((yield* fetched(`${server.url}${each}`)).status, 404, each)
      }
    })
  )

  it.effect("SEG-6: that recipients are sent by itself has the fields of the definition", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const member = yield* rich("Posted")
      const list = { recipients: ["owner@shop.example"], format: "CSV", fields }
      const id = yield* segment("Posted", { export: list })
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", `${path}/${id}`), 200).export, list)
      const page = yield* outboxReader(server)
      const message = yield* eventually(
        "the mail is on the outbox page",
        Effect.map(page("/console/outbox"), (text) => /\/console\/outbox\/[0-9a-f-]{36}/.exec(text)?.[0])
      )
      const link = /http:\/\/[^/]+\/downloads\/segments\/[^\s<]+/.exec(yield* page(message))?.[0] ?? ""
      const { bytes } = yield* fetched(link.replaceAll("&amp;", "&"))
      assert.deepInclude(rowOf(bytes, { raw: true }), { id: member.id, "wallet.balance": "12.50" })
    })
  )
})
