/** Finding contacts: in Greek and in Latin, by what a person types, page by page while more of them arrive. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { ContactDirectory, type DirectoryQuery } from "#runtime/projection/ContactDirectory.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { ask, open, person, readSide } from "./ReadSide.ts"
import { businessId, changeEmail, contactId, openBusiness, otherBusinessId } from "./SampleCommands.ts"

const list = Effect.fnUntraced(function* (query: Partial<DirectoryQuery> = {}) {
  yield* (yield* Projector).waitFor("contact_directory")
  return yield* (yield* ContactDirectory).list({ business: businessId, size: 50, sort: "NAME", order: "ASC", ...query })
})
const names = (query: Partial<DirectoryQuery>) =>
  Effect.map(list(query), ({ rows }) => rows.map((row) => row.displayName))

const people = [
  person(1, { firstName: "Ελένη", lastName: "Γεωργίου", email: "eleni.g@example.com", phone: "35799123456" }),
  person(2, { firstName: "Γιώργος", lastName: "Χατζηγεωργίου", code: "VIP-7" }),
  person(3, { firstName: "José", lastName: "Müller-Straße", loyaltyIdentifiers: ["LOYAL-0042"] }),
  person(4, { firstName: "Conor", lastName: "O’Brien", email: "theo@example.com" }),
  person(5, { companyName: "Ζυγός Αρτοποιεία 42%" }),
  person(6, { firstName: "eleni", lastName: "Andreou", phone: "35799654321" }),
  person(7, { firstName: "Nul\0la", lastName: "Broken\ud800", email: `${"long".repeat(2_000)}@example.com` })
]

layer(readSide, { excludeTestServices: true })("the contact directory", (it) => {
  it.effect("is filled by registrations, of each business for itself", () =>
    Effect.gen(function* () {
      yield* open
      yield* ask(openBusiness(otherBusinessId))
      yield* Effect.forEach(people, ask, { discard: true })
      yield* ask(person(90, { firstName: "Ξένη", lastName: "Γεωργίου", code: "ELSEWHERE" }, otherBusinessId))
      const { rows, total, hasMore } = yield* list({ includeTotal: true })
      assert.deepStrictEqual([rows.length, total, hasMore], [7, 7, false])
      const eleni = rows.find((row) => row.contactId === contactId(1))
      assert.deepInclude(eleni, {
        type: "PERSON",
        code: "C-1",
        displayName: "Ελένη Γεωργίου",
        email: "eleni.g@example.com",
        phone: { number: "99123456", e164: "+35799123456" },
        walletCode: String(1e15 + 1)
      })
    })
  )

  it.effect("finds Greek and Latin names without accents, in either case, by the beginnings of their words", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* names({ search: "γεωργιου" }), ["Ελένη Γεωργίου"])
      assert.deepStrictEqual(yield* names({ search: "ΓΕΩΡΓΊΟΥ ελε" }), ["Ελένη Γεωργίου"])
      assert.deepStrictEqual(yield* names({ search: "γιωργοσ" }), ["Γιώργος Χατζηγεωργίου"])
      assert.deepStrictEqual(yield* names({ search: "ΓΙΏΡΓΟΣ" }), ["Γιώργος Χατζηγεωργίου"])
      assert.deepStrictEqual(yield* names({ search: "jose MULLER strasse" }), ["José Müller-Straße"])
      assert.deepStrictEqual(yield* names({ search: "obrien" }), ["Conor O’Brien"])
      assert.deepStrictEqual(yield* names({ search: "o'b" }), ["Conor O’Brien"])
      assert.deepStrictEqual(yield* names({ search: "αρτοποι" }), ["Ζυγός Αρτοποιεία 42%"])
      assert.deepStrictEqual(yield* names({ search: "nobody" }), [])
    })
  )

  it.effect("finds by e-mail, code, wallet code, loyalty identifier and phone as people write them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* names({ search: "eleni.g@example" }), ["Ελένη Γεωργίου"])
      assert.deepStrictEqual(yield* names({ search: "vip-7" }), ["Γιώργος Χατζηγεωργίου"])
      assert.deepStrictEqual(yield* names({ search: String(1e15 + 4) }), ["Conor O’Brien"])
      assert.deepStrictEqual(yield* names({ search: "loyal-0042" }), ["José Müller-Straße"])
      for (const search of ["+357 99 123456", "99-123 456", "(99) 1234", "35799123456"]) {
        assert.deepStrictEqual(yield* names({ search }), ["Ελένη Γεωργίου"], search)
      }
    })
  )

  it.effect("takes no character of a search for a wildcard or an operator", () =>
    Effect.gen(function* () {
      for (const search of ["%", "_", "\\", "'", "*", "& | !", ":*", "42%'; --"]) {
        assert.deepStrictEqual(
          yield* names({ search }),
          search.startsWith("42") ? ["Ζυγός Αρτοποιεία 42%"] : [],
          search
        )
      }
      assert.lengthOf(yield* names({ search: "  " }), 7)
      assert.deepStrictEqual(yield* names({ search: "nikos | γ" }), [])
      assert.deepStrictEqual(yield* names({ search: "nul\0la" }), ["Nulla Broken\ufffd"])
    })
  )

  it.effect("filters by e-mail, phone, code and type, exactly", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* names({ email: " Theo@Example.COM" }), ["Conor O’Brien"])
      assert.deepStrictEqual(yield* names({ email: "theo@example" }), [])
      assert.deepStrictEqual(yield* names({ phone: "+35799654321" }), ["eleni Andreou"])
      assert.deepStrictEqual(yield* names({ code: "vip-7" }), ["Γιώργος Χατζηγεωργίου"])
      assert.deepStrictEqual(yield* names({ type: "COMPANY" }), ["Ζυγός Αρτοποιεία 42%"])
      assert.deepStrictEqual(yield* names({ type: "PERSON", search: "eleni", phone: "+35799654321" }), [
        "eleni Andreou"
      ])
      assert.deepStrictEqual(yield* names({ business: otherBusinessId }), ["Ξένη Γεωργίου"])
      assert.deepStrictEqual(yield* names({ business: otherBusinessId, code: "C-1" }), [])
    })
  )

  it.effect("sorts by name without regard to case and accents, by code and by date, both ways", () =>
    Effect.gen(function* () {
      const byName = yield* names({ sort: "NAME" })
      assert.deepStrictEqual(byName.slice(0, 3), ["Conor O’Brien", "eleni Andreou", "José Müller-Straße"])
      assert.deepStrictEqual(byName.slice(4), ["Γιώργος Χατζηγεωργίου", "Ελένη Γεωργίου", "Ζυγός Αρτοποιεία 42%"])
      assert.deepStrictEqual(yield* names({ sort: "NAME", order: "DESC" }), byName.toReversed())
      assert.deepStrictEqual((yield* list({ sort: "CODE" })).rows.map((row) => row.code).at(-1), "VIP-7")
      const byDate = (yield* list({ sort: "CREATED_DATE", order: "DESC" })).rows
      assert.deepStrictEqual(
        byDate.map((row) => row.contactId),
        [7, 6, 5, 4, 3, 2, 1].map(contactId)
      )
    })
  )

  it.effect("CIM-3: follows a change, and forgets what was there before", () =>
    Effect.gen(function* () {
      yield* ask(changeEmail(4, "brien@new.example.com"))
      assert.deepStrictEqual(yield* names({ email: "theo@example.com" }), [])
      assert.deepStrictEqual(yield* names({ search: "brien@new" }), ["Conor O’Brien"])
      assert.deepStrictEqual(yield* names({ search: "theo" }), [])
      const [row] = (yield* list({ email: "brien@new.example.com" })).rows
      assert.isAbove(row?.updatedAt ?? 0, row?.registeredAt ?? 0)
    })
  )

  for (const sort of ["NAME", "CODE", "CREATED_DATE"] as const) {
    for (const order of ["ASC", "DESC"] as const) {
      it.effect(`a cursor by ${sort} ${order} repeats and misses nobody while contacts arrive between the pages`, () =>
        Effect.gen(function* () {
          const before = (yield* list({ sort, order, size: 200 })).rows.map((row) => row.contactId)
          const seen: Array<string> = []
          let after: string | undefined
          let number = 100 + before.length * 10
          do {
            const page = yield* list({ sort, order, size: 3, after })
            seen.push(...page.rows.map((row) => row.contactId))
            after = page.next
            assert.strictEqual(page.hasMore, after !== undefined)
            // One that sorts before everything, and one that sorts behind.
            if (number % 10 < 4) {
              yield* ask(person(number++, { firstName: "Aaa", lastName: "First", code: `0-${number}` }))
              yield* ask(person(number++, { firstName: "Ωωω", lastName: "Last", code: `Z-${number}` }))
            }
          } while (after !== undefined)
          assert.strictEqual(new Set(seen).size, seen.length, "somebody came twice")
          assert.deepStrictEqual(
            seen.filter((id) => before.includes(id)),
            before
          )
        })
      )
    }
  }

  it.effect("numbers pages too, counts exactly, and cuts a page that is too large", () =>
    Effect.gen(function* () {
      const all = yield* list({ size: 10_000, includeTotal: true })
      assert.strictEqual(all.total, all.rows.length)
      const second = yield* list({ size: 4, page: 2, includeTotal: true })
      assert.deepStrictEqual(second.rows, all.rows.slice(4, 8))
      assert.deepStrictEqual([second.total, second.hasMore], [all.total, true])
      const after = yield* list({ size: 4, after: second.next, includeTotal: true })
      assert.deepStrictEqual([after.rows, after.total], [all.rows.slice(8, 12), all.total])
      const beyond = yield* list({ size: 4, page: 1_000 })
      assert.deepStrictEqual(beyond, { rows: [], hasMore: false })
    })
  )

  it.effect("refuses a cursor that it did not give, or gave for another order", () =>
    Effect.gen(function* () {
      const { next } = yield* list({ size: 2, sort: "NAME" })
      const forged = (...values: ReadonlyArray<unknown>) => Buffer.from(JSON.stringify(values)).toString("base64url")
      for (const query of [
        { after: next, sort: "CODE" },
        { after: next, order: "DESC" },
        { after: "not a cursor" },
        { after: forged("contact_directory name_key ASC", "a", "'; DROP TABLE event; --") },
        { after: forged("contact_directory registered_at ASC", "x", contactId(1)), sort: "CREATED_DATE" },
        { after: forged("contact_directory name_key ASC", "a\0", contactId(1)) }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(list(query)))._tag, "CursorInvalid")
      }
    })
  )

  it.effect("searches by its indexes", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const plan = yield* sql.withTransaction(
        Effect.andThen(
          sql`SET LOCAL enable_seqscan = off`,
          sql.unsafe<{ "QUERY PLAN": string }>(
            "EXPLAIN SELECT contact FROM contact_directory WHERE words @@ '''γεωργιου'':*'::tsquery"
          )
        )
      )
      assert.match(plan.map((line) => line["QUERY PLAN"]).join("\n"), /contact_directory_words/)
    })
  )
})
