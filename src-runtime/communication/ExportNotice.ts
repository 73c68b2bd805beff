/**
 * Tells the recipients of a segment's export where to fetch it. The link is made when the mail goes, so that it is fresh
 * when it is read.
 */
import type { ExportFields } from "#domain/segment/ExportFields.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { Task } from "../outbox/Task.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { exportLinkMs, exportPath } from "../segment/ExportLink.ts"
import { fitsWorkbook, workbookRowsMaxOf } from "../segment/MemberSheet.ts"
import { type SegmentExport, SegmentExportNotice } from "../segment/SegmentExportNotice.ts"
import type { Message } from "./Channel.ts"
import { PublicAddress } from "./PublicAddress.ts"

export const kind = "SEGMENT_EXPORT"

interface NoticeTask {
  readonly kind: typeof kind
  readonly segmentId: string
  readonly format: "CSV" | "XLSX"
  readonly fields?: ExportFields | undefined
  readonly recipient: string
}

/** Within the caller's transaction. One task for each recipient: one that has no mailbox any more keeps nobody else waiting. */
export const layer: Layer.Layer<never, never, Outbox> = Layer.effect(
  SegmentExportNotice,
  Effect.map(
    Outbox,
    (outbox) =>
      ({ id, business, segmentId, format, fields, recipients }: SegmentExport) =>
        Effect.gen(function* () {
          const dueAt = yield* Clock.currentTimeMillis
          yield* outbox.enqueue(
            recipients.map((recipient) => ({
              id: nameUuid("segment export", business, id, recipient),
              queue: "communication",
              business,
              key: business,
              lane: `segment export/${recipient}`,
              body: { kind, segmentId, format, recipient, ...(fields !== undefined && { fields }) },
              dueAt
            }))
          )
        })
  )
)

const mailOf = (business: string, segment: string, format: string, link: string, remark: string): Message => ({
  language: "en",
  subject: `${business}: ${segment} (${format})`,
  text: `The members of the segment ${segment} can be fetched for a day${remark}:\n\n${link}\n\nWhoever has this link can fetch them.`
})
const tooLong = (fields: ExportFields | undefined): string =>
  `, as CSV, for a workbook holds at most ${workbookRowsMaxOf(fields)} of them`

/** What a mail says; `undefined`: the segment is gone. */
export const make = Effect.gen(function* () {
  const actors = yield* Actors
  const definitions = yield* Definitions
  const publicAddress = yield* PublicAddress
  const sealer = yield* Sealer
  const sql = yield* SqlClient

  return Effect.fnUntraced(function* (task: Task, now: number) {
    const { segmentId, format: asked, fields } = task.body as unknown as NoticeTask
    const segment = (yield* definitions.confirmed([task.business], "segments")).get(task.business)?.[segmentId]
    const business = actors.business(task.business)
    if (segment === undefined || business === undefined) return undefined
    const isTooLong =
      asked === "XLSX" && !(yield* fitsWorkbook(sql, { business: task.business, segment: segmentId, fields }))
    const format = isTooLong ? "CSV" : asked
    const ticket = { business: task.business, segment: segmentId, format, fields, expiresAt: now + exportLinkMs }
    const link = `${yield* publicAddress.url}${exportPath(sealer, ticket)}`
    return mailOf(business.name, segment.name, format, link, isTooLong ? tooLong(fields) : "")
  })
})
