/**
 * Why a view was not read. None of them says anything about the data; all but `CursorInvalid` and `NoLongerKept` may be
 * tried again.
 */
import * as Schema from "effect/Schema"

/** The view has not caught up with what the reader has to see, or stands still: `reason` says why it does. */
export class ProjectionBehind extends Schema.TaggedError<ProjectionBehind>()("ProjectionBehind", {
  projection: Schema.String,
  lagEvents: Schema.Int,
  reason: Schema.optionalKey(Schema.String)
}) {}

/** What a projection builds on is not there now: it tries again. */
export class ProjectionWaits extends Schema.TaggedError<ProjectionWaits>()("ProjectionWaits", {
  reason: Schema.String
}) {}

/** The store of the view or the journal did not answer, or what it holds cannot be trusted. */
export class ViewUnavailable extends Schema.TaggedError<ViewUnavailable>()("ViewUnavailable", {
  view: Schema.String,
  cause: Schema.Defect()
}) {}

/** It lies further back than is kept. */
export class NoLongerKept extends Schema.TaggedError<NoLongerKept>()("NoLongerKept", {
  asked: Schema.Literals(["POSITION", "INSTANT"])
}) {}

/** `after` is not a cursor that this list has given, in this order. */
export class CursorInvalid extends Schema.TaggedError<CursorInvalid>()("CursorInvalid", {}) {}
