/**
 * Between the domain's values and the journal's rows: JSON, with every personal field of an event, command, answer or
 * state taken out and sealed as one ciphertext under the contact's data key, and a checksum over what is stored. Reading
 * checks the checksum, opens the seal, brings old event versions up to date and validates against the schema: torn,
 * altered or unknown rows are refused (P13, P14).
 */
import { Answer } from "#domain/Answer.ts"
import { Command } from "#domain/Command.ts"
import type { Event } from "#domain/Event.ts"
import { Refusal } from "#domain/Refusal.ts"
import { personalFields } from "#domain/shared/Personal.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { crc32 } from "node:zlib"
import type { DataKey, Sealer } from "../privacy/Sealer.ts"
import { aggregateOfCode, allAggregates, type AnyAggregate, members, tagOf } from "./Kinds.ts"
import type { EventRow, SnapshotRow } from "./Unit.ts"

/** A row that cannot be trusted or understood. The actor it belongs to does not start. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  row: Schema.String,
  reason: Schema.String
}) {}

export type Outcome = Result.Result<Answer, Refusal>

/** Old versions of an event type, brought up one step at a time; pure, and never removed once released. */
export type Upcasts = Readonly<
  Record<string, ReadonlyArray<(body: Record<string, unknown>) => Record<string, unknown>>>
>
const upcasts: Upcasts = {}
const currentVersion = (type: string): number => (upcasts[type]?.length ?? 0) + 1

/** A copy with whole numbers as strings: V8 writes plain values twice as fast as with a replacer. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return value.toString()
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  const copy: Record<string, unknown> = {}
  for (const name in value) copy[name] = plain((value as Record<string, unknown>)[name])
  return copy
}
const toJson = (value: unknown): string => JSON.stringify(plain(value))

/** Tag → its personal fields; tags without any are absent. */
const personalByTag = (...schemas: ReadonlyArray<Schema.Top>): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(
    schemas
      .flatMap((schema) => members(schema.ast))
      .map((ast) => [tagOf(ast), personalFields(ast)] as const)
      .filter(([, fields]) => fields.length > 0)
  )

const personal = personalByTag(...allAggregates.map((aggregate) => aggregate.Event), Command, Answer)

/** Whether events of the tag may hold what is sealed. */
export const isSealed = (tag: string): boolean => personal.has(tag)

type Fields = Record<string, unknown>

/** Name of the field that stands in for all personal ones. */
const sealedField = "sealed"

const stateFields: ReadonlyMap<number, ReadonlyArray<string>> = new Map(
  allAggregates.map((aggregate) => [aggregate.code, personalFields(aggregate.State.ast)])
)

const decoders = new WeakMap<object, (value: unknown) => unknown>()
const decoderOf = (schema: Schema.Codec<unknown, unknown>): ((value: unknown) => unknown) => {
  let decode = decoders.get(schema)
  if (decode === undefined) {
    decode = Schema.decodeUnknownSync(Schema.toCodecJson(schema))
    decoders.set(schema, decode)
  }
  return decode
}

/** What an event's checksum covers: its place and its body, so that a row moved elsewhere is found out as well. */
const checksumOf = (aggregate: number, id: string, seq: number, body: string): number =>
  crc32(body, crc32(`${aggregate}/${id}/${seq}`))

export class Codec {
  readonly #sealer: Sealer["Service"]
  constructor(sealer: Sealer["Service"]) {
    this.#sealer = sealer
  }

