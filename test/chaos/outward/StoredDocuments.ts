/**
 * What the embedded segment store of a running Koinon holds, read past it through the store's own socket: each profile and each
 * event, so that a store that has followed can be held against one that is filled anew from the journal.
 */
import { EJSON } from "bson"
import { MongoClient } from "mongodb"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const database = "koinon"
const collections = ["profiles", "events"] as const

/** The last that was made: those before it belonged to processes that are dead. */
const socketIn = (folder: string): string => {
  const [newest] = readdirSync(folder)
    .map((name) => join(folder, name, "s.sock"))
    .flatMap((path) => {
      const found = statSync(path, { throwIfNoEntry: false })
      return found === undefined ? [] : [{ path, at: found.ctimeMs }]
    })
    .toSorted((a, b) => b.at - a.at)
  if (newest === undefined) throw new Error(`no segment store has its socket in ${folder}`)
  return newest.path
}

/** By collection: each document under its id, with its fields in one order. */
export type StoredDocuments = Readonly<Record<(typeof collections)[number], ReadonlyMap<string, string>>>

const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, of]) => [name, inOrder(of)])
  )
}

/** `folder`: where the process makes what is temporary. */
export const storedDocuments = async (folder: string): Promise<StoredDocuments> => {
  const client = new MongoClient(`mongodb://${encodeURIComponent(socketIn(folder))}/?directConnection=true`)
  const read = async (collection: string): Promise<ReadonlyMap<string, string>> => {
    const documents = await client.db(database).collection(collection).find().toArray()
    return new Map(documents.map((each) => [String(each._id), JSON.stringify(inOrder(EJSON.serialize(each)))]))
  }
  try {
    return { profiles: await read("profiles"), events: await read("events") }
  } finally {
    await client.close()
  }
}

/** Of each collection: how many there were, and how many are gone, have come, or say something else now. */
export const differences = (before: StoredDocuments, after: StoredDocuments) =>
  collections.map((collection) => {
    const [was, is] = [before[collection], after[collection]]
    const changed = [...was].filter(([id, text]) => is.get(id) !== text).length
    const come = [...is.keys()].filter((id) => !was.has(id)).length
    return { collection, live: was.size, different: changed + come }
  })
