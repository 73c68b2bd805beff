/**
 * The one statement that a commit is: the fence, the batch row, and an insert, delete or update for each part that the
 * batch has. Rows travel as one typed array a column. Only the parts present are in the text, so a handful of prepared
 * statements serve all batches.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Result from "effect/Result"
import { messagesOf, noticesOf } from "../journal/Notice.ts"
import type { Batch, ClaimRow, CommandRow, EventRow, InboxRow } from "../journal/Unit.ts"

const array = (values: ReadonlyArray<unknown>, elementOid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, elementOid))
export const uuids = (values: ReadonlyArray<string>) => array(values, PgTypes.OID.uuid)
export const texts = (values: ReadonlyArray<string | null>) => array(values, PgTypes.OID.text)
export const smallints = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.int2)
export const integers = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.int4)
export const bigints = (values: ReadonlyArray<number>) => array(values.map(BigInt), PgTypes.OID.int8)
export const byteas = (values: ReadonlyArray<Uint8Array>) => array(values, PgTypes.OID.bytea)

/** One part of the commit statement: the columns it unnests, each with its element type. */
interface Part {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly sql: (arrays: string) => string
}

const insert =
  (table: string, columns: string, suffix = "") =>
  (arrays: string) =>
    `INSERT INTO ${table} (${columns}) SELECT * FROM unnest(${arrays})${suffix}`

const parts = {
  commands: {
    name: "commands",
    columns: ["uuid", "uuid", "uuid", "text", "text", "bigint"],
    sql: insert("command", "id, business, key, fingerprint, outcome, at")
  },
  events: {
    name: "events",
    columns: [
      "uuid",
      "smallint",
      "integer",
      "uuid",
      "uuid",
      "smallint",
      "bigint",
      "text",
      "smallint",
      "text",
      "bigint",
      "bigint"
    ],
    sql: insert("event", "id, aggregate, seq, business, key, shard, shard_offset, type, version, body, checksum, at")
  },
  inbox: {
    name: "inbox",
    columns: ["uuid", "uuid", "uuid", "smallint", "text", "bigint", "bigint"],
    sql: (arrays) =>
      "INSERT INTO inbox (id, business, key, shard, command, deliver_at, at) " +
      `SELECT id, business, key, shard, command, deliver_at, at FROM unnest(${arrays}) ` +
      "WITH ORDINALITY AS m(id, business, key, shard, command, deliver_at, at, ordinal) ORDER BY ordinal " +
      "ON CONFLICT (id) DO NOTHING"
  },
  done: {
    name: "done",
    columns: ["uuid"],
    sql: (arrays) => `DELETE FROM inbox WHERE id IN (SELECT unnest(${arrays}))`
  },
  settles: {
    name: "settles",
    columns: ["uuid", "text"],
    sql: (arrays) =>
      `UPDATE command SET outcome = s.outcome FROM unnest(${arrays}) AS s(id, outcome) WHERE command.id = s.id`
  },
  releases: {
    name: "releases",
    columns: ["uuid", "text", "bytea", "uuid"],
    sql: (arrays) =>
      `DELETE FROM claim USING unnest(${arrays}) AS r(scope, kind, hash, holder) WHERE claim.scope = r.scope ` +
      "AND claim.kind = r.kind AND claim.hash = r.hash AND claim.holder = r.holder"
  },
  takes: {
    name: "takes",
    columns: ["uuid", "text", "bytea", "uuid", "uuid"],
    sql: insert("claim", "scope, kind, hash, business, holder")
  },
  dataKeys: { name: "data_keys", columns: ["uuid", "uuid", "bytea"], sql: insert("data_key", "key, business, wrapped") }
} satisfies Record<string, Part>

/** Where runners hear what the others committed of the things that they remember. */
export const noticeChannel = "koinon_notice"

/** The statement for a set of parts; texts are kept, so that the driver keeps them prepared. */
const statements = new Map<string, string>()
const statementFor = (present: ReadonlyArray<Part>, tells: boolean): string => {
  const name = present.map((part) => part.name).join("+") + (tells ? "+notices" : "")
  const known = statements.get(name)
  if (known !== undefined) return known
  let position = 5
  const common = [
    "fence AS (SELECT s.shard FROM shard_epoch s JOIN unnest($1::smallint[], $2::bigint[]) AS f(shard, epoch) " +
      "ON s.shard = f.shard AND s.epoch = f.epoch ORDER BY s.shard FOR SHARE OF s)",
    "b AS (INSERT INTO batch (id, runner, at) VALUES ($3::uuid, $4::uuid, $5::bigint))"
  ]
  const own = present.map(
    (part) => `${part.name} AS (${part.sql(part.columns.map((type) => `$${++position}::${type}[]`).join(", "))})`
  )
  const text =
    `WITH ${[...common, ...own].join(",\n")}\n` +
    "SELECT 1 / (CASE WHEN (SELECT count(*) FROM fence) = cardinality($1::smallint[]) THEN 1 ELSE 0 END) AS held" +
    // Delivered with the commit, if there is one.
    (tells
      ? `, (SELECT count(pg_notify('${noticeChannel}', m)) FROM unnest($${position + 1}::text[]) AS m) AS told`
      : "")
  statements.set(name, text)
  return text
}

