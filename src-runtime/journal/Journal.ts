/**
 * The journal: the only thing that is true. This is what a store has to offer; `JournalPostgres` and `JournalMemory`
 * keep the same contract, which one test suite holds against both.
 *
 * Guarantees: a commit is all or nothing; it happens only at the epochs named; (stream, seq), (shard, offset), command
 * ids and claims are unique; what `commit` returned from survives a crash.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Listener } from "./Notice.ts"
import type { Batch, ClaimRow, CommandRow, EventRow, InboxRow, SnapshotRow, Unit } from "./Unit.ts"

/** The journal cannot be reached, or failed in a way that says nothing about what it holds. Worth trying again. */
export class JournalUnavailable extends Schema.TaggedError<JournalUnavailable>()("JournalUnavailable", {
  operation: Schema.String,
  cause: Schema.Defect()
}) {}

/** Another runner has taken one of the shards: nothing was stored, and nothing will be. */
export class Fenced extends Schema.TaggedError<Fenced>()("Fenced", {}) {}

/** A uniqueness rule was hit: nothing was stored. `conflicts` tells by whom. */
export class Conflicting extends Schema.TaggedError<Conflicting>()("Conflicting", { constraint: Schema.String }) {}

/** The store understood the batch and will never take it: one of its rows is wrong. Nothing was stored. */
export class Poisonous extends Schema.TaggedError<Poisonous>()("Poisonous", { state: Schema.String }) {}

export interface ShardHold {
  readonly shard: number
  readonly epoch: number
  /** The last offset in the journal: final, since older owners can no longer commit. */
  readonly lastOffset: number
}

export interface StreamRef {
  readonly aggregate: number
  readonly id: string
}

/** An event by its place in its stream. */
export interface EventRef extends StreamRef {
  readonly seq: number
}

/**
 * What happens at a contact's key in streams of their own, and is looked for by her: one index is of these types alone
 * (migration 0019), so a type that is added here needs one as well.
 */
export const asideTypes = ["PurchaseRefused", "CommandHeld", "HeldApproved", "HeldRejected", "HeldLapsed"] as const

export interface LoadedStream extends StreamRef {
  readonly snapshot: SnapshotRow | undefined
  /** All events after the snapshot, in sequence. */
  readonly events: ReadonlyArray<EventRow>
  /** When its last event was, also where a snapshot stands for it; 0 without any. Nothing may be judged before that (P16). */
  readonly lastAt: number
}

export interface Loaded {
  readonly streams: ReadonlyArray<LoadedStream>
  readonly dataKey: Uint8Array | undefined
}

export interface Place {
  readonly shard: number
  readonly offset: number
}

/** Offsets of one shard, the first one excluded. */
export interface OffsetRange {
  readonly shard: number
  readonly after: number
  readonly upTo: number
}

/** What stands in the way of a batch. */
export interface Conflicts {
  readonly commands: ReadonlyMap<string, CommandRow>
  /** By `claimName`: the contact that holds it. */
  readonly claims: ReadonlyMap<string, string>
  /** By `streamName/seq`. */
  readonly events: ReadonlySet<string>
}

