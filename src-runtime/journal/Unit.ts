/**
 * A unit: all that one turn makes durable, encoded. A batch of units is one commit. Rows mirror the tables of
 * `migrations/0001_journal.sql`.
 */

export interface CommandRow {
  readonly id: string
  readonly business: string
  readonly key: string
  /** What the caller asked, hashed: the same id with another fingerprint is refused (P7). */
  readonly fingerprint: string
  /** `null` while a later turn still has to settle it. */
  readonly outcome: string | null
  readonly at: number
}

export interface EventRow {
  readonly business: string
  readonly key: string
  readonly aggregate: number
  readonly id: string
  readonly seq: number
  readonly shard: number
  /** Given by the committer, dense per shard in commit order. */
  offset: number
  readonly type: string
  readonly version: number
  readonly body: string
  readonly checksum: number
  readonly at: number
}

export interface InboxRow {
  readonly id: string
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly command: string
  /** The instant of a timer; `atOnce` for everything else, for a clock may run ahead of the next runner's. */
  readonly deliverAt: number
  /** When it was sent. */
  readonly at: number
}

/** Before every clock. */
export const atOnce = 0

export interface ClaimRow {
  readonly scope: string
  readonly kind: string
  readonly hash: Uint8Array
  readonly business: string
  readonly holder: string
}

export interface SnapshotRow {
  readonly business: string
  readonly aggregate: number
  readonly id: string
  readonly seq: number
  readonly stateVersion: number
  readonly body: string
  readonly checksum: number
}

export interface Unit {
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly command: CommandRow | undefined
  readonly events: ReadonlyArray<EventRow>
  /** Messages and timers to be kept until done. */
  readonly inbox: ReadonlyArray<InboxRow>
  /** The message that this unit does. */
  readonly done: string | undefined
  readonly settles: ReadonlyArray<{ readonly id: string; readonly outcome: string }>
  readonly takes: ReadonlyArray<ClaimRow>
  readonly releases: ReadonlyArray<ClaimRow>
  /** The wrapped data key of a contact whose first event this is. */
  readonly dataKey: Uint8Array | undefined
}

/** A unit that makes nothing durable yet. */
export const emptyUnit = (business: string, key: string, shard: number): Unit => ({
  business,
  key,
  shard,
  command: undefined,
  events: [],
  inbox: [],
  done: undefined,
  settles: [],
  takes: [],
  releases: [],
  dataKey: undefined
})

export interface Batch {
  readonly id: string
  readonly runner: string
  readonly at: number
  /** The shards that are written and the epochs they are held at: the fence. */
  readonly fence: ReadonlyArray<readonly [shard: number, epoch: number]>
  readonly units: ReadonlyArray<Unit>
}

/** The identity of a claim, for sets and maps. */
export const claimName = (claim: ClaimRow): string =>
  `${claim.scope}/${claim.kind}/${Buffer.from(claim.hash).toString("base64")}`

/** The identity of a stream. */
export const streamName = (row: { readonly aggregate: number; readonly id: string }): string =>
  `${row.aggregate}/${row.id}`
