/** Documents of the embedded segment store that stay bytes: what is read from the bytes is what decoding them says. */
import { assert, describe, it } from "@effect/vitest"
import { type Document, Int32, Long, ObjectId, serialize } from "bson"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { decode, inspect, Stored } from "#runtime/segment/embedded/Bytes.ts"
import { Collection } from "#runtime/segment/embedded/Collection.ts"
import { listen } from "#runtime/segment/embedded/Server.ts"
import { insert, update } from "#runtime/segment/embedded/Write.ts"
import { layerOf, SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import { eventually } from "../support/Eventually.ts"
import { Chance } from "../support/SegmentContacts.ts"

const bytesOf = (document: Document): Buffer => Buffer.from(serialize(document))
const codeOf = (run: () => unknown): unknown => {
  try {
    run()
  } catch (refused) {
    return (refused as { readonly code?: unknown }).code
  }
  return undefined
}

const texts = ["", "a", "Μαρία", "Straße", "x".repeat(300), "\u0000", "$money"]
const numbers = [0, -1, 1.5, 2 ** 31, -(2 ** 53) + 1, Number.MAX_SAFE_INTEGER, -1e-7]
const names = ["text", "more", "ναι", "a.b", "list", "at", "x".repeat(40)]

const valueOf = (chance: Chance, depth = 0): unknown => {
  const some = () => Array.from({ length: chance.below(4) }, () => valueOf(chance, depth + 1))
  switch (chance.below(depth < 3 ? 6 : 4)) {
    case 0:
      return chance.one(texts)
    case 1:
      return chance.one(numbers)
    case 2:
      return chance.below(2) === 0
    case 3:
      return null
    case 4:
      return some()
    default:
      return Object.fromEntries(some().map((each) => [chance.one(names), each]))
  }
}
const documentOf = (chance: Chance): Document => ({
  [chance.one(names)]: valueOf(chance),
  _id: chance.one(texts),
  at: valueOf(chance, 3),
  [chance.one(["one", "other"])]: valueOf(chance)
})

describe("a document as bytes", () => {
  it("tells the same of its plain fields as when it is decoded", () => {
    const chance = new Chance(7)
    for (let turn = 0; turn < 500; turn++) {
      const bytes = bytesOf(documentOf(chance))
      const decoded = decode(bytes)
      assert.deepStrictEqual(inspect(bytes, ["_id", "at", "absent"]), { _id: decoded["_id"], at: decoded["at"] })
      assert.deepStrictEqual(Stored.ofBytes(bytes).read(true), decoded)
    }
  })

  it("is left to the decoder where one of the fields is no plain value, or anything in it is unusual", () => {
    for (const unusual of [
      { _id: new ObjectId() },
      { _id: "a", at: ["list"] },
      { _id: "a", deep: { more: Long.fromString("9007199254740993") } },
      { _id: "a", deep: [{ more: 2 ** 60 }] },
      { _id: "a", deep: { $gt: 1 } },
      { _id: "a", $set: 1 },
      { _id: "a", when: new Uint8Array(3) }
    ]) {
      assert.isUndefined(inspect(bytesOf(unusual), ["_id", "at"]), JSON.stringify(unusual))
    }
    assert.deepStrictEqual(inspect(bytesOf({ _id: "a", most: Number.MAX_SAFE_INTEGER, int: new Int32(7) }), ["int"]), {
      int: 7
    })
  })

  it("is not understood when it was cut or stretched anywhere, and nothing is read behind its end", () => {
    const bytes = bytesOf({ _id: "a", at: 7, deep: { text: "text", list: [1, "b", { c: null }] }, is: true })
    for (let length = 0; length < bytes.length; length++) {
      assert.isUndefined(inspect(bytes.subarray(0, length), ["_id"]))
    }
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes)
      altered[at] = 0x7f
      // Either what it says can be decoded, or it is left to the decoder, which says why it cannot.
      if (inspect(altered, ["_id"]) !== undefined) assert.doesNotThrow(() => decode(altered))
    }
  })

  it("goes the same way into a collection as one that is decoded, and is found, replaced and refused like it, kept open or not", () => {
    const chance = new Chance(11)
    for (let turn = 0; turn < 100; turn++) {
      const [asBytes, decoded] = [new Collection("bytes", chance.below(3) * 60), new Collection("decoded")]
      for (const each of [asBytes, decoded]) each.addIndex({ name: "b", fields: ["business"], unique: false })
      for (let step = chance.below(20); step > 0; step--) {
        const [id, seq, isInsert] = [chance.one(["a", "b", "c"]), chance.below(6), chance.below(3) === 0]
        const whole = { _id: id, business: chance.one(["x", "y"]), _seq: seq, more: valueOf(chance) }
        const statement = { q: { _id: id, _seq: { $lte: seq } }, u: whole, upsert: true }
        const apply = (collection: Collection, made: (document: Document) => Document) => () =>
          isInsert ? insert(collection, made(whole), true) : update(collection, made(statement), true)
        const refused = codeOf(apply(decoded, (document) => decode(bytesOf(document))))
        assert.strictEqual(codeOf(apply(asBytes, bytesOf)), refused)
        assert.deepStrictEqual([...asBytes.all()], [...decoded.all()])
      }
      for (const business of ["x", "y"]) {
        assert.deepStrictEqual(asBytes.at("business", business), decoded.at("business", business))
      }
      assert.deepStrictEqual([...asBytes.all()], [...decoded.all()])
    }
  })
})

describe("a segment store", () => {
  it("that was not there when everything else started is found once it is", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* Effect.acquireRelease(
            Effect.promise(() => fs.mkdtemp(path.join(tmpdir(), "koinon-"))),
            (made) => Effect.promise(() => fs.rm(made, { recursive: true, force: true }))
          )
          const socket = path.join(folder, "s.sock")
          const url = Redacted.make(`mongodb://${encodeURIComponent(socket)}/?directConnection=true`)
          yield* Effect.gen(function* () {
            const { use } = yield* SegmentDatabase
            const count = use("count", async ({ profiles }) => (await profiles.find().toArray()).length)
            assert.deepInclude(yield* Effect.flip(count), { operation: "count", reason: "MongoServerSelectionError" })
            yield* Effect.acquireRelease(
              Effect.promise(() => listen(socket)),
              (server) => Effect.sync(() => server.close())
            )
            // It waits for two seconds at a time, which is not long on a machine that does much else.
            const found = Effect.map(Effect.option(count), Option.getOrUndefined)
            assert.strictEqual(yield* eventually("it is found", found), 0)
          }).pipe(Effect.provide(layerOf(url, "koinon")))
        })
      )
    ))
})