const collect = (batch: Batch) => {
  const commands: Array<CommandRow> = []
  const events: Array<EventRow> = []
  const inbox: Array<InboxRow> = []
  const done: Array<string> = []
  const settles: Array<{ readonly id: string; readonly outcome: string }> = []
  const releases: Array<ClaimRow> = []
  const takes: Array<ClaimRow> = []
  const dataKeys: Array<{ key: string; business: string; wrapped: Uint8Array }> = []
  for (const unit of batch.units) {
    if (unit.command !== undefined) commands.push(unit.command)
    for (const event of unit.events) events.push(event)
    for (const message of unit.inbox) inbox.push(message)
    if (unit.done !== undefined) done.push(unit.done)
    for (const settled of unit.settles) settles.push(settled)
    for (const claim of unit.releases) releases.push(claim)
    for (const claim of unit.takes) takes.push(claim)
    if (unit.dataKey !== undefined) dataKeys.push({ key: unit.key, business: unit.business, wrapped: unit.dataKey })
  }
  return { commands, events, inbox, done, settles, releases, takes, dataKeys }
}

export const commitStatement = (batch: Batch): readonly [text: string, parameters: ReadonlyArray<unknown>] => {
  const rows = collect(batch)
  const present: Array<Part> = []
  const parameters: Array<unknown> = [
    smallints(batch.fence.map(([shard]) => shard)),
    bigints(batch.fence.map(([, epoch]) => epoch)),
    batch.id,
    batch.runner,
    BigInt(batch.at)
  ]
  const add = (part: Part, ...columns: ReadonlyArray<PgTypes.Parameter>): void => {
    present.push(part)
    for (const column of columns) parameters.push(column)
  }
  const { commands, events, inbox, settles, releases, takes, dataKeys } = rows
  if (commands.length > 0) {
    add(
      parts.commands,
      uuids(commands.map((row) => row.id)),
      uuids(commands.map((row) => row.business)),
      uuids(commands.map((row) => row.key)),
      texts(commands.map((row) => row.fingerprint)),
      texts(commands.map((row) => row.outcome)),
      bigints(commands.map((row) => row.at))
    )
  }
  if (events.length > 0) {
    add(
      parts.events,
      uuids(events.map((row) => row.id)),
      smallints(events.map((row) => row.aggregate)),
      integers(events.map((row) => row.seq)),
      uuids(events.map((row) => row.business)),
      uuids(events.map((row) => row.key)),
      smallints(events.map((row) => row.shard)),
      bigints(events.map((row) => row.offset)),
      texts(events.map((row) => row.type)),
      smallints(events.map((row) => row.version)),
      texts(events.map((row) => row.body)),
      bigints(events.map((row) => row.checksum)),
      bigints(events.map((row) => row.at))
    )
  }
  if (inbox.length > 0) {
    add(
      parts.inbox,
      uuids(inbox.map((row) => row.id)),
      uuids(inbox.map((row) => row.business)),
      uuids(inbox.map((row) => row.key)),
      smallints(inbox.map((row) => row.shard)),
      texts(inbox.map((row) => row.command)),
      bigints(inbox.map((row) => row.deliverAt)),
      bigints(inbox.map((row) => row.at))
    )
  }
  if (rows.done.length > 0) add(parts.done, uuids(rows.done))
  if (settles.length > 0) {
    add(parts.settles, uuids(settles.map((row) => row.id)), texts(settles.map((row) => row.outcome)))
  }
  if (releases.length > 0) {
    add(
      parts.releases,
      uuids(releases.map((row) => row.scope)),
      texts(releases.map((row) => row.kind)),
      byteas(releases.map((row) => row.hash)),
      uuids(releases.map((row) => row.holder))
    )
  }
  if (takes.length > 0) {
    add(
      parts.takes,
      uuids(takes.map((row) => row.scope)),
      texts(takes.map((row) => row.kind)),
      byteas(takes.map((row) => row.hash)),
      uuids(takes.map((row) => row.business)),
      uuids(takes.map((row) => row.holder))
    )
  }
  if (dataKeys.length > 0) {
    add(
      parts.dataKeys,
      uuids(dataKeys.map((row) => row.key)),
      uuids(dataKeys.map((row) => row.business)),
      byteas(dataKeys.map((row) => row.wrapped))
    )
  }
  const messages = messagesOf(noticesOf(batch.units))
  if (messages.length > 0) parameters.push(texts(messages))
  return [statementFor(present, messages.length > 0), parameters]
}
