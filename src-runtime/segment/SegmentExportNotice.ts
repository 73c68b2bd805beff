/**
 * Whoever tells recipients that the members of a segment can be fetched. Called within the transaction that takes over a
 * refresh of a segment with an automatic export, so that both are durable or neither is, and when somebody asks for an
 * export by mail; it makes the link itself, as late as it can, so that it is fresh when it is read. Without one, nobody is
 * told, which is said in the log.
 */
import type { ExportFields } from "#domain/segment/ExportFields.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"

export interface SegmentExport {
  /** The same id is the same export, however often it is told. */
  readonly id: string
  readonly business: string
  readonly segmentId: string
  readonly format: "CSV" | "XLSX"
  /** Absent: what is usual. */
  readonly fields?: ExportFields | undefined
  /** E-mail addresses. */
  readonly recipients: ReadonlyArray<string>
}

export const SegmentExportNotice = Context.Reference<(asked: SegmentExport) => Effect.Effect<void, SqlError>>(
  "koinon/runtime/SegmentExportNotice",
  {
    defaultValue: () => (asked) =>
      Effect.logWarning(`the export of segment ${asked.segmentId} is told to nobody: no mail is set up for it`)
  }
)
