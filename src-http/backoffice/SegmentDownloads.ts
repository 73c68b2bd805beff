/**
 * `GET /downloads/segments/…`: the list of members behind a signed link, as it is when the link is followed. The link is all
 * the right there is, so it tells nothing but whether it is good; what it gives is kept nowhere on its way.
 */
import { Sealer } from "#runtime/privacy/Sealer.ts"
import { readTicket } from "#runtime/segment/ExportLink.ts"
import { mediaTypes } from "#runtime/segment/MemberFile.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { plainHeaders } from "../door/AnswerHeaders.ts"
import { definedBy } from "../door/Defined.ts"
import { guardedRoute } from "../door/Door.ts"
import { fault } from "../door/Fault.ts"
import { viewFault } from "../door/Views.ts"
import { metered } from "../operator/RequestMeter.ts"
import { workbookTooLong } from "./SegmentReference.ts"

/** Workbooks that are made at once: each is whole in memory. */
const workbooksAtOnceMax = 2
const path = "/downloads/segments/:business/:segment/:seal"

const noSuchLink = fault(404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION", "Not found", "There is nothing behind this link.")
const expired = fault(410, "KOINON.LINK_EXPIRED", "Expired", "This link has expired; ask for a new one.")
const busy = fault(503, "KOINON.BUSY", "Busy", "Other lists are being made; try again.", { retryAfterSeconds: 2 })

let workbooks = 0

/** What spreadsheets know UTF-8 by. */
const byteOrderMark = "\uFEFF"

const download = Effect.gen(function* () {
  const ticket = readTicket(yield* Sealer, (yield* HttpServerRequest.HttpServerRequest).url)
  if (ticket === undefined) return yield* Effect.fail(noSuchLink)
  const { business, segment, format, fields, expiresAt } = ticket
  if ((yield* Clock.Clock).currentTimeMillisUnsafe() >= expiresAt) return yield* Effect.fail(expired)
  // Deleted since: its members are gone as well.
  if ((yield* definedBy({ id: business }, "segments"))[segment] === undefined) return yield* Effect.fail(noSuchLink)
  const segments = yield* Segments
  const headers = {
    ...plainHeaders,
    "content-disposition": `attachment; filename="segment-${segment}.${format.toLowerCase()}"`
  }
  if (format === "CSV") {
    const lines = yield* Effect.mapError(segments.csv({ business, segment, fields }), viewFault)
    const text = Stream.concat(Stream.succeed(byteOrderMark), lines)
    return HttpServerResponse.stream(Stream.encodeText(text), {
      contentType: `${mediaTypes.csv}; charset=utf-8`,
      headers
    })
  }
  if (workbooks >= workbooksAtOnceMax) return yield* Effect.fail(busy)
  workbooks += 1
  const bytes = yield* Effect.ensuring(
    Effect.mapError(segments.workbook({ business, segment, fields }), (error) =>
      error._tag === "WorkbookTooLong" ? workbookTooLong(error.rowsMax) : viewFault(error)
    ),
    Effect.sync(() => {
      workbooks -= 1
    })
  )
  return HttpServerResponse.uint8Array(bytes, { contentType: mediaTypes.xlsx, headers })
})

export const layer = HttpRouter.addAll([
  HttpRouter.route("GET", path, metered({ method: "GET", path }, guardedRoute(download, "/downloads/segments")))
])
