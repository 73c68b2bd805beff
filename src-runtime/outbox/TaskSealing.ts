/**
 * Bodies and records of tasks as they are stored: sealed under the data key of the contact whom the task is placed with, or
 * under a key of the business where there is none. What was sealed for a contact who has been erased cannot be opened.
 */
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { DataKey, Sealer } from "../privacy/Sealer.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import { recordset } from "../projection/Projection.ts"

/** The first character of a sealed text says which key opens it. */
const forContact = "k"
const forBusiness = "b"

export interface Owner {
  readonly business: string
  readonly key: string
}

/** In place of a key that is there, but was altered. */
const altered = Symbol("altered")

/** Looks up the key of an owner among those that were gathered. */
export type KeyOf = (owner: Owner) => DataKey | typeof altered | undefined

const readKeys =
  "SELECT d.key, d.business, d.wrapped FROM json_to_recordset($1::json) AS r(business uuid, key uuid) " +
  "JOIN data_key d ON d.key = r.key AND d.business = r.business"

interface KeyRow {
  readonly key: string
  readonly business: string
  readonly wrapped: Uint8Array
}

const nameOf = ({ business, key }: Owner): string => `${business}/${key}`

/** One contact's key that cannot be used must not keep everybody else's tasks from being done. */
const unwrapped = (sealer: Sealer["Service"], { business, key, wrapped }: KeyRow): DataKey | typeof altered => {
  try {
    return sealer.unwrap(business, key, wrapped)
  } catch {
    return altered
  }
}

export const make = (sql: SqlClient, sealer: Sealer["Service"], keys: DataKeys["Service"]) => ({
  /** The keys of all owners, with one look at the database for those that are not in memory. */
  keysOf: Effect.fnUntraced(function* (owners: ReadonlyArray<Owner>): Effect.fn.Return<KeyOf, SqlError> {
    const found = new Map<string, DataKey | typeof altered>()
    const unknown = new Map<string, Owner>()
    for (const owner of owners) {
      const key = keys.known(owner.business, owner.key)
      if (key !== undefined) found.set(nameOf(owner), key)
      else unknown.set(nameOf(owner), { business: owner.business, key: owner.key })
    }
    if (unknown.size > 0) {
      for (const row of yield* sql.unsafe<KeyRow>(readKeys, [recordset([...unknown.values()])])) {
        const key = unwrapped(sealer, row)
        if (key !== altered) keys.remember(row.business, row.key, key)
        found.set(nameOf(row), key)
      }
    }
    return (owner) => found.get(nameOf(owner))
  }),

  seal: (keyOf: KeyOf, owner: Owner, value: Json, of: string): string => {
    const text = JSON.stringify(value)
    const key = keyOf(owner)
    return key === undefined || key === altered
      ? forBusiness + sealer.sealForBusiness(owner.business, text, of)
      : forContact + sealer.seal(key, text, of)
  },

  /** `undefined` when the key is gone; throws for what was altered, itself or its key. */
  open: (keyOf: KeyOf, owner: Owner, sealed: string, of: string): Json | undefined => {
    const text = sealed.slice(1)
    if (sealed.startsWith(forBusiness)) return JSON.parse(sealer.openForBusiness(owner.business, text, of)) as Json
    const key = keyOf(owner)
    if (key === altered) throw new Error("its data key was altered")
    return key === undefined ? undefined : (JSON.parse(sealer.open(key, text, of)) as Json)
  }
})

export type TaskSealing = ReturnType<typeof make>

export const bodyOf = (task: string): string => `outbox/${task}`
export const attemptOf = (task: string, number: number): string => `outbox/${task}/${number}`
