/** P9 for the tags of a business: however the journal is read, in one batch or in many, by one reader or again, it is the same. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import {
  type ContactTag,
  contactTags,
  ContactTags,
  layer as contactTagsLayer
} from "#runtime/projection/ContactTags.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import { ask, open, person, writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"

const readSide = Layer.mergeAll(contactTagsLayer, Projector.layer([contactTags])).pipe(Layer.provideMerge(writeSide))

const change = (number: number, add: ReadonlyArray<string>, remove: ReadonlyArray<string> = []) =>
  ask({ business: businessId, key: contactId(number), command: { _tag: "ChangeTags", add, remove } })

const rows = Effect.gen(function* () {
  const sql = yield* SqlClient
  const tables = yield* Effect.forEach(["contact_tag", "tagged_contact"], (table) =>
    sql.unsafe<{ row: string }>(`SELECT '${table} ' || t::text AS row FROM ${table} t ORDER BY row`)
  )
  return tables.flat().map(({ row }) => row)
})

layer(readSide, { excludeTestServices: true })("the tags of a business", (it) => {
  it.effect("count who has them now, read as they come or all at once (P9)", () =>
    Effect.gen(function* () {
      yield* open
      yield* Effect.forEach([1, 2, 3], (number) => ask(person(number)), { discard: true })
      const projector = yield* Projector.Projector
      const steps = [
        change(1, ["gold", "baker"]),
        change(2, ["gold"]),
        change(1, ["vip"], ["gold"]),
        change(3, ["gold", "nu\0l", "lone \ud800"]),
        change(3, ["x"], ["nu\0l"]),
        change(2, [], ["gold"]),
        change(2, ["gold"])
      ]
      yield* Effect.forEach(steps, (step) => Effect.andThen(step, projector.waitFor("contact_tags")), { discard: true })
      const { list } = yield* ContactTags
      const page = yield* list({ business: businessId, size: 10, order: "ASC", sort: "NAME" })
      assert.deepStrictEqual(
        page.rows.map(({ name, bearers }: ContactTag) => [name, bearers]),
        [
          ["baker", 1],
          ["gold", 2],
          ["lone \ufffd", 1],
          ["nul", 0],
          ["vip", 1],
          ["x", 1]
        ]
      )
      const live = yield* rows
      yield* projector.rebuild("contact_tags")
      yield* projector.waitFor("contact_tags")
      assert.deepStrictEqual(yield* rows, live)
    })
  )
})
