/** The tags of a business, as apps and integrators list them. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

interface Listed {
  readonly content: ReadonlyArray<{ readonly id: string; readonly name: string; readonly state: string }>
  readonly paging: { readonly total?: number; readonly has_more: boolean; readonly next_cursor?: string }
}

const arranged = Effect.gen(function* () {
  const server = yield* TestServer
  const { secretKey: key } = yield* Shop.otherBusiness(server)
  const as = { api_key: key }
  const [eleni, maria] = [yield* Shop.person(server, {}, key), yield* Shop.person(server, {}, key)]
  const tag = ({ id }: Shop.Person, change: object) =>
    Shop.made(server.request("PUT", `/backoffice/v2/contacts/${id}/tags`, change, as))
  const list = (query = "", headers: Readonly<Record<string, string | undefined>> = as): Effect.Effect<Listed> =>
    Shop.made(server.request("GET", `/self-service/v2/tags?entity=CONTACTS${query}`, undefined, headers))
  const namesOf = ({ content }: Listed) => content.map(({ name }) => name)
  return { server, key, eleni, maria, tag, list, namesOf }
})

layer(testServer)("the tags of a business", (it) => {
  it.effect("are each listed once, by first use, last change or name, and stay when nobody has them any more", () =>
    Effect.gen(function* () {
      const { server, eleni, maria, tag, list, namesOf } = yield* arranged
      assert.deepStrictEqual(yield* list("&include_total=true"), {
        content: [],
        paging: { page: 1, size: 10, total: 0, has_more: false }
      } as Listed)
      yield* tag(eleni, { add: ["χρυσό"] })
      yield* tag(maria, { add: ["baker"] })
      yield* tag(maria, { add: ["χρυσό", "apples"] })
      const all = yield* list("&sort=NAME&order=ASC&include_total=true")
      assert.deepStrictEqual(namesOf(all), ["apples", "baker", "χρυσό"])
      assert.strictEqual(all.paging.total, 3)
      assert.deepStrictEqual(new Set(all.content.map(({ state }) => state)), new Set(["ACTIVE"]))
      assert.strictEqual(namesOf(yield* list())[0], "apples", "the latest first")
      assert.strictEqual(namesOf(yield* list("&sort=CREATED_DATE&order=ASC"))[0], "χρυσό")
      assert.strictEqual(namesOf(yield* list("&sort=UPDATED_DATE&order=ASC"))[0], "baker")

      yield* tag(eleni, { remove: ["χρυσό"] })
      assert.strictEqual((yield* list("&sort=UPDATED_DATE")).content[0]?.state, "ACTIVE", "Maria still has it")
      yield* tag(maria, { remove: ["χρυσό"] })
      const [gold] = (yield* list("&sort=UPDATED_DATE")).content
      assert.deepInclude(gold, { name: "χρυσό", state: "INACTIVE" })
      assert.strictEqual(gold?.id, all.content[2]?.id, "the same tag")

      const [first] = [yield* list("&sort=NAME&order=ASC&size=2")]
      const rest = yield* list(`&sort=NAME&order=ASC&size=2&cursor=${first.paging.next_cursor}`)
      assert.deepStrictEqual([...namesOf(first), ...namesOf(rest)], namesOf(all))
      assert.isFalse(rest.paging.has_more)
      assert.deepStrictEqual(
        (yield* list("&sort=NAME&order=ASC", { api_key: undefined, authorization: `Bearer ${eleni.token}` })).content,
        (yield* list("&sort=NAME&order=ASC")).content,
        "her app sees what the business sees"
      )
      assert.deepStrictEqual((yield* list("", { api_key: server.apiKey })).content, [], "another business has its own")
    })
  )

  it.effect("API-1: are asked for by what is tagged, and only contacts are", () =>
    Effect.gen(function* () {
      const { server, key, eleni, tag } = yield* arranged
      yield* tag(eleni, { add: ["gold"] })
      const ask = (query: string) => server.request("GET", `/self-service/v2/tags${query}`, undefined, { api_key: key })
      const missing = yield* ask("")
      assert.strictEqual(missing.status, 400)
      assert.include(missing.body.detail, "entity")
      assert.strictEqual((yield* ask("?entity=PEOPLE")).status, 400)
      assert.strictEqual((yield* ask("?entity=CONTACTS&cursor=abc")).status, 400)
      const products = yield* ask("?entity=PRODUCTS&include_total=true")
      assert.deepStrictEqual([products.status, products.body.content, products.body.paging.total], [200, [], 0])
    })
  )
})