export class Journal extends Context.Service<
  Journal,
  {
    /** Raises the epochs of the shards and waits for commits under way: afterwards older owners cannot write. */
    readonly takeOver: (
      runner: string,
      shards: ReadonlyArray<number>
    ) => Effect.Effect<ReadonlyArray<ShardHold>, JournalUnavailable>
    /** The same for those of the shards that this runner still holds: the others are lost to another runner. */
    readonly retake: (
      runner: string,
      shards: ReadonlyArray<number>
    ) => Effect.Effect<ReadonlyArray<ShardHold>, JournalUnavailable>
    readonly commit: (batch: Batch) => Effect.Effect<void, JournalUnavailable | Fenced | Conflicting | Poisonous>
    readonly hasBatch: (id: string) => Effect.Effect<boolean, JournalUnavailable>
    readonly conflicts: (units: ReadonlyArray<Unit>) => Effect.Effect<Conflicts, JournalUnavailable>
    /**
     * Snapshot and tail of each stream (or every event, without snapshots), and the data key of `key`. Streams of another
     * business come back empty.
     */
    readonly load: (
      business: string,
      key: string,
      streams: ReadonlyArray<StreamRef>,
      options?: { readonly withoutSnapshots: boolean }
    ) => Effect.Effect<Loaded, JournalUnavailable>
    /** The wrapped data keys that there are, by the contact they belong to. */
    readonly dataKeys: (
      business: string,
      contacts: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, Uint8Array>, JournalUnavailable>
    readonly command: (id: string) => Effect.Effect<CommandRow | undefined, JournalUnavailable>
    /** The holders of the claims, by `claimName`. */
    readonly holders: (
      claims: ReadonlyArray<ClaimRow>
    ) => Effect.Effect<ReadonlyMap<string, string>, JournalUnavailable>
    /** Undone work of the shards that is due, oldest first, without what is parked. */
    readonly due: (
      now: number,
      shards: ReadonlyArray<number>,
      rowsMax: number
    ) => Effect.Effect<
      { readonly rows: ReadonlyArray<InboxRow>; readonly nextAt: number | undefined },
      JournalUnavailable
    >
    /** Takes a message out of delivery for an operator to look at. */
    readonly park: (id: string, failure: string) => Effect.Effect<void, JournalUnavailable>
    /** How much work waits and is parked, and since when the oldest due one waits. */
    readonly backlog: (
      now: number
    ) => Effect.Effect<
      { readonly due: number; readonly parked: number; readonly oldestDueAt: number | undefined },
      JournalUnavailable
    >
    /** The last offset of each shard that has events. */
    readonly heads: (shards: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<Place>, JournalUnavailable>
    /** A page of each shard after an offset, in order within it. */
    readonly shardEvents: (
      after: ReadonlyArray<Place>,
      rowsMaxEach: number
    ) => Effect.Effect<ReadonlyArray<EventRow>, JournalUnavailable>
    /**
     * The events of some types within ranges of offsets, in order within each shard, and the shards whose range has a
     * hole: that cannot be, so nothing may be built on what was read.
     */
    readonly scan: (
      ranges: ReadonlyArray<OffsetRange>,
      types: ReadonlyArray<string>
    ) => Effect.Effect<
      { readonly rows: ReadonlyArray<EventRow>; readonly shardsWithHoles: ReadonlyArray<number> },
      JournalUnavailable
    >
    /** A page of one stream, newest first, before a sequence number. */
    readonly streamEvents: (
      business: string,
      stream: StreamRef,
      beforeSeq: number,
      rowsMax: number
    ) => Effect.Effect<ReadonlyArray<EventRow>, JournalUnavailable>
    /** A page of what happened at a key in streams of their own (`asideTypes`): DESC before an offset, ASC after it. */
    readonly asideEvents: (
      business: string,
      key: string,
      from: { readonly offset: number; readonly order: "ASC" | "DESC" },
      rowsMax: number
    ) => Effect.Effect<ReadonlyArray<EventRow>, JournalUnavailable>
    /** Those of them that there are, in no order. */
    readonly eventsAt: (
      business: string,
      places: ReadonlyArray<EventRef>
    ) => Effect.Effect<ReadonlyArray<EventRow>, JournalUnavailable>
    /** All businesses: the streams that are a business itself. */
    readonly businessIds: Effect.Effect<ReadonlyArray<string>, JournalUnavailable>
    /**
     * Hears what any runner commits of the things that others remember. Runs until it can no longer be sure to hear all of
     * it; whoever listens again has to assume that something was missed.
     */
    readonly hear: (listener: Listener) => Effect.Effect<never, JournalUnavailable>
    readonly saveSnapshots: (snapshots: ReadonlyArray<SnapshotRow>) => Effect.Effect<void, JournalUnavailable>
    /** Forgets batches from before an instant, nobody asks for them any more; returns how many rows went. */
    readonly forgetBatches: (before: number, rowsMax: number) => Effect.Effect<number, JournalUnavailable>
  }
>()("koinon/runtime/Journal") {}
