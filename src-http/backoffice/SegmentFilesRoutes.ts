/** Members as files: a list that comes in and is judged row by row, and the link to the list that goes out. */
import { objectionToFields } from "#domain/segment/ExportFields.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import { ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import { exportLinkMs, exportPath } from "#runtime/segment/ExportLink.ts"
import type { ImportVerdict } from "#runtime/segment/Imports.ts"
import * as MemberFile from "#runtime/segment/MemberFile.ts"
import { workbookRowsMaxOf } from "#runtime/segment/MemberSheet.ts"
import { SegmentExportNotice } from "#runtime/segment/SegmentExportNotice.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { findDefined } from "../door/Defined.ts"
import { serve, serveUpload } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { viewFault } from "../door/Views.ts"
import { epoch, present } from "../resource/Fields.ts"
import { workbookTooLong } from "./SegmentReference.ts"
import { exportSegmentMembers, importSegmentMembers } from "./SegmentsApi.ts"

type Verdict = ImportVerdict | "WITHOUT_REFERENCE"

export const segmentFileRoutes = [
  serveUpload(
    importSegmentMembers,
    ({ principal, params }) => Effect.asVoid(findDefined(principal, "segments", params["id"])),
    Effect.fnUntraced(function* ({ principal, params, body: { bytes, mediaType } }) {
      const { business } = principal
      const { id } = yield* findDefined(principal, "segments", params["id"])
      const read = yield* Effect.mapError(MemberFile.read(bytes, mediaType, business.country), ({ rule }) =>
        invalidField("/", rule)
      )
      const named = read.flatMap(({ references }) => (references.length === 0 ? [] : [references]))
      const segments = yield* Segments
      const imported = yield* Effect.mapError(segments.importMembers(business.id, id, named), viewFault)
      const counts: Record<Verdict, number> = {
        ADDED: 0,
        ALREADY_IMPORTED: 0,
        NOT_FOUND: 0,
        AMBIGUOUS: 0,
        WITHOUT_REFERENCE: 0
      }
      let next = 0
      const rows = read.map(({ row, references }) => {
        const found = references.length === 0 ? undefined : imported[next++]
        const verdict: Verdict = found?.verdict ?? "WITHOUT_REFERENCE"
        counts[verdict] += 1
        return present({ row, verdict, contact_id: found?.contact })
      })
      return {
        body: {
          added: counts.ADDED,
          already_imported: counts.ALREADY_IMPORTED,
          not_found: counts.NOT_FOUND,
          ambiguous: counts.AMBIGUOUS,
          without_reference: counts.WITHOUT_REFERENCE,
          rows
        }
      }
    })
  ),
  serve(
    exportSegmentMembers,
    Effect.fnUntraced(function* ({ principal, params, body, commandId }) {
      const { format, fields, recipients } = body
      const objection = fields && objectionToFields(fields)
      if (objection !== undefined)
        return yield* Effect.fail(invalidField(`/fields${objection.pointer}`, objection.rule))
      const { id: segment } = yield* findDefined(principal, "segments", params["id"])
      const business = principal.business.id
      if (format === "XLSX") {
        const segments = yield* Segments
        const fits = yield* Effect.mapError(segments.fitsWorkbook({ business, segment, fields }), viewFault)
        if (!fits) return yield* Effect.fail(workbookTooLong(workbookRowsMaxOf(fields)))
      }
      const sealer = yield* Sealer
      const clock = yield* Clock.Clock
      const expiresAt = clock.currentTimeMillisUnsafe() + exportLinkMs
      if (recipients !== undefined) {
        const notice = yield* SegmentExportNotice
        const id = nameUuid("segment export", commandId)
        yield* Effect.mapError(notice({ id, business, segmentId: segment, format, fields, recipients }), (cause) =>
          viewFault(new ViewUnavailable({ view: "outbox", cause }))
        )
      }
      const url = exportPath(sealer, { business, segment, format, fields, expiresAt })
      return { body: { url, expires_on: epoch(expiresAt) } }
    })
  )
]
