/**
 * What the embedded segment store alone has to stand: bytes that nobody should send, questions that are not listed, patterns
 * that would explode, a long question beside short ones, and its own death.
 */
import { assert, it } from "@effect/vitest"
import { serialize } from "bson"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Document, MongoClient } from "mongodb"
import * as fs from "node:fs/promises"
import { createConnection, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import type { Worker } from "node:worker_threads"
import { eventually } from "../support/Eventually.ts"
import { overEachOperation, refusedOperators, refusedStages } from "./RefusedMql.ts"
import * as EmbeddedStore from "#runtime/segment/embedded/EmbeddedStore.ts"
import { layerOf, SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import { codeOf } from "./SegmentStores.ts"

/** What only a fault reaches: it stands for waiting for ever. */
const patienceMs = 60_000

interface Row extends Document {
  readonly _id: string
}

const withStore = <A>(use: (client: MongoClient, url: string) => Promise<A>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(EmbeddedStore.start, ({ url }) =>
        Effect.promise(async () => {
          const client = new MongoClient(url, { retryReads: false })
          try {
            return await use(client, url)
          } finally {
            await client.close()
          }
        })
      )
    )
  )

const socketOf = (url: string): string => decodeURIComponent(url.slice("mongodb://".length, url.indexOf("/?")))

/** What comes back until the other side closes, or enough has come. */
const exchange = (url: string, bytes: Uint8Array): Promise<{ readonly closed: boolean; readonly bytes: number }> =>
  new Promise((resolve, reject) => {
    const socket: Socket = createConnection(socketOf(url))
    let received = 0
    socket.on("error", () => undefined)
    socket.once("connect", () => socket.write(bytes))
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length
      socket.destroy()
      resolve({ closed: false, bytes: received })
    })
    socket.once("close", () => resolve({ closed: true, bytes: received }))
    socket.setTimeout(patienceMs, () => reject(new Error("nothing came back")))
  })

const message = (body: Uint8Array, operation = 2013, length?: number): Uint8Array => {
  const bytes = Buffer.alloc(16 + body.length)
  bytes.writeInt32LE(length ?? bytes.length, 0)
  bytes.writeInt32LE(7, 4)
  bytes.writeInt32LE(operation, 12)
  bytes.set(body, 16)
  return bytes
}
/** Of `{ ok: 1 }`. */
const answerBytes = 16 + 5 + serialize({ ok: 1 }).length

const command = (document: Document): Uint8Array => Buffer.concat([Buffer.alloc(5), serialize(document)])

it("answers the old handshake as well", () =>
  withStore(async (_, url) => {
    const query = Buffer.concat([
      Buffer.alloc(4),
      Buffer.from("admin.$cmd\0"),
      Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]),
      serialize({ isMaster: 1 })
    ])
    const { bytes } = await exchange(url, message(query, 2004))
    assert.isAbove(bytes, 36)
  }))

it("closes the connection on which a message cannot be read, and no other", () =>
  withStore(async (client, url) => {
    const ping = command({ ping: 1, $db: "x" })
    assert.isFalse((await exchange(url, message(ping))).closed)
    const torn = Buffer.from(ping)
    torn.writeInt32LE(1_000_000, 5)
    const endless = Buffer.concat([
      Buffer.alloc(4),
      Buffer.from([1]),
      Buffer.from([20, 0, 0, 0]),
      Buffer.from("no end")
    ])
    const wrong: ReadonlyArray<Uint8Array> = [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      message(ping, 2013, 5),
      message(ping, 2013, 60_000_000),
      message(ping, 2012),
      message(ping, 1),
      message(Buffer.alloc(0)),
      message(torn),
      message(endless),
      message(Buffer.concat([Buffer.from([255, 255, 0, 0, 0]), serialize({ ping: 1 })])),
      message(Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), serialize({ ping: 1 })])),
      message(Buffer.concat([ping, Buffer.from([0]), serialize({ ping: 1 })])),
      message(Buffer.concat([Buffer.alloc(5), Buffer.from([12, 0, 0, 0, 0x42, 97, 0, 1, 2, 3, 4, 0])]))
    ]
    const database = client.db("koinon")
    for (const [number, bytes] of wrong.entries()) {
      assert.deepStrictEqual(await exchange(url, bytes), { closed: true, bytes: 0 }, `message ${number}`)
      assert.strictEqual((await database.command({ ping: 1 }))["ok"], 1)
    }
  }))

it("does not mind noise, whatever it is", () =>
  withStore(async (client, url) => {
    let state = 7
    const noise = (length: number): Uint8Array =>
      Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) >> 16)
    for (let round = 0; round < 100; round++) {
      const bytes = noise(64)
      // Half of it begins as a message should.
      if (round % 2 === 0) Buffer.from(bytes.buffer).set(message(bytes.subarray(16)).subarray(0, 16))
      await exchange(url, bytes)
    }
    assert.strictEqual((await client.db("koinon").command({ ping: 1 }))["ok"], 1)
  }))

