/** Why a view was not read. None of them says anything about the data; all but `CursorInvalid` may be tried again. */
import * as Schema from "effect/Schema"

/** The view has not caught up with what the reader has to see, or stands still: `reason` says why it does. */
export class ProjectionBehind extends Schema.TaggedError<ProjectionBehind>()("ProjectionBehind", {
  projection: Schema.String,
  lagEvents: Schema.Int,
  reason: Schema.optionalKey(Schema.String)
}) {}

/** The store of the view or the journal did not answer, or what it holds cannot be trusted. */
export class ViewUnavailable extends Schema.TaggedError<ViewUnavailable>()("ViewUnavailable", {
  view: Schema.String,
  cause: Schema.Defect()
}) {}

/** `after` is not a cursor that this list has given, in this order. */
export class CursorInvalid extends Schema.TaggedError<CursorInvalid>()("CursorInvalid", {}) {}
