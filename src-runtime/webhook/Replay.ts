/**
 * Sends deliveries again: those from a cursor on, a bounded number at a time, or one. A request that can be repeated is done
 * once: its answer is written in the transaction that takes the deliveries up again, and is given again. What happened after
 * the first of a series of requests is not part of it, so that the series ends. It goes from contact to contact, and through
 * the numbers of each: so those of one are sent in order, also where a series breaks off between two of them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { CommandIdReused } from "../actor/RuntimeRefusal.ts"
import type { Outbox } from "../outbox/Outbox.ts"
import type { Condition } from "../projection/Listing.ts"
import { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

/** Deliveries sent again by one request. */
const atOnceMax = 10_000

const Replayed = Schema.Struct({
  replayed: Schema.Int,
  /** Where the next request goes on; absent: there are no more. */
  next: Schema.optionalKey(Schema.String)
})
export interface Replayed extends Schema.Schema.Type<typeof Replayed> {}

/** The request that asks for it. Without a fingerprint nobody can repeat it. */
export interface Request {
  readonly id: string
  readonly business: string
  readonly fingerprint: string
  readonly at: number
}

/** Of which series, up to which instant that goes, and contact and number of the last one that was sent again. */
const Place = Schema.fromJsonString(
  Schema.Tuple([Schema.String, Schema.Int, Schema.String.check(Schema.isUUID()), Schema.Int])
)
const encodePlace = Schema.encodeSync(Place)
const decodePlace = Schema.decodeEffect(Place)
const Answer = Schema.fromJsonString(Replayed)
const encodeAnswer = Schema.encodeSync(Answer)
const decodeAnswer = Schema.decodeUnknownSync(Answer)

const claim =
  "INSERT INTO webhook_replay (id, business, fingerprint, answer, at) VALUES ($1::uuid, $2::uuid, $3, '', $4::bigint) " +
  "ON CONFLICT (id) DO NOTHING RETURNING id"
const note = "UPDATE webhook_replay SET answer = $2 WHERE id = $1::uuid"
const read = "SELECT answer FROM webhook_replay WHERE id = $1::uuid AND business = $2::uuid AND fingerprint = $3"

export const make = (sql: SqlClient, outbox: Outbox["Service"], most = atOnceMax) => {
  /** The same request at the same time waits here for the other's commit. */
  const once = (request: Request, work: Effect.Effect<Replayed, SqlError>) =>
    sql
      .withTransaction(
        Effect.gen(function* () {
          const { id, business, fingerprint, at } = request
          if (fingerprint === "") return { ...(yield* work), isRepeated: false }
          const claimed = yield* sql.unsafe(claim, [id, business, fingerprint, BigInt(at)])
          if (claimed.length === 0) {
            const [row] = yield* sql.unsafe<{ answer: string }>(read, [id, business, fingerprint])
            return row === undefined ? yield* new CommandIdReused() : { ...decodeAnswer(row.answer), isRepeated: true }
          }
          const answer = yield* work
          yield* sql.unsafe(note, [id, encodeAnswer(answer)])
          return { ...answer, isRepeated: false }
        })
      )
      .pipe(Effect.catchTag("SqlError", (cause) => Effect.fail(new ViewUnavailable({ view: "webhooks", cause }))))

  const page = Effect.fnUntraced(function* (
    business: string,
    conditions: ReadonlyArray<Condition>,
    series: string,
    until: number
  ) {
    const parameters: Array<unknown> = []
    const where = conditions
      .map(([text, ...values]) => {
        let index = 0
        return text.replace(/\?/g, () => `$${parameters.push(values[index++])}`)
      })
      .join(" AND ")
    const found = yield* sql.unsafe<{ task: string; contact: string; sequence: bigint }>(
      `SELECT task, contact, sequence FROM webhook_delivery_log WHERE ${where} ORDER BY contact, sequence LIMIT ${most + 1}`,
      parameters
    )
    const shown = found.slice(0, most)
    const last = found.length > most ? shown.at(-1) : undefined
    const ids = shown.map(({ task }) => task)
    const replayed = ids.length === 0 ? 0 : yield* outbox.replayAll(business, ids)
    if (last === undefined) return { replayed }
    const place = encodePlace([series, until, last.contact, Number(last.sequence)])
    return { replayed, next: Buffer.from(place).toString("base64url") }
  })

  return {
    /** One delivery; none if it still waits to be sent. */
    one: (request: Request, delivery: string) =>
      once(
        request,
        Effect.map(outbox.replay(request.business, delivery), (isReplayed) => ({ replayed: isReplayed ? 1 : 0 }))
      ),
    /** What was sent, or given up; what still waits is sent anyway. `series` names what is asked for. */
    from: Effect.fn("Replay.from")(function* (
      request: Request,
      conditions: ReadonlyArray<Condition>,
      series: string,
      cursor: string | undefined
    ) {
      let until = request.at
      const further: Array<Condition> = []
      if (cursor !== undefined) {
        const place = decodePlace(Buffer.from(cursor, "base64url").toString("utf8"))
        const [of, end, contact, sequence] = yield* Effect.mapError(place, () => new CursorInvalid())
        if (of !== series) return yield* new CursorInvalid()
        until = end
        further.push(["(contact, sequence) > (?::uuid, ?::text::bigint)", contact, String(sequence)])
      }
      const all: ReadonlyArray<Condition> = [
        ...conditions,
        ["state <> 'WAITING'"],
        ["at <= ?::text::bigint", String(until)],
        ...further
      ]
      return yield* once(request, page(request.business, all, series, until))
    })
  }
}