it("takes a message in pieces of any size, and several in one", () =>
  withStore(async (_, url) => {
    const ping = message(command({ ping: 1, $db: "x" }))
    const answers = await new Promise<number>((resolve, reject) => {
      const socket = createConnection(socketOf(url))
      let received = 0
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length
        // Nine times a header, flags, a kind and `{ ok: 1 }`.
        if (received < 9 * answerBytes) return
        socket.destroy()
        resolve(received / answerBytes)
      })
      socket.once("error", reject)
      socket.setTimeout(patienceMs, () => reject(new Error(`${received} bytes came back`)))
      const all = Buffer.concat(Array.from({ length: 9 }, () => ping))
      for (let at = 0; at < all.length; at += 7) socket.write(all.subarray(at, at + 7))
    })
    assert.strictEqual(answers, 9)
  }))

it("is reached by nobody else: a socket in a folder that only its owner may enter", () =>
  withStore(async (_, url) => {
    const socket = socketOf(url)
    assert.isBelow(Buffer.byteLength(socket), 104)
    assert.strictEqual((await fs.stat(path.dirname(socket))).mode & 0o777, 0o700)
  }))

it("refuses every stage and operator that is not listed, wherever it stands", () =>
  withStore(async (client) => {
    const people = client.db("koinon").collection<Row>("people")
    await people.insertOne({ _id: "a", five: 5 })
    await overEachOperation(people, async (what, asked) => {
      const code = await codeOf(asked)
      assert.include([9, 72, 168, 40_324], code, JSON.stringify(what))
    })
    assert.isAbove(refusedStages.length + refusedOperators.length, 60)
    assert.deepStrictEqual(await people.find().toArray(), [{ _id: "a", five: 5 }])
  }))

it("refuses options that it would not heed, and what sums would pass over", () =>
  withStore(async (client) => {
    const database = client.db("koinon")
    const all = database.collection<Row>("all")
    assert.strictEqual(await codeOf(all.find({}, { collation: { locale: "el" } }).toArray()), 72)
    assert.strictEqual(await codeOf(all.createIndex({ name: "text" })), 67)
    assert.strictEqual(await codeOf(all.createIndex({ at: 1 }, { expireAfterSeconds: 5 })), 67)
    assert.strictEqual(await codeOf(all.insertOne({ _id: "a", amount: 2n ** 53n })), 2)
    assert.strictEqual(await codeOf(all.insertOne({ _id: "a", deep: { $set: 1 } })), 2)
    assert.strictEqual(await codeOf(all.updateOne({}, { $set: { "rows.at": 1 } })), 2)
    assert.strictEqual(await codeOf(database.command({ insert: "$cmd", documents: [{ _id: 1 }] })), 73)
    assert.strictEqual(await all.estimatedDocumentCount(), 0)
  }))

it("refuses to order, to tell apart, to join and to index by what it would have to look for in a list", () =>
  withStore(async (client) => {
    const all = client.db("koinon").collection<Row>("all")
    await all.insertMany(["a", "b"].map((id) => ({ _id: id, rows: [{ at: 1 }] })))
    const join = (localField: string, foreignField: string) =>
      all.aggregate([{ $lookup: { from: "all", localField, foreignField, as: "joined" } }]).toArray()
    const asked: ReadonlyArray<() => Promise<unknown>> = [
      () => all.find().sort({ "rows.at": 1 }).toArray(),
      () => all.find().sort({ "rows.0.at": 1 }).toArray(),
      () => all.distinct("rows.at"),
      () => join("rows.at", "_id"),
      () => join("_id", "rows.at"),
      () => all.createIndex({ "rows.at": 1 })
    ]
    for (const ask of asked) assert.strictEqual(await codeOf(ask()), 2, String(ask))
    await all.deleteMany({})
    await all.createIndex({ "rows.at": 1 })
    assert.strictEqual(await codeOf(all.insertOne({ _id: "b", rows: [{ at: 1 }] })), 2)
  }))

it("reads a pattern once through, however it is made, and refuses what needs to look back", () =>
  withStore(async (client) => {
    const texts = client.db("koinon").collection<Row>("texts")
    await texts.insertOne({ _id: "a", text: `${"a".repeat(50_000)}!` })
    for (const pattern of ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]) {
      const startedAt = performance.now()
      assert.lengthOf(await texts.find({ text: { $regex: pattern } }).toArray(), 0)
      assert.isBelow(performance.now() - startedAt, patienceMs, pattern)
    }
    for (const pattern of ["(?=a)", String.raw`(a)\1`, "(", "a{100000}", "x".repeat(2_001)]) {
      assert.strictEqual(await codeOf(texts.find({ text: { $regex: pattern } }).toArray()), 51_091, pattern)
    }
  }))

