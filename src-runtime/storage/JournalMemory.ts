/**
 * The journal in memory: the same contract as `JournalPostgres`, for tests of the runtime and for simulation, where many
 * runners share one and faults are drawn from a seed. Nothing survives the process.
 */
import * as Effect from "effect/Effect"
import { asideTypes, Conflicting, Fenced, Journal } from "../journal/Journal.ts"
import { type Listener, noticesOf } from "../journal/Notice.ts"
import {
  claimName,
  streamName,
  type Batch,
  type CommandRow,
  type EventRow,
  type InboxRow,
  type SnapshotRow
} from "../journal/Unit.ts"

/** All that the journal holds; two services over one store are two connections to one database. */
export interface Store {
  readonly epochs: Map<number, { epoch: number; owner: string }>
  /** When each was made, by id. */
  readonly batches: Map<string, number>
  readonly commands: Map<string, CommandRow>
  readonly streams: Map<string, Array<EventRow>>
  readonly shards: Map<number, Array<EventRow>>
  readonly inbox: Map<string, InboxRow & { failure?: string }>
  readonly claims: Map<string, string>
  readonly snapshots: Map<string, SnapshotRow>
  readonly dataKeys: Map<string, { readonly business: string; readonly wrapped: Uint8Array }>
  readonly listeners: Set<Listener>
}

export const emptyStore = (): Store => ({
  epochs: new Map(),
  batches: new Map(),
  commands: new Map(),
  streams: new Map(),
  shards: new Map(),
  inbox: new Map(),
  claims: new Map(),
  snapshots: new Map(),
  dataKeys: new Map(),
  listeners: new Set()
})

const listIn = <K>(map: Map<K, Array<EventRow>>, key: K): Array<EventRow> => {
  let list = map.get(key)
  if (list === undefined) {
    list = []
    map.set(key, list)
  }
  return list
}

/** What PostgreSQL's unique constraints would say, or `undefined`. */
const violation = (store: Store, batch: Batch): string | undefined => {
  const commands = new Set<string>()
  const claims = new Set<string>()
  const events = new Set<string>()
  for (const unit of batch.units) {
    const id = unit.command?.id
    if (id !== undefined && (store.commands.has(id) || commands.has(id))) return "command_pkey"
    if (id !== undefined) commands.add(id)
    for (const claim of unit.takes) {
      const name = claimName(claim)
      // One statement sees the values as they were before it: what it releases is not free yet.
      if (store.claims.has(name) || claims.has(name)) return "claim_pkey"
      claims.add(name)
    }
    for (const event of unit.events) {
      const name = `${streamName(event)}/${event.seq}`
      const stored = store.streams.get(streamName(event))?.at(-1)?.seq ?? 0
      if (event.seq <= stored || events.has(name)) return "event_pkey"
      events.add(name)
      if ((store.shards.get(event.shard)?.at(-1)?.offset ?? 0) >= event.offset) return "event_shard_offset"
    }
    if (unit.dataKey !== undefined && store.dataKeys.has(unit.key)) return "data_key_pkey"
  }
  return undefined
}

const apply = (store: Store, batch: Batch): void => {
  store.batches.set(batch.id, batch.at)
  for (const claim of batch.units.flatMap((unit) => unit.releases)) {
    if (store.claims.get(claimName(claim)) === claim.holder) store.claims.delete(claimName(claim))
  }
  for (const unit of batch.units) {
    if (unit.command !== undefined) store.commands.set(unit.command.id, unit.command)
    for (const event of unit.events) {
      listIn(store.streams, streamName(event)).push({ ...event })
      listIn(store.shards, event.shard).push({ ...event })
    }
    if (unit.done !== undefined) store.inbox.delete(unit.done)
    for (const row of unit.inbox) if (!store.inbox.has(row.id)) store.inbox.set(row.id, row)
    for (const { id, outcome } of unit.settles) {
      const row = store.commands.get(id)
      if (row !== undefined) store.commands.set(id, { ...row, outcome })
    }
    for (const claim of unit.takes) store.claims.set(claimName(claim), claim.holder)
    if (unit.dataKey !== undefined) store.dataKeys.set(unit.key, { business: unit.business, wrapped: unit.dataKey })
  }
}

