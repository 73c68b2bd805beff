/**
 * The database of the segment store: the official driver, and behind it either the MongoDB that a setting names or the
 * embedded segment store. Nothing above knows which, but for who fills it: an embedded one is this runner's own and empty at
 * each start, a MongoDB is shared and stays.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Collection, Document, MongoClient } from "mongodb"
import * as EmbeddedStore from "./embedded/EmbeddedStore.ts"

/** The store did not answer, or not in time. `reason` names what went wrong without the values that its own words quote. */
export class SegmentStoreUnavailable extends Schema.TaggedError<SegmentStoreUnavailable>()("SegmentStoreUnavailable", {
  operation: Schema.String,
  reason: Schema.String
}) {}

export interface StoredDocument {
  readonly _id: string
  readonly [field: string]: unknown
}

/** How far a shard has been written. */
export interface StoredCursor {
  readonly _id: number
  readonly offset: number
  /** Of the filling that it belongs to. */
  readonly generation?: string
}

/** What the documents are. */
export interface StoredMark {
  readonly _id: string
  /** The code that wrote them. */
  readonly by: string
  /** Named anew each time that the store is emptied; absent in one that is older than that. */
  readonly generation?: string
  /** Where the journal ended then: before it is there, documents are missing. */
  readonly fills?: ReadonlyArray<{ readonly shard: number; readonly offset: number }>
  /** How often it had been asked for a rebuild then. */
  readonly rebuild?: number
}

/** What the store is asked through. */
export interface SegmentCollections {
  readonly profiles: Collection<StoredDocument>
  readonly events: Collection<StoredDocument>
  readonly cursors: Collection<StoredCursor>
  /** One document: by what code the others were written, and when they are complete. */
  readonly written: Collection<StoredMark>
  /** One command as it is, without what the driver does for each of its statements. */
  readonly command: (command: Document) => Promise<Document>
}

export class SegmentDatabase extends Context.Service<
  SegmentDatabase,
  {
    readonly kind: "EMBEDDED" | "MONGODB"
    /** An answer, or at last the refusal to wait for it; also when the store dies meanwhile. */
    readonly use: <A>(
      operation: string,
      ask: (collections: SegmentCollections) => Promise<A>
    ) => Effect.Effect<A, SegmentStoreUnavailable>
    /** For what is read piece by piece. Of the store as it is now: one that dies is not asked through the same ones again. */
    readonly collections: () => SegmentCollections
    /** Fails when the embedded store has lost all that it held. */
    readonly lost: Effect.Effect<never, SegmentStoreUnavailable>
    /** Called at once when the embedded store has lost all that it held. */
    readonly onLost: (listener: () => void) => () => void
  }
>()("koinon/runtime/SegmentDatabase") {}

/** How long a store that is away is waited for. */
const selectionTimeoutMs = 2_000
/** How long an answer is waited for: the driver itself waits for ever where a connection breaks at the wrong moment. */
const answerMaxMs = 10 * 60_000
const connectionsMax = 16

export const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "it threw what is no error"
  const { code, codeName } = cause as { readonly code?: unknown; readonly codeName?: unknown }
  const said = typeof codeName === "string" ? codeName : typeof code === "number" ? String(code) : ""
  return `${cause.name} ${said}`.trim()
}

interface Connected {
  readonly client: MongoClient
  readonly collections: SegmentCollections
  /** Whether it was ever there: until then it has to be connected anew, for the driver gives up for good. */
  isOpen: boolean
}

const opened = async (connected: Connected): Promise<SegmentCollections> => {
  if (!connected.isOpen) {
    await connected.client.connect()
    connected.isOpen = true
  }
  return connected.collections
}

/** Loaded here alone: a verb that needs no segments does not pay for the driver. */
const driver = Effect.tryPromise({
  try: () => import("mongodb"),
  catch: (cause) => new SegmentStoreUnavailable({ operation: "connect", reason: reasonOf(cause) })
})

const connecting = (
  Client: typeof MongoClient,
  url: Redacted.Redacted,
  name: string,
  isEmbedded: boolean
): Connected => {
  const client = new Client(Redacted.value(url), {
    appName: "koinon",
    ignoreUndefined: true,
    // Whatever the address asks for: a secondary would answer before it has what was committed.
    readPreference: "primary",
    maxPoolSize: connectionsMax,
    serverSelectionTimeoutMS: selectionTimeoutMs,
    // Asked again it might answer from an embedded store that has just begun anew, and is empty.
    ...(isEmbedded && { retryReads: false })
  })
  const database = client.db(name)
  return {
    client,
    isOpen: false,
    collections: {
      profiles: database.collection<StoredDocument>("profiles"),
      events: database.collection<StoredDocument>("events"),
      cursors: database.collection<StoredCursor>("cursors"),
      written: database.collection<StoredMark>("written"),
      // The client's own options do not reach it.
      command: (command) => database.command(command, { ignoreUndefined: true })
    }
  }
}

const unavailable = (operation: string, reason: string) => new SegmentStoreUnavailable({ operation, reason })

export interface Options {
  /** Absent, the embedded one is started. */
  readonly url: Redacted.Redacted | undefined
  readonly database: string
}

/** Behind an address, or on an embedded store that is there already. */
export const layerOf = (
  store: Redacted.Redacted | EmbeddedStore.EmbeddedStore,
  name: string
): Layer.Layer<SegmentDatabase, SegmentStoreUnavailable> =>
  Layer.effect(
    SegmentDatabase,
    Effect.gen(function* () {
      const embedded = Redacted.isRedacted(store) ? undefined : store
      const url = Redacted.isRedacted(store) ? store : Redacted.make(store.url)
      const { MongoClient: Client } = yield* driver
      const connect = () => connecting(Client, url, name, embedded !== undefined)
      const close = ({ client }: Connected) => Effect.ignore(Effect.tryPromise(() => client.close()))
      let current = connect()
      yield* Effect.addFinalizer(() => Effect.suspend(() => close(current)))
      const runFork = Effect.runForkWith(yield* Effect.context())
      const onLost = embedded?.onLost ?? (() => () => undefined)
      // Heard before anybody else: a connection to a store that has died is not asked again, for it may never say that it has.
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          onLost(() => {
            runFork(close(current))
            current = connect()
          })
        ),
        (unsubscribe) => Effect.sync(unsubscribe)
      )
      const lost = Effect.callback<never, SegmentStoreUnavailable>((resume) => {
        const unsubscribe = onLost(() => resume(Effect.fail(unavailable("wait", "it has ended"))))
        return Effect.sync(unsubscribe)
      })
      return SegmentDatabase.of({
        kind: embedded === undefined ? "MONGODB" : "EMBEDDED",
        use: (operation, ask) =>
          Effect.tryPromise({
            try: async () => ask(await opened(current)),
            catch: (cause) => unavailable(operation, reasonOf(cause))
          }).pipe(
            Effect.raceFirst(lost),
            Effect.timeoutOrElse({
              duration: answerMaxMs,
              orElse: () => Effect.fail(unavailable(operation, "no answer"))
            })
          ),
        collections: () => current.collections,
        lost,
        onLost
      })
    })
  )

export const layer = ({
  url,
  database
}: Options): Layer.Layer<SegmentDatabase, SegmentStoreUnavailable | EmbeddedStore.EmbeddedStoreFailed> =>
  url === undefined
    ? Layer.unwrap(Effect.map(EmbeddedStore.start, (store) => layerOf(store, database)))
    : layerOf(url, database)