it("answers others while a long question is being answered", () =>
  withStore(async (client) => {
    const many = client.db("koinon").collection<Row>("many")
    for (let at = 0; at < 60_000; at += 5_000) {
      await many.insertMany(Array.from({ length: 5_000 }, (_, each) => ({ _id: `${at + each}`, number: at + each })))
    }
    const progress = { isOver: false }
    const heavy = {
      $expr: {
        $lt: [
          {
            $reduce: {
              input: Array.from({ length: 60 }, () => 1),
              initialValue: "$number",
              in: { $add: ["$$value", "$$this"] }
            }
          },
          0
        ]
      }
    }
    const long = Promise.all(Array.from({ length: 4 }, () => many.find(heavy).sort({ number: -1 }).toArray())).then(
      (found) => {
        progress.isOver = true
        return found
      }
    )
    let answeredMeanwhile = 0
    while (!progress.isOver) {
      await many.findOne({ _id: "7" })
      if (!progress.isOver) answeredMeanwhile += 1
    }
    assert.deepStrictEqual(await long, [[], [], [], []])
    assert.isAbove(answeredMeanwhile, 5)
  }))

it("bounds its cursors: the oldest that nobody reads leaves", () =>
  withStore(async (client) => {
    const rows = client.db("koinon").collection<Row>("rows")
    await rows.insertMany(Array.from({ length: 10 }, (_, number) => ({ _id: `${number}` })))
    const first = rows.find({}, { batchSize: 1 })
    await first.next()
    for (let each = 0; each < 512; each++) await rows.find({}, { batchSize: 1 }).next()
    assert.strictEqual(await codeOf(first.toArray()), 43)
  }))

it.live("a thread that dies before it is known to listen is told of too: somebody may have written to it", () =>
  Effect.gen(function* () {
    const store = yield* EmbeddedStore.start
    let losses = 0
    store.onLost(() => void (losses += 1))
    let started = 0
    const born = (worker: Worker): void => {
      started += 1
      // The first one that is started again is dead before it can say anything.
      if (started === 1) void worker.terminate()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("worker", born)),
      () => Effect.sync(() => process.off("worker", born))
    )
    yield* store.kill
    yield* eventually(
      "there is one again",
      Effect.sync(() => started >= 2)
    )
    assert.strictEqual(losses, 2)
  }).pipe(Effect.scoped)
)

/** In front of a store: connections that stay open, and silent, when the store behind them is gone. */
const leavingOpen = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await fs.mkdtemp(path.join(tmpdir(), "koinon-open-"))
      const socket = path.join(folder, "s.sock")
      const clients = new Set<Socket>()
      const server = createServer((client) => {
        clients.add(client.on("error", () => undefined))
        const store = createConnection(socketOf(url)).on("error", () => undefined)
        client.on("data", (chunk: Buffer) => store.write(chunk)).on("close", () => store.destroy())
        store.on("data", (chunk: Buffer) => client.write(chunk))
      })
      await new Promise<void>((resolve) => void server.listen(socket, resolve))
      const close = async (): Promise<void> => {
        for (const client of clients) client.destroy()
        server.close()
        await fs.rm(folder, { recursive: true, force: true })
      }
      return { url: url.replace(encodeURIComponent(socketOf(url)), encodeURIComponent(socket)), close }
    }),
    ({ close }) => Effect.promise(close)
  )

it.live("who asks a store that has just died hears so in time, though its connection stays open", () =>
  Effect.gen(function* () {
    const store = yield* EmbeddedStore.start
    const { url } = yield* leavingOpen(store.url)
    yield* Effect.gen(function* () {
      const { onLost, use } = yield* SegmentDatabase
      const ask = use("ask", ({ profiles }) => profiles.findOne({}))
      yield* ask
      const asked: Array<Promise<unknown>> = []
      onLost(() => asked.push(Effect.runPromise(Effect.exit(ask))))
      yield* store.kill
      yield* eventually(
        "it is lost",
        Effect.sync(() => asked.length === 1)
      )
      const heard = yield* Effect.timeoutOption(
        Effect.promise(() => Promise.all(asked)),
        patienceMs
      )
      assert.isTrue(Option.isSome(heard))
      yield* eventually("there is one again", Effect.map(Effect.option(ask), Option.isSome))
    }).pipe(Effect.provide(layerOf({ ...store, url }, "koinon")))
  }).pipe(Effect.scoped)
)
