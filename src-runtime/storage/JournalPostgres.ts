/**
 * The journal in PostgreSQL. A batch is one statement (`CommitStatement`), so it is one round trip, one transaction and
 * one flush: the fence is read `FOR SHARE` in the same statement that inserts, and a division by zero aborts it when an
 * epoch has moved. READ COMMITTED is enough: what must be unique has a unique index.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type { SqlError } from "effect/sql/SqlError"
import {
  asideTypes,
  Conflicting,
  Fenced,
  Journal,
  JournalUnavailable,
  Poisonous,
  type Loaded,
  type LoadedStream,
  type StreamRef
} from "../journal/Journal.ts"
import { noticesIn } from "../journal/Notice.ts"
import {
  claimName,
  streamName,
  type ClaimRow,
  type CommandRow,
  type EventRow,
  type InboxRow,
  type SnapshotRow
} from "../journal/Unit.ts"
import {
  bigints,
  byteas,
  commitStatement,
  integers,
  noticeChannel,
  smallints,
  texts,
  uuids
} from "./CommitStatement.ts"
import { rowIsWrong, sqlState } from "./SqlState.ts"

const divisionByZero = "22012"

const rejected = (error: SqlError): JournalUnavailable | Fenced | Conflicting | Poisonous => {
  if (error.reason._tag === "UniqueViolation") return new Conflicting({ constraint: error.reason.constraint })
  const state = sqlState(error)
  if (state === divisionByZero) return new Fenced()
  if (state !== undefined && rowIsWrong.test(state)) return new Poisonous({ state })
  return new JournalUnavailable({ operation: "commit", cause: error })
}

/** A row whose columns are named as the type's fields: only 64-bit integers have to be made numbers (all below 2^53). */
const rowOf = (row: object): unknown => {
  const fields = row as Record<string, unknown>
  for (const name in fields) if (typeof fields[name] === "bigint") fields[name] = Number(fields[name])
  return fields
}

const eventColumns =
  'business, key, aggregate, id, seq, shard, shard_offset AS "offset", type, version, body, checksum, at'
/** Written out, for only then is the index of these types used. */
const asideList = asideTypes.map((type) => `'${type}'`).join(", ")
const commandColumns = "id, business, key, fingerprint, outcome, at"
const inboxColumns = 'id, business, key, shard, command, deliver_at AS "deliverAt", at'
const heldClaims =
  "SELECT scope, kind, hash, business, holder FROM claim WHERE (scope, kind, hash) IN " +
  "(SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[]))"

/**
 * All that an actor needs to wake, in one statement: so that it takes one round trip, and snapshots and events are of one
 * instant.
 */
const loading =
  "WITH wanted AS (SELECT * FROM unnest($1::smallint[], $2::uuid[]) AS w(stream, stream_id)), " +
  "kept AS (SELECT s.* FROM wanted JOIN snapshot s ON s.id = stream_id AND s.aggregate = stream " +
  "WHERE s.business = $3::uuid AND $5::boolean) " +
  "SELECT 'snapshot' AS part, business, NULL::uuid AS key, aggregate, id, seq, NULL::smallint AS shard, " +
  'NULL::bigint AS "offset", NULL::text AS type, state_version AS version, body, checksum, (SELECT e.at FROM event e ' +
  "WHERE e.id = kept.id AND e.aggregate = kept.aggregate AND e.seq = kept.seq) AS at, " +
  "NULL::bytea AS wrapped FROM kept UNION ALL " +
  "SELECT 'event', e.business, e.key, e.aggregate, e.id, e.seq, e.shard, e.shard_offset, e.type, e.version, e.body, " +
  "e.checksum, e.at, NULL FROM wanted LEFT JOIN kept ON kept.id = stream_id AND kept.aggregate = stream " +
  "JOIN event e ON e.id = stream_id AND e.aggregate = stream AND e.seq > coalesce(kept.seq, 0) " +
  "WHERE e.business = $3::uuid UNION ALL " +
  "SELECT 'key', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, wrapped FROM data_key " +
  "WHERE key = $4::uuid AND business = $3::uuid"

type LoadedRow = EventRow & { readonly part: "snapshot" | "event" | "key"; readonly wrapped: Uint8Array }

const snapshotOf = ({ business, aggregate, id, seq, version, body, checksum }: LoadedRow): SnapshotRow => ({
  business,
  aggregate,
  id,
  seq,
  stateVersion: version,
  body,
  checksum
})

const eventOf = ({ part: _part, wrapped: _wrapped, ...row }: LoadedRow): EventRow => row