  #seal(value: Fields, fields: ReadonlyArray<string> | undefined, key: DataKey | undefined, of: string): string {
    if (fields === undefined || fields.length === 0) return toJson(value)
    const open: Fields = {}
    const hidden: Fields = {}
    let any = false
    for (const name in value) {
      const isPersonal = fields.includes(name) && value[name] !== undefined
      if (isPersonal) hidden[name] = value[name]
      else open[name] = value[name]
      any ||= isPersonal
    }
    if (!any) return toJson(open)
    if (key === undefined) throw new Unreadable({ row: of, reason: "personal data without a data key to seal it" })
    open[sealedField] = this.#sealer.seal(key, toJson(hidden), of)
    return toJson(open)
  }

  #open(text: string, key: DataKey | undefined, of: string): Fields {
    const value = JSON.parse(text) as Fields
    const sealed = value[sealedField]
    if (typeof sealed !== "string") return value
    if (key === undefined) throw new Unreadable({ row: of, reason: "sealed, and its data key is gone" })
    delete value[sealedField]
    return Object.assign(value, JSON.parse(this.#sealer.open(key, sealed, of)))
  }

  /** Everything of an event's row but its place in the shard. */
  event(
    event: Event,
    row: Omit<EventRow, "type" | "version" | "body" | "checksum">,
    key: DataKey | undefined
  ): EventRow {
    const body = this.#seal(event, personal.get(event._tag), key, `${row.id}/${event._tag}`)
    const { aggregate, id, seq } = row
    return {
      ...row,
      type: event._tag,
      version: currentVersion(event._tag),
      body,
      checksum: checksumOf(aggregate, id, seq, body)
    }
  }

  readEvent(row: EventRow, key: DataKey | undefined): Event {
    const name = `${row.aggregate}/${row.id}/${row.seq}`
    const aggregate = aggregateOfCode(row.aggregate)
    if (checksumOf(row.aggregate, row.id, row.seq, row.body) !== row.checksum) {
      throw new Unreadable({ row: name, reason: "its checksum does not match: the row was torn or altered" })
    }
    let body = this.#open(row.body, key, `${row.id}/${row.type}`)
    if (body["_tag"] !== row.type || row.version < 1 || row.version > currentVersion(row.type)) {
      throw new Unreadable({ row: name, reason: `it is not ${row.type} of a version that this code knows` })
    }
    for (const upcast of (upcasts[row.type] ?? []).slice(row.version - 1)) body = upcast(body)
    return this.#decode(aggregate.Event, body, name) as Event
  }

  snapshot(
    business: string,
    aggregate: AnyAggregate,
    id: string,
    seq: number,
    state: unknown,
    key: DataKey | undefined
  ): SnapshotRow {
    const body = this.#seal(state as Fields, stateFields.get(aggregate.code), key, `${id}/${aggregate.kind}/state`)
    return {
      business,
      aggregate: aggregate.code,
      id,
      seq,
      stateVersion: aggregate.stateVersion,
      body,
      checksum: checksumOf(aggregate.code, id, seq, body)
    }
  }

  /** False when it is of another version or damaged: then all events are folded instead (P14). */
  trusts(row: SnapshotRow): boolean {
    return (
      aggregateOfCode(row.aggregate).stateVersion === row.stateVersion &&
      checksumOf(row.aggregate, row.id, row.seq, row.body) === row.checksum
    )
  }

  readSnapshot(row: SnapshotRow, key: DataKey | undefined): unknown {
    const aggregate = aggregateOfCode(row.aggregate)
    const body = this.#open(row.body, key, `${row.id}/${aggregate.kind}/state`)
    return this.#decode(aggregate.State, body, `snapshot ${row.aggregate}/${row.id}`)
  }

  command(command: Command, key: DataKey | undefined, of: string): string {
    return this.#seal(command, personal.get(command._tag), key, of)
  }

  readCommand(text: string, key: DataKey | undefined, of: string): Command {
    return this.#decode(Command, this.#open(text, key, of), `command ${of}`) as Command
  }

  outcome(outcome: Outcome, key: DataKey | undefined, of: string): string {
    return Result.isSuccess(outcome)
      ? `{"answer":${this.#seal(outcome.success, personal.get(outcome.success._tag), key, of)}}`
      : `{"refusal":${toJson(outcome.failure)}}`
  }

  readOutcome(text: string, key: DataKey | undefined, of: string): Outcome {
    const stored = JSON.parse(text) as { readonly answer?: Fields; readonly refusal?: Fields }
    if (stored.refusal !== undefined) {
      return Result.fail(this.#decode(Refusal, stored.refusal, `outcome ${of}`) as Refusal)
    }
    return Result.succeed(
      this.#decode(Answer, this.#open(JSON.stringify(stored.answer), key, of), `outcome ${of}`) as Answer
    )
  }

  #decode(schema: Schema.Codec<unknown, unknown>, value: unknown, row: string): unknown {
    try {
      return decoderOf(schema)(value)
    } catch {
      // The parser's own message quotes the value, which may be personal.
      throw new Unreadable({ row, reason: "it does not match its schema" })
    }
  }
}
