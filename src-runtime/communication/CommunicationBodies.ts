/**
 * What messages say and to whom they go, sealed under the contact's data key. A body is written before its message is sent
 * and its words are never changed, so that a message sent again is the same word for word; where it goes may change until
 * it has gone. It is forgotten after half a year, or when the contact's key is.
 */
import type { Purpose } from "#domain/contact/Communication.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { JournalUnavailable } from "../journal/Journal.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import { recordset } from "../projection/Projection.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import type { Message, Sender } from "./Channel.ts"

const dayMs = 24 * 60 * 60_000
const retentionMs = 180 * dayMs
const forgetIntervalMs = 10 * 60_000
const forgottenAtOnceMax = 1_000

/** In place of a template's id: Koinon wrote the message itself, and kept its words before it was asked for. */
export const ownWords = "PRINTOUT"

export interface CommunicationBody extends Message {
  readonly purpose: Purpose
  /** Who is named as its sender, for people; and in place of the installation's own on the wire. */
  readonly sender?: string | undefined
  readonly from?: Sender | undefined
  /** Where the whole of it goes: an address, a number, kinds of devices. */
  readonly recipient: string
  /** Of a mail: where its links lead, by number. */
  readonly urls: ReadonlyArray<string>
  readonly unsubscribe?: string | undefined
}

export interface StoredBody {
  readonly body: CommunicationBody
  /** Epoch milliseconds. */
  readonly at: number
  readonly providerStatus: string | undefined
}

export interface BodyPlace {
  readonly business: string
  readonly contact: string
  readonly id: string
}

export class CommunicationBodies extends Context.Service<
  CommunicationBodies,
  {
    /** The body as it stands afterwards: the one that was there before, if there was one. */
    readonly keep: (place: BodyPlace, body: CommunicationBody) => Effect.Effect<StoredBody, ViewUnavailable>
    /** It goes elsewhere than was written: its contact has another address by now. */
    readonly readdress: (
      place: BodyPlace,
      stored: StoredBody,
      recipient: string
    ) => Effect.Effect<StoredBody, ViewUnavailable>
    /** By id; what is forgotten, or cannot be opened any more, is not there. */
    readonly read: (places: ReadonlyArray<BodyPlace>) => Effect.Effect<ReadonlyMap<string, StoredBody>, ViewUnavailable>
    /** What the provider calls it, or has said of it. What is final stays; answers what stands now. */
    readonly note: (
      place: Pick<BodyPlace, "business" | "id">,
      said: { readonly providerId?: string | undefined; readonly status: string }
    ) => Effect.Effect<string | undefined, ViewUnavailable>
  }
>()("koinon/runtime/CommunicationBodies") {}

interface Row {
  readonly business: string
  readonly communication: string
  readonly contact: string
  readonly sealed: string
  readonly at: number | bigint
  readonly provider_status: string | null
}

export const isUndelivered = (providerStatus: string | undefined): boolean =>
  providerStatus === "undelivered" || providerStatus === "failed"
/** After these a provider says nothing else; a late message of its does not go back behind them. */
const finalStatuses = ["delivered", "undelivered", "failed", "read"]
const insert =
  "INSERT INTO communication_body (business, communication, contact, sealed, at, forget_at) " +
  "VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::bigint) ON CONFLICT DO NOTHING"
const replace =
  "UPDATE communication_body SET sealed = $4 WHERE business = $1::uuid AND communication = $2::uuid AND contact = $3::uuid"
const select =
  "SELECT b.business, b.communication, b.contact, b.sealed, b.at, b.provider_status FROM communication_body b " +
  "JOIN json_to_recordset($1::json) AS r(business uuid, id uuid) ON b.business = r.business AND b.communication = r.id"
const update =
  "UPDATE communication_body SET provider_id = coalesce($3, provider_id), provider_status = $4, provider_at = $5::bigint " +
  "WHERE business = $1::uuid AND communication = $2::uuid " +
  "AND (provider_status IS NULL OR provider_status <> ALL ($6::text[]))"
const readStatus =
  "SELECT provider_status FROM communication_body WHERE business = $1::uuid AND communication = $2::uuid"
const forget =
  "DELETE FROM communication_body WHERE (business, communication) IN " +
  "(SELECT business, communication FROM communication_body WHERE forget_at <= $1::bigint LIMIT $2) RETURNING 1"

const of = (id: string): string => `communication/${id}`

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const sealer = yield* Sealer
  const keys = yield* DataKeys
  const view = <A>(effect: Effect.Effect<A, SqlError | JournalUnavailable>): Effect.Effect<A, ViewUnavailable> =>
    Effect.mapError(effect, (cause) => new ViewUnavailable({ view: "communication_body", cause }))

  const read = Effect.fnUntraced(function* (places: ReadonlyArray<BodyPlace>) {
    const found = new Map<string, StoredBody>()
    if (places.length === 0) return found
    const wanted = recordset(places.map(({ business, id }) => ({ business, id })))
    const contacts = new Map(places.map(({ id, contact }) => [id, contact]))
    for (const row of yield* view(sql.unsafe<Row>(select, [wanted]))) {
      const key = yield* view(keys.get(row.business, row.contact))
      if (key === undefined || contacts.get(row.communication) !== row.contact) continue
      const body = JSON.parse(sealer.open(key, row.sealed, of(row.communication))) as CommunicationBody
      found.set(row.communication, { body, at: Number(row.at), providerStatus: row.provider_status ?? undefined })
    }
    return found
  })

  const sealed = Effect.fnUntraced(function* ({ business, contact, id }: BodyPlace, body: CommunicationBody) {
    const key = yield* view(keys.get(business, contact))
    if (key === undefined) {
      return yield* new ViewUnavailable({ view: "communication_body", cause: "the contact has no data key" })
    }
    return sealer.seal(key, JSON.stringify(body), of(id))
  })

  const old = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const step = sql.unsafe(forget, [now, forgottenAtOnceMax])
    yield* Effect.repeat(step, { while: ({ length }) => length === forgottenAtOnceMax })
  })
  yield* Effect.catch(old, (error) => Effect.logWarning("old messages stay for now", reasonOf(error))).pipe(
    Effect.delay(forgetIntervalMs),
    Effect.forever,
    Effect.forkScoped
  )

  return CommunicationBodies.of({
    read,
    keep: Effect.fn("CommunicationBodies.keep")(function* (place, body) {
      const { business, contact, id } = place
      const text = yield* sealed(place, body)
      const at = yield* Clock.currentTimeMillis
      yield* view(sql.unsafe(insert, [business, id, contact, text, at, at + retentionMs]))
      return (yield* read([place])).get(id) ?? { body, at, providerStatus: undefined }
    }),
    readdress: Effect.fn("CommunicationBodies.readdress")(function* (place, stored, recipient) {
      const body = { ...stored.body, recipient }
      const text = yield* sealed(place, body)
      yield* view(sql.unsafe(replace, [place.business, place.id, place.contact, text]))
      return { ...stored, body }
    }),
    note: Effect.fn("CommunicationBodies.note")(function* ({ business, id }, { providerId, status }) {
      const now = yield* Clock.currentTimeMillis
      yield* view(sql.unsafe(update, [business, id, providerId ?? null, status, now, finalStatuses]))
      const [row] = yield* view(sql.unsafe<Pick<Row, "provider_status">>(readStatus, [business, id]))
      return row?.provider_status ?? undefined
    })
  })
})

export const layer: Layer.Layer<CommunicationBodies, never, SqlClient | Sealer | DataKeys> = Layer.effect(
  CommunicationBodies,
  make
)
