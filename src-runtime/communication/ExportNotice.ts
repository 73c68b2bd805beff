/**
 * Tells the recipients of a segment's export by mail where to fetch it. They are the business's own people, not contacts:
 * no consent is judged, and nothing of it is kept but the task, sealed under the business's key. The link is made when the
 * mail goes, so that it is fresh when it is read. Where mail has no way out, what it would have said is kept in the task, for
 * as long as the outbox keeps tasks, and can be read here.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Json } from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { Outcome, Task, TaskView } from "../outbox/Task.ts"
import { Sealer } from "../privacy/Sealer.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import { exportLinkMs, exportPath } from "../segment/ExportLink.ts"
import { fitsWorkbook, workbookRowsMax } from "../segment/MemberSheet.ts"
import { type SegmentExport, SegmentExportNotice } from "../segment/SegmentExportNotice.ts"
import { Gateways, type Message } from "./Channel.ts"
import { PublicAddress } from "./PublicAddress.ts"

const kind = "SEGMENT_EXPORT"
const failuresMax = 20

interface NoticeTask {
  readonly kind: typeof kind
  readonly segmentId: string
  readonly format: "CSV" | "XLSX"
  readonly recipient: string
  /** What would have been sent. */
  readonly landed?: Message
}

/** A mail that had no way out. */
export interface LandedNotice {
  readonly id: string
  readonly recipient: string
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly message: Message
}

export const isNotice = ({ body }: Task): boolean =>
  typeof body === "object" && body !== null && "kind" in body && body.kind === kind

/** Within the caller's transaction. One task for each recipient: one that has no mailbox any more keeps nobody else waiting. */
export const layer: Layer.Layer<never, never, Outbox> = Layer.effect(
  SegmentExportNotice,
  Effect.map(
    Outbox,
    (outbox) =>
      ({ id, business, segmentId, format, recipients }: SegmentExport) =>
        Effect.gen(function* () {
          const dueAt = yield* Clock.currentTimeMillis
          yield* outbox.enqueue(
            recipients.map((recipient) => ({
              id: nameUuid("segment export", business, id, recipient),
              queue: "communication",
              business,
              key: business,
              lane: `segment export/${recipient}`,
              body: { kind, segmentId, format, recipient },
              dueAt
            }))
          )
        })
  )
)

const landedOf = (task: TaskView): ReadonlyArray<LandedNotice> => {
  const { landed, recipient } = (task.body ?? {}) as Partial<NoticeTask>
  return task.state !== "DONE" || landed === undefined || recipient === undefined
    ? []
    : [{ id: task.id, recipient, createdAt: task.enqueuedAt, message: landed }]
}

const unread = (cause: SqlError) => new ViewUnavailable({ view: "outbox", cause })

/** In the order in which they were asked for. */
export const landedNotices = (business: string, request: PageRequest) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const kept = { state: "DONE", isOwn: true, isChanged: true } as const
    const query = { business, queue: "communication", ...kept, ...request } as const
    const found = yield* Effect.catchTag(outbox.list(query), "SqlError", (error) => Effect.fail(unread(error)))
    const page: Page<LandedNotice> = { ...found, rows: found.rows.flatMap(landedOf) }
    return page
  })

export const landedNotice = (business: string, id: string) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const task = yield* Effect.mapError(outbox.get(business, id), unread)
    return task === undefined || task.queue !== "communication" || task.key !== business ? undefined : landedOf(task)[0]
  })

const mailOf = (business: string, segment: string, format: string, link: string, remark: string): Message => ({
  language: "en",
  subject: `${business}: ${segment} (${format})`,
  text: `The members of the segment ${segment} can be fetched for a day${remark}:\n\n${link}\n\nWhoever has this link can fetch them.`
})
const tooLong = `, as CSV, for a workbook holds at most ${workbookRowsMax} of them`

export const make = Effect.gen(function* () {
  const actors = yield* Actors
  const definitions = yield* Definitions
  const { mail } = yield* Gateways
  const publicAddress = yield* PublicAddress
  const sealer = yield* Sealer
  const sql = yield* SqlClient

  const told = Effect.fnUntraced(function* (task: Task) {
    const { segmentId, format: asked, recipient, landed } = task.body as unknown as NoticeTask
    const dead = (reason: string): Outcome => ({ _tag: "Dead", reason })
    const done: Outcome = { _tag: "Done", result: mail === undefined ? "OUTBOX" : "MAIL" }
    if (mail === undefined && landed !== undefined) return done
    if (task.failures >= failuresMax) return dead(`${task.failures} attempts failed`)
    const segment = (yield* definitions.of(task.business, "segments"))[segmentId]
    const business = actors.business(task.business)
    if (segment === undefined || business === undefined) return dead("there is no such segment any more")
    const isTooLong = asked === "XLSX" && !(yield* fitsWorkbook(sql, task.business, segmentId))
    const format = isTooLong ? "CSV" : asked
    const now = yield* Clock.currentTimeMillis
    const ticket = { business: task.business, segment: segmentId, format, expiresAt: now + exportLinkMs }
    const link = `${yield* publicAddress.url}${exportPath(sealer, ticket)}`
    const message = mailOf(business.name, segment.name, format, link, isTooLong ? tooLong : "")
    if (mail === undefined) {
      const kept: NoticeTask = { kind, segmentId, format: asked, recipient, landed: message }
      const onward: Outcome = { _tag: "Continue", body: kept as unknown as Json }
      return onward
    }
    yield* mail.send({ id: task.id, to: recipient, at: task.enqueuedAt, message })
    return done
  })

  return (task: Task): Effect.Effect<Outcome> =>
    Effect.catch(told(task), (error): Effect.Effect<Outcome> => {
      if (error._tag !== "SendFault") return Effect.succeed({ _tag: "Retry", reason: error._tag })
      return Effect.succeed({ _tag: error.kind === "REFUSED" ? "Dead" : "Retry", reason: error.reason })
    })
})