const loadedOf = (streams: ReadonlyArray<StreamRef>, rows: ReadonlyArray<LoadedRow>): Loaded => ({
  streams: streams.map((stream): LoadedStream => {
    const own = rows.filter((row) => row.aggregate === stream.aggregate && row.id === stream.id)
    const snapshot = own.find(({ part }) => part === "snapshot")
    return {
      ...stream,
      lastAt: own.reduce((last, { part, at }) => (part === "key" ? last : Math.max(last, at)), 0),
      snapshot: snapshot === undefined ? undefined : snapshotOf(snapshot),
      events: own
        .filter(({ part }) => part === "event")
        .map(eventOf)
        .toSorted((left, right) => left.seq - right.seq)
    }
  }),
  dataKey: rows.find(({ part }) => part === "key")?.wrapped
})

const offsetRanges = "unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS ranges(s, after, up_to)"

const claimParameters = (claims: ReadonlyArray<ClaimRow>) => [
  uuids(claims.map((claim) => claim.scope)),
  texts(claims.map((claim) => claim.kind)),
  byteas(claims.map((claim) => claim.hash))
]

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient

  const query = <Row>(operation: string, text: string, parameters: ReadonlyArray<unknown> = []) =>
    Effect.mapBoth(sql.unsafe<object>(text, parameters), {
      onFailure: (cause) => new JournalUnavailable({ operation, cause }),
      onSuccess: (rows): ReadonlyArray<Row> => rows.map(rowOf) as ReadonlyArray<Row>
    })

  interface Epoch {
    readonly shard: number
    readonly epoch: number
  }
  const holdsOf = (epochs: ReadonlyArray<Epoch>) =>
    Effect.map(
      query<{ readonly shard: number; readonly last: number }>(
        "holds",
        "SELECT s.shard, coalesce((SELECT max(e.shard_offset) FROM event e WHERE e.shard = s.shard), 0) AS last " +
          "FROM unnest($1::smallint[]) AS s(shard)",
        [smallints(epochs.map(({ shard }) => shard))]
      ),
      (offsets) => {
        const last = new Map(offsets.map((row) => [row.shard, row.last]))
        return epochs.map(({ shard, epoch }) => ({ shard, epoch, lastOffset: last.get(shard) ?? 0 }))
      }
    )

  const holders = (claims: ReadonlyArray<ClaimRow>) =>
    Effect.map(
      query<ClaimRow>("holders", heldClaims, claimParameters(claims)),
      (rows) => new Map(rows.map((row) => [claimName(row), row.holder]))
    )

  const conflictingEvents = (events: ReadonlyArray<EventRow>) =>
    Effect.map(
      query<EventRow>(
        "conflicts",
        "SELECT aggregate, id, seq FROM event WHERE (id, aggregate, seq) IN " +
          "(SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::integer[]))",
        [
          uuids(events.map((event) => event.id)),
          smallints(events.map((event) => event.aggregate)),
          integers(events.map((event) => event.seq))
        ]
      ),
      (rows) => new Set(rows.map((row) => `${streamName(row)}/${row.seq}`))
    )

  const commands = (ids: ReadonlyArray<string>) =>
    query<CommandRow>("commands", `SELECT ${commandColumns} FROM command WHERE id IN (SELECT unnest($1::uuid[]))`, [
      uuids(ids)
    ])

  return Journal.of({
    takeOver: Effect.fn("Journal.takeOver")(function* (runner, shards) {
      return yield* holdsOf(
        yield* query<Epoch>(
          "takeOver",
          "INSERT INTO shard_epoch (shard, epoch, owner) SELECT shard, 1, $2::uuid FROM unnest($1::smallint[]) AS t(shard) " +
            "ORDER BY shard ON CONFLICT (shard) DO UPDATE SET epoch = shard_epoch.epoch + 1, owner = excluded.owner " +
            "RETURNING shard, epoch",
          [smallints(shards), runner]
        )
      )
    }),
    retake: Effect.fn("Journal.retake")(function* (runner, shards) {
      const epochs = yield* query<Epoch>(
        "retake",
        "UPDATE shard_epoch SET epoch = epoch + 1 WHERE owner = $2::uuid AND shard IN (SELECT unnest($1::smallint[])) " +
          "RETURNING shard, epoch",
        [smallints(shards), runner]
      )
      return yield* holdsOf(epochs)
    }),
    commit: (batch) =>
      Effect.suspend(() => {
        const [text, parameters] = commitStatement(batch)
        return Effect.asVoid(Effect.mapError(sql.unsafe(text, parameters).raw, rejected))
      }),
    hasBatch: (id) =>
      Effect.map(query("hasBatch", "SELECT id FROM batch WHERE id = $1::uuid", [id]), (rows) => rows.length > 0),
    conflicts: Effect.fn("Journal.conflicts")(function* (units) {
      const rows = yield* commands(units.flatMap(({ command }) => (command === undefined ? [] : [command.id])))
      return {
        commands: new Map(rows.map((row) => [row.id, row])),
        claims: yield* holders(units.flatMap(({ takes }) => takes)),
        events: yield* conflictingEvents(units.flatMap(({ events }) => events))
      }
    }),
    load: (business, key, streams, options) =>
      Effect.map(
        query<LoadedRow>("load", loading, [
          smallints(streams.map(({ aggregate }) => aggregate)),
          uuids(streams.map(({ id }) => id)),
          business,
          key,
          options?.withoutSnapshots !== true
        ]),
        (rows) => loadedOf(streams, rows)
      ),
    dataKeys: (business, contacts) =>
      Effect.map(
        query<{ readonly key: string; readonly wrapped: Uint8Array }>(
          "dataKeys",
          "SELECT key, wrapped FROM data_key WHERE key = ANY ($1::uuid[]) AND business = $2::uuid",
          [uuids(contacts), business]
        ),
        (rows) => new Map(rows.map(({ key, wrapped }) => [key, wrapped]))
      ),
    command: (id) => Effect.map(commands([id]), (rows) => rows[0]),
    holders,
    due: Effect.fnUntraced(function* (now, shards, rowsMax) {
      const held = smallints(shards)
      const rows = yield* query<InboxRow>(
        "due",
        `SELECT ${inboxColumns} FROM inbox WHERE deliver_at <= $1::bigint AND failure IS NULL ` +
          "AND shard = ANY ($2::smallint[]) ORDER BY position LIMIT $3::integer",
        [BigInt(now), held, rowsMax]
      )
      const next = yield* query<{ readonly next: number | null }>(
        "due",
        "SELECT min(deliver_at) AS next FROM inbox WHERE deliver_at > $1::bigint AND failure IS NULL " +
          "AND shard = ANY ($2::smallint[])",
        [BigInt(now), held]
      )
      return { rows, nextAt: next[0]?.next ?? undefined }
    }),
    park: (id, failure) =>
      Effect.asVoid(query("park", "UPDATE inbox SET failure = $2::text WHERE id = $1::uuid", [id, failure])),
    backlog: (now) =>
      Effect.map(
        query<{ readonly due: number; readonly parked: number; readonly oldest: number | null }>(
          "backlog",
          "SELECT count(*) FILTER (WHERE failure IS NULL) AS due, count(*) FILTER (WHERE failure IS NOT NULL) AS parked, " +
            "min(greatest(deliver_at, at)) FILTER (WHERE failure IS NULL) AS oldest FROM inbox WHERE deliver_at <= $1::bigint",
          [BigInt(now)]
        ),
        ([row]) => ({ due: row?.due ?? 0, parked: row?.parked ?? 0, oldestDueAt: row?.oldest ?? undefined })
      ),
    heads: (shards) =>
      query(
        "heads",
        'SELECT s AS shard, h.head AS "offset" FROM unnest($1::smallint[]) AS s CROSS JOIN LATERAL ' +
          "(SELECT max(shard_offset) AS head FROM event WHERE shard = s) AS h WHERE h.head IS NOT NULL",
        [smallints(shards)]
      ),
    shardEvents: (after, rowsMaxEach) =>
      query(
        "shardEvents",
        "SELECT found.* FROM unnest($1::smallint[], $2::bigint[]) AS places(s, after) CROSS JOIN LATERAL " +
          `(SELECT ${eventColumns} FROM event WHERE shard = s AND shard_offset > after ` +
          "ORDER BY shard_offset LIMIT $3::integer) AS found",
        [smallints(after.map(({ shard }) => shard)), bigints(after.map(({ offset }) => offset)), rowsMaxEach]
      ),
    scan: Effect.fnUntraced(function* (ranges, types) {
      const bounds = [
        smallints(ranges.map(({ shard }) => shard)),
        bigints(ranges.map(({ after }) => after)),
        bigints(ranges.map(({ upTo }) => upTo))
      ]
      const counts = yield* query<{ readonly shard: number; readonly present: number }>(
        "scan",
        `SELECT s AS shard, (SELECT count(*) FROM event WHERE shard = s AND shard_offset > after AND shard_offset <= up_to) ` +
          `AS present FROM ${offsetRanges}`,
        bounds
      )
      const rows = yield* query<EventRow>(
        "scan",
        `SELECT found.* FROM ${offsetRanges} CROSS JOIN LATERAL (SELECT ${eventColumns} FROM event WHERE shard = s ` +
          "AND shard_offset > after AND shard_offset <= up_to AND type = ANY ($4::text[]) ORDER BY shard_offset) AS found",
        [...bounds, texts(types)]
      )
      const expected = new Map(ranges.map(({ shard, after, upTo }) => [shard, upTo - after]))
      return {
        rows,
        shardsWithHoles: counts
          .filter(({ shard, present }) => present !== expected.get(shard))
          .map(({ shard }) => shard)
      }
    }),
    streamEvents: (business, stream, beforeSeq, rowsMax) =>
      query(
        "streamEvents",
        `SELECT ${eventColumns} FROM event WHERE id = $1::uuid AND aggregate = $2::smallint AND seq < $3::integer ` +
          "AND business = $4::uuid ORDER BY seq DESC LIMIT $5::integer",
        [stream.id, stream.aggregate, beforeSeq, business, rowsMax]
      ),
    asideEvents: (business, key, { offset, order }, rowsMax) =>
      query(
        "asideEvents",
        `SELECT ${eventColumns} FROM event WHERE key = $1::uuid AND type IN (${asideList}) AND shard_offset ` +
          `${order === "DESC" ? "<" : ">"} $2::bigint AND business = $3::uuid ORDER BY shard_offset ${order} LIMIT $4::integer`,
        [key, BigInt(offset), business, rowsMax]
      ),
    eventsAt: (business, places) =>
      query(
        "eventsAt",
        `SELECT ${eventColumns} FROM event WHERE (id, aggregate, seq) IN (SELECT * FROM unnest($1::uuid[], $2::smallint[], ` +
          "$3::integer[])) AND business = $4::uuid",
        [
          uuids(places.map(({ id }) => id)),
          smallints(places.map(({ aggregate }) => aggregate)),
          integers(places.map(({ seq }) => seq)),
          business
        ]
      ),
    businessIds: Effect.suspend(() =>
      Effect.map(
        query<{ readonly id: string }>(
          "businessIds",
          "SELECT id FROM event WHERE id = business AND seq = 1 AND aggregate = 1"
        ),
        (rows) => rows.map(({ id }) => id)
      )
    ),
    hear: (listener) =>
      Effect.gen(function* () {
        const notifications = yield* sql.listen(noticeChannel)
        listener.listening()
        while (true) {
          const { payload } = yield* Queue.take(notifications)
          for (const notice of noticesIn(payload)) listener.notice(notice)
        }
      }).pipe(
        Effect.scoped,
        Effect.mapError((cause) => new JournalUnavailable({ operation: "hear", cause })),
        Effect.andThen(Effect.never)
      ),
    saveSnapshots: (rows) =>
      Effect.asVoid(
        query(
          "saveSnapshots",
          "INSERT INTO snapshot (business, aggregate, id, seq, state_version, body, checksum) SELECT * FROM unnest(" +
            "$1::uuid[], $2::smallint[], $3::uuid[], $4::integer[], $5::smallint[], $6::text[], $7::bigint[]) " +
            "ON CONFLICT (id, aggregate) DO UPDATE SET seq = excluded.seq, state_version = excluded.state_version, " +
            "body = excluded.body, checksum = excluded.checksum " +
            "WHERE snapshot.seq < excluded.seq OR snapshot.state_version <> excluded.state_version",
          [
            uuids(rows.map((row) => row.business)),
            smallints(rows.map((row) => row.aggregate)),
            uuids(rows.map((row) => row.id)),
            integers(rows.map((row) => row.seq)),
            smallints(rows.map((row) => row.stateVersion)),
            texts(rows.map((row) => row.body)),
            bigints(rows.map((row) => row.checksum))
          ]
        )
      ),
    forgetBatches: (before, rowsMax) =>
      Effect.map(
        query<{ readonly id: string }>(
          "forgetBatches",
          "DELETE FROM batch WHERE id IN (SELECT id FROM batch WHERE at < $1::bigint LIMIT $2::integer) RETURNING id",
          [BigInt(before), rowsMax]
        ),
        (rows) => rows.length
      )
  })
})

export const layer: Layer.Layer<Journal, never, PgClient.PgClient> = Layer.effect(Journal, make)
