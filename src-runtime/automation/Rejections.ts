/**
 * What prior-to automations turned away (AUT-3): when, by which version of which automation, and about whom if she exists.
 * Nothing of what was asked. The latest of each business are kept.
 */
import type { Judge } from "#domain/automation/Judges.ts"
import type { Undecided, UndecidedFailure } from "#domain/automation/Undecided.ts"
import type { PriorTrigger } from "#domain/automation/PriorTo.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import type { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

/** Kept of one business; a few more until they are counted again. */
const keptMax = 10_000
const countedEvery = 100

export interface Rejection extends Judge, Undecided {
  readonly id: string
  readonly at: number
  readonly trigger: PriorTrigger
  /** It said no, or nobody said yes in time. */
  readonly verdict: "REJECTED" | "NOT_DECIDED"
  /** Of an update. */
  readonly contactId?: string
}

export class Rejections extends Context.Service<
  Rejections,
  {
    /** Never in the way of the refusal that it notes: what cannot be written down is logged. */
    readonly note: (business: string, rejection: Omit<Rejection, "id">) => Effect.Effect<void>
    /** By time. */
    readonly list: (
      business: string,
      page: PageRequest
    ) => Effect.Effect<Page<Rejection>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/Rejections") {}

interface Row {
  readonly id: string
  readonly at: number | bigint
  readonly trigger: PriorTrigger
  readonly automation: string
  readonly version: number
  readonly verdict: Rejection["verdict"]
  readonly contact: string | null
  readonly failure: UndecidedFailure | null
  readonly status: number | null
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  let noted = 0

  const forgetOldest = (business: string) =>
    sql.unsafe(
      "DELETE FROM prior_rejection WHERE business = $1::uuid AND (at, id) <= " +
        "(SELECT at, id FROM prior_rejection WHERE business = $1::uuid ORDER BY at DESC, id DESC OFFSET $2 LIMIT 1)",
      [business, keptMax]
    )

  return Rejections.of({
    note: (
      business,
      { at, trigger, automationId, version, verdict, contactId = null, failure = null, status = null }
    ) =>
      Effect.gen(function* () {
        yield* sql.unsafe(
          "INSERT INTO prior_rejection (business, id, at, trigger, automation, version, verdict, contact, failure, status) " +
            "VALUES ($1::uuid, $2::uuid, $3::bigint, $4, $5, $6, $7, $8::uuid, $9, $10::integer)",
          [business, randomUUID(), BigInt(at), trigger, automationId, version, verdict, contactId, failure, status]
        )
        noted += 1
        if (noted % countedEvery === 0) yield* forgetOldest(business)
      }).pipe(
        Effect.catchTag("SqlError", () =>
          Effect.logError(`a rejection by the automation ${automationId} could not be noted`)
        )
      ),
    list: Effect.fn("Rejections.list")(function* (business, request) {
      const page = yield* readPage<Row>(sql, {
        table: "prior_rejection",
        columns: "id, at, trigger, automation, version, verdict, contact, failure, status",
        conditions: [["business = ?", business]],
        sort: [
          { column: "at", type: "bigint", valueOf: (row) => Number(row.at) },
          { column: "id", type: "uuid", valueOf: (row) => row.id }
        ],
        request
      })
      const rows = page.rows.map((row): Rejection => ({
        id: row.id,
        at: Number(row.at),
        trigger: row.trigger,
        automationId: row.automation,
        version: row.version,
        verdict: row.verdict,
        ...(row.contact !== null && { contactId: row.contact }),
        ...(row.failure !== null && { failure: row.failure }),
        ...(row.status !== null && { status: row.status })
      }))
      return { ...page, rows }
    })
  })
})

export const layer: Layer.Layer<Rejections, never, SqlClient> = Layer.effect(Rejections, make)
