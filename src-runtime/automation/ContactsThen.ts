/**
 * Contacts, and the communities that they own, as they were when an event had happened and nothing after it: told by the
 * journal, for whoever comes later. Nearly always from the last snapshot on, which is no further than a hundred events away;
 * where that knows more already, from the beginning, in pages.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Codec } from "../journal/Codec.ts"
import type { Journal, LoadedStream } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import type { DataKey } from "../privacy/Sealer.ts"
import { makeBreath } from "../projection/Breath.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import { recordset } from "../projection/Projection.ts"

/** Contacts loaded in one question. */
const contactsAtOnce = 250
/** Events of one contact read at a time. */
const eventsAtOnce = 500

/** The end of what had happened: a place in the contact's shard, or an instant. */
interface Moment {
  readonly contact: string
  readonly position: { readonly offset: number } | undefined
  readonly until: number
  /** How many events are in what is known of her, and the types that make no difference; nothing if none is asked for. */
  readonly known: { readonly seq: number; readonly typesAside: ReadonlyArray<string> } | undefined
}

interface Then {
  /** How many events she had. */
  readonly seq: number
  /** Whether what is known of her is what she was then: whatever has come since makes no difference. */
  readonly isKnown: boolean
}

/** A contact with the events of hers up to a number. */
interface Version {
  readonly contact: string
  readonly seq: number
}

/** What the events of a stream come to. */
interface Fold<State, Event> {
  readonly code: number
  readonly initial: State
  readonly evolve: (state: State, event: Event) => State
}

const never = Number.MAX_SAFE_INTEGER

/** From the newest back: nearly nothing has come since then. */
const readSeqs =
  "SELECT r.number, e.seq, r.known >= e.seq AND NOT EXISTS (SELECT 1 FROM event later WHERE later.id = r.contact " +
  "AND later.aggregate = $2::smallint AND later.business = $3::uuid AND later.seq > e.seq AND later.seq <= r.known " +
  "AND later.type <> ALL (r.aside)) AS is_known FROM json_to_recordset($1::json) " +
  "AS r(number integer, contact uuid, up_to bigint, until bigint, known integer, aside text[]) " +
  "CROSS JOIN LATERAL (SELECT seq FROM event WHERE id = r.contact AND aggregate = $2::smallint AND business = $3::uuid " +
  "AND shard_offset <= r.up_to AND at <= r.until ORDER BY seq DESC LIMIT 1) e"

interface SeqRow {
  readonly number: number
  readonly seq: number
  readonly is_known: boolean | null
}

/** What she was at each moment, by the number of her events; `undefined` before the first. */
export const seqsAt = (sql: SqlClient, business: string, code: number, moments: ReadonlyArray<Moment>) => {
  const rows = moments.map(({ contact, position, until, known }, number) => ({
    number,
    contact,
    up_to: position?.offset ?? never,
    until: Math.min(until, never),
    known: known?.seq,
    aside: known?.typesAside
  }))
  return Effect.map(sql.unsafe<SeqRow>(readSeqs, [recordset(rows), code, business]), (found) => {
    const byNumber = new Map<number, Then>(
      found.map(({ number, seq, is_known }) => [number, { seq, isKnown: is_known === true }])
    )
    return moments.map((_, number) => byNumber.get(number))
  })
}

export const nameOf = ({ contact, seq }: Version): string => `${contact}/${seq}`

interface Options {
  readonly journal: Journal["Service"]
  readonly codec: Codec
  readonly keys: DataKeys["Service"]
}

export const make = <State, Event>(
  { journal, codec, keys }: Options,
  { code, initial, evolve }: Fold<State, Event>
) => {
  const foldOne = Effect.fnUntraced(function* (
    business: string,
    { id: contact, snapshot, events }: LoadedStream,
    key: DataKey | undefined,
    seqs: ReadonlyArray<number>,
    found: Map<string, State>
  ) {
    const last = Math.max(...seqs)
    const isOfUse = snapshot !== undefined && codec.trusts(snapshot) && snapshot.seq <= Math.min(...seqs)
    let state = isOfUse ? (codec.readSnapshot(snapshot, key) as State) : initial
    let seq = isOfUse ? snapshot.seq : 0
    let rows: ReadonlyArray<EventRow> = isOfUse || snapshot === undefined ? events : []
    const wanted = new Set(seqs)
    if (wanted.has(seq)) found.set(nameOf({ contact, seq }), state)
    const breath = makeBreath()
    while (seq < last) {
      if (rows.length === 0) {
        const end = Math.min(last, seq + eventsAtOnce)
        rows = (yield* journal.streamEvents(
          business,
          { aggregate: code, id: contact },
          end + 1,
          end - seq
        )).toReversed()
      }
      for (const row of rows) {
        if (row.seq !== seq + 1) throw new Error(`the contact ${contact} has no event ${seq + 1}`)
        if (seq === last) break
        state = evolve(state, codec.readEvent(row, key) as Event)
        seq = row.seq
        if (wanted.has(seq)) found.set(nameOf({ contact, seq }), state)
        yield* breath
      }
      if (rows.length === 0) throw new Error(`the contact ${contact} ends before the event ${last}`)
      rows = []
    }
  })

  /** Each version, by `nameOf`. */
  const statesOf = Effect.fnUntraced(function* (business: string, versions: ReadonlyArray<Version>) {
    const found = new Map<string, State>()
    const byContact = Map.groupBy(versions, ({ contact }) => contact)
    const contacts = [...byContact.keys()]
    for (let begin = 0; begin < contacts.length; begin += contactsAtOnce) {
      const some = contacts.slice(begin, begin + contactsAtOnce)
      const streams = some.map((id) => ({ aggregate: code, id }))
      const loaded = yield* journal.load(business, some[0] ?? business, streams)
      const keyOf = yield* keys.ofRows(some.map((key) => ({ business, key })))
      for (const stream of loaded.streams) {
        const seqs = (byContact.get(stream.id) ?? []).map(({ seq }) => seq)
        yield* foldOne(business, stream, keyOf({ business, key: stream.id }), seqs, found)
      }
    }
    return found
  })
  return { statesOf }
}
