/**
 * Lets go of what is kept of an endpoint, once it is deleted: the numbers that it was given and how it fared. Every runner
 * looks at intervals, at the businesses that it holds, and deletes in statements of at most a thousand rows. Deliveries leave
 * by themselves, with their tasks.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Actors } from "../actor/Actors.ts"
import type { Definitions } from "../actor/Definitions.ts"
import { shardOf } from "../actor/Placement.ts"

/** Endpoints read at a time, and rows of one statement. */
const endpointsMax = 500
const rowsMax = 1_000
const intervalMs = 10 * 60_000
const tables = ["webhook_health", "webhook_sequence"] as const

interface Named {
  readonly business: string
  readonly endpoint: string
}
const beforeAll: Named = {
  business: "00000000-0000-0000-0000-000000000000",
  endpoint: "00000000-0000-0000-0000-000000000000"
}

/** From one endpoint to the next by the index, however many rows each of them has. */
const readNext = (table: string): string => {
  const nextOf = (business: string, endpoint: string): string =>
    `SELECT t.business, t.endpoint FROM ${table} t WHERE (t.business, t.endpoint) > (${business}, ${endpoint}) ` +
    "ORDER BY t.business, t.endpoint LIMIT 1"
  return (
    `WITH RECURSIVE found AS ((${nextOf("$1::uuid", "$2::uuid")}) UNION ALL SELECT n.business, n.endpoint FROM found f ` +
    `CROSS JOIN LATERAL (${nextOf("f.business", "f.endpoint")}) n) SELECT business, endpoint FROM found LIMIT ${endpointsMax}`
  )
}

const deleteSome = (table: string): string =>
  `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE business = $1::uuid AND endpoint = $2::uuid ` +
  `LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED)) AND business = $1::uuid AND endpoint = $2::uuid RETURNING 1`

interface Parts {
  readonly actors: Actors["Service"]
  readonly definitions: Definitions["Service"]
}

export const make = Effect.fnUntraced(function* (sql: SqlClient, { actors, definitions }: Parts) {
  /** The journal says what is deleted: what it did not answer is looked at the next time. */
  const gone = Effect.fnUntraced(function* (those: ReadonlyArray<Named>) {
    const held = those.filter(({ business }) => actors.holds(shardOf(business)))
    const defined = yield* definitions.confirmed([...new Set(held.map(({ business }) => business))], "endpoints")
    return held.filter(({ business, endpoint }) => !Object.hasOwn(defined.get(business) ?? {}, endpoint))
  })

  const forgetIn = Effect.fnUntraced(function* (table: (typeof tables)[number]) {
    let last = beforeAll
    while (true) {
      const found = yield* sql.unsafe<Named>(readNext(table), [last.business, last.endpoint])
      for (const { business, endpoint } of yield* gone(found)) {
        yield* Effect.repeat(sql.unsafe(deleteSome(table), [business, endpoint]), {
          while: ({ length }) => length === rowsMax
        })
      }
      const end = found.at(-1)
      if (found.length < endpointsMax || end === undefined) return
      last = end
    }
  })

  const forget = Effect.forEach(tables, forgetIn, { discard: true })
  yield* forget.pipe(
    Effect.catch((error) => Effect.logWarning("what is kept of deleted endpoints stays for now", error._tag)),
    Effect.delay(intervalMs),
    Effect.forever,
    Effect.forkScoped
  )
  return forget
})