const holdsOf = (store: Store, shards: ReadonlyArray<number>) =>
  shards.map((shard) => ({
    shard,
    epoch: store.epochs.get(shard)?.epoch ?? 0,
    lastOffset: store.shards.get(shard)?.at(-1)?.offset ?? 0
  }))

/** A journal service over a store. */
export const make = (store: Store): Journal["Service"] =>
  Journal.of({
    takeOver: (runner, shards) =>
      Effect.sync(() => {
        for (const shard of shards) {
          store.epochs.set(shard, { epoch: (store.epochs.get(shard)?.epoch ?? 0) + 1, owner: runner })
        }
        return holdsOf(store, shards)
      }),
    retake: (runner, shards) =>
      Effect.sync(() => {
        const held = shards.filter((shard) => store.epochs.get(shard)?.owner === runner)
        for (const shard of held) {
          store.epochs.set(shard, { epoch: (store.epochs.get(shard)?.epoch ?? 0) + 1, owner: runner })
        }
        return holdsOf(store, held)
      }),
    commit: (batch) =>
      Effect.suspend((): Effect.Effect<void, Fenced | Conflicting> => {
        if (batch.fence.some(([shard, epoch]) => store.epochs.get(shard)?.epoch !== epoch)) {
          return Effect.fail(new Fenced())
        }
        const constraint = violation(store, batch)
        if (constraint !== undefined) return Effect.fail(new Conflicting({ constraint }))
        apply(store, batch)
        for (const notice of noticesOf(batch.units)) for (const listener of store.listeners) listener.notice(notice)
        // A commit is never instantaneous: whoever relies on that is found out here.
        return Effect.yieldNow
      }),
    hasBatch: (id) => Effect.sync(() => store.batches.has(id)),
    conflicts: (units) =>
      Effect.sync(() => ({
        commands: new Map(
          units.flatMap((unit) => {
            const row = unit.command === undefined ? undefined : store.commands.get(unit.command.id)
            return row === undefined ? [] : [[row.id, row] as const]
          })
        ),
        claims: new Map(
          units.flatMap((unit) =>
            unit.takes.flatMap((claim) => {
              const holder = store.claims.get(claimName(claim))
              return holder === undefined ? [] : [[claimName(claim), holder] as const]
            })
          )
        ),
        events: new Set(
          units.flatMap((unit) =>
            unit.events
              .filter((event) => event.seq <= (store.streams.get(streamName(event))?.at(-1)?.seq ?? 0))
              .map((event) => `${streamName(event)}/${event.seq}`)
          )
        )
      })),
    load: (business, key, streams, options) =>
      Effect.sync(() => {
        const dataKey = store.dataKeys.get(key)
        return {
          streams: streams.map((stream) => {
            const kept = store.snapshots.get(streamName(stream))
            const snapshot = options?.withoutSnapshots === true || kept?.business !== business ? undefined : kept
            const stored = store.streams.get(streamName(stream)) ?? []
            const events = stored.filter((event) => event.business === business && event.seq > (snapshot?.seq ?? 0))
            return { ...stream, snapshot, events, lastAt: (snapshot === undefined ? events : stored).at(-1)?.at ?? 0 }
          }),
          dataKey: dataKey?.business === business ? dataKey.wrapped : undefined
        }
      }),
    command: (id) => Effect.sync(() => store.commands.get(id)),
    holders: (claims) =>
      Effect.sync(
        () =>
          new Map(
            claims.flatMap((claim) => {
              const holder = store.claims.get(claimName(claim))
              return holder === undefined ? [] : [[claimName(claim), holder] as const]
            })
          )
      ),
    due: (now, shards, rowsMax) =>
      Effect.sync(() => {
        const open = [...store.inbox.values()].filter((row) => row.failure === undefined && shards.includes(row.shard))
        const later = open.filter((row) => row.deliverAt > now).map((row) => row.deliverAt)
        return {
          rows: open.filter((row) => row.deliverAt <= now).slice(0, rowsMax),
          nextAt: later.length === 0 ? undefined : Math.min(...later)
        }
      }),
    park: (id, failure) =>
      Effect.sync(() => {
        const row = store.inbox.get(id)
        if (row !== undefined) store.inbox.set(id, { ...row, failure })
      }),
    backlog: (now) =>
      Effect.sync(() => {
        const due = [...store.inbox.values()].filter((row) => row.deliverAt <= now)
        const open = due.filter((row) => row.failure === undefined)
        return {
          due: open.length,
          parked: due.length - open.length,
          oldestDueAt: open.length === 0 ? undefined : Math.min(...open.map((row) => Math.max(row.deliverAt, row.at)))
        }
      }),
    heads: (shards) =>
      Effect.sync(() =>
        shards.flatMap((shard) => {
          const last = store.shards.get(shard)?.at(-1)
          return last === undefined ? [] : [{ shard, offset: last.offset }]
        })
      ),
    shardEvents: (after, rowsMaxEach) =>
      Effect.sync(() =>
        after.flatMap(({ shard, offset }) =>
          (store.shards.get(shard) ?? []).filter((event) => event.offset > offset).slice(0, rowsMaxEach)
        )
      ),
    scan: (ranges, types) =>
      Effect.sync(() => {
        const within = ranges.map(({ shard, after, upTo }) => ({
          shard,
          expected: upTo - after,
          rows: (store.shards.get(shard) ?? []).filter(({ offset }) => offset > after && offset <= upTo)
        }))
        return {
          rows: within.flatMap(({ rows }) => rows.filter(({ type }) => types.includes(type))),
          shardsWithHoles: within.filter(({ rows, expected }) => rows.length !== expected).map(({ shard }) => shard)
        }
      }),
    dataKeys: (business, contacts) =>
      Effect.sync(() => {
        const found = new Map<string, Uint8Array>()
        for (const contact of contacts) {
          const known = store.dataKeys.get(contact)
          if (known?.business === business) found.set(contact, known.wrapped)
        }
        return found
      }),
    streamEvents: (business, stream, beforeSeq, rowsMax) =>
      Effect.sync(() =>
        (store.streams.get(streamName(stream)) ?? [])
          .filter((event) => event.business === business && event.seq < beforeSeq)
          .toReversed()
          .slice(0, rowsMax)
      ),
    asideEvents: (business, key, { offset, order }, rowsMax) =>
      Effect.sync(() => {
        const types: ReadonlyArray<string> = asideTypes
        const isMeant = (event: EventRow): boolean =>
          event.business === business &&
          event.key === key &&
          types.includes(event.type) &&
          (order === "DESC" ? event.offset < offset : event.offset > offset)
        const found = [...store.shards.values()].flat().filter(isMeant)
        return (order === "DESC" ? found.toReversed() : found).slice(0, rowsMax)
      }),
    eventsAt: (business, places) =>
      Effect.sync(() =>
        places.flatMap((place) =>
          (store.streams.get(streamName(place)) ?? []).filter(
            (event) => event.business === business && event.seq === place.seq
          )
        )
      ),
    businessIds: Effect.sync(() =>
      [...store.streams.values()].flatMap((events) => (events[0]?.aggregate === 1 ? [events[0].id] : []))
    ),
    saveSnapshots: (snapshots) =>
      Effect.sync(() => {
        for (const snapshot of snapshots) {
          const kept = store.snapshots.get(streamName(snapshot))
          if (kept === undefined || kept.seq < snapshot.seq || kept.stateVersion !== snapshot.stateVersion) {
            store.snapshots.set(streamName(snapshot), snapshot)
          }
        }
      }),
    hear: (listener) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          store.listeners.add(listener)
          listener.listening()
        }),
        () => Effect.never,
        () => Effect.sync(() => store.listeners.delete(listener))
      ),
    forgetBatches: (before, rowsMax) =>
      Effect.sync(() => {
        const batches = [...store.batches].flatMap(([id, at]) => (at < before ? [id] : [])).slice(0, rowsMax)
        for (const id of batches) store.batches.delete(id)
        return batches.length
      })
  })
