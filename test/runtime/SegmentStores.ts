/**
 * The stores that the contract of the segment store is held to: the embedded one always, and a MongoDB when `MONGODB_URL` names
 * one. Which it was is said aloud. Each test has databases of its own.
 */
import { describe } from "@effect/vitest"
import { type Db, MongoClient } from "mongodb"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as EmbeddedStore from "#runtime/segment/embedded/EmbeddedStore.ts"

export interface Tried {
  readonly name: "embedded" | "MongoDB"
  /** With the database dropped behind it. */
  readonly withDatabase: <A>(use: (database: Db, client: MongoClient, url: string) => Promise<A>) => Promise<A>
}

const open = async <A>(
  url: string,
  use: (database: Db, client: MongoClient, url: string) => Promise<A>
): Promise<A> => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 60_000 })
  const database = client.db(`koinon_test_${randomBytes(6).toString("hex")}`)
  try {
    return await use(database, client, url)
  } finally {
    for (const { name } of await database.listCollections().toArray()) await database.collection(name).drop()
    await client.close()
  }
}

const embedded: Tried = {
  name: "embedded",
  withDatabase: (use) =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(EmbeddedStore.start, ({ url }) => Effect.promise(() => open(url, use))))
    )
}

const given = process.env["MONGODB_URL"]

const outside: ReadonlyArray<Tried> =
  given === undefined || given === "" ? [] : [{ name: "MongoDB", withDatabase: (use) => open(given, use) }]

/** Declares the tests once for each store. */
export const overEachStore = (about: string, declare: (tried: Tried) => void): void => {
  for (const tried of [embedded, ...outside])
    describe(`${about}, on the ${tried.name} store`, () => {
      declare(tried)
    })
}

if (outside.length === 0) {
  process.stdout.write(
    "\nSEGMENT STORE: tried on the embedded store alone. SKIPPED ON MONGODB: MONGODB_URL is not set.\n\n"
  )
}

/** What a refusal is known by. */
export const codeOf = async (asked: Promise<unknown>): Promise<number | string> => {
  try {
    await asked
    return "it was done"
  } catch (cause) {
    return (cause as { readonly code?: number }).code ?? String(cause)
  }
}
