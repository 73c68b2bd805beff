/** Segments as the back office makes and reads them. Safe to share with clients. */
import { DefinitionState } from "#domain/definition/Definition.ts"
import { Condition, ConditionSets } from "#domain/segment/Condition.ts"
import { ExportFields } from "#domain/segment/ExportFields.ts"
import { RefreshMode } from "#domain/segment/Segment.ts"
import { EmailAddress } from "#domain/shared/EmailAddress.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Instant, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Segments"
const segmentsPath = "/backoffice/v2/segments"
const one = `${segmentsPath}/:id` as const
const recipientsMax = 20

const { page: _page, ...byCursor } = pagingQuery

const Refresh = Schema.Struct({
  /** LIVE is always right; the others are right as of their last refresh; NEVER has imported members alone. */
  mode: RefreshMode,
  /** Of SCHEDULED: five fields. */
  cron: Schema.optionalKey(Line),
  /** An IANA name; the business's if absent. */
  time_zone: Schema.optionalKey(Line)
})
/** The columns: those of a member (id, code, name, email, phone, since, imported: the usual ones) and fields of the catalogue. */
const exportFields = Schema.optionalKey(ExportFields)
const ExportAsked = Schema.Struct({
  recipients: Schema.Array(EmailAddress).check(Schema.isMinLength(1), Schema.isMaxLength(recipientsMax)),
  format: Schema.Literals(["CSV", "XLSX"]),
  fields: exportFields
})
const SegmentBody = Schema.Struct({
  name: Line,
  sets: ConditionSets,
  refresh: Refresh,
  /** Sent after each refresh. */
  export: Schema.optionalKey(ExportAsked)
})
export type SegmentBody = typeof SegmentBody.Type

const Segment = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  state: DefinitionState,
  version: Schema.Int,
  saved_on: Schema.Int,
  sets: ConditionSets,
  refresh: Refresh,
  export: Schema.optionalKey(ExportAsked)
})
export type Segment = typeof Segment.Type

/** How its members stand: of which version they are, and since when. */
const Membership = Schema.Struct({
  state: Schema.Literals(["NEVER_COMPUTED", "COMPUTING", "READY", "ASKED", "FAILED"]),
  version: Schema.optionalKey(Schema.Int),
  members: Schema.Int,
  refreshed_on: Schema.optionalKey(Schema.Int),
  next_refresh_on: Schema.optionalKey(Schema.Int),
  /** Of the last change in its stream. */
  position: Schema.Int,
  failure: Schema.optionalKey(Schema.String)
})
const SegmentRead = Schema.Struct({ ...Segment.fields, membership: Membership })
export type SegmentRead = typeof SegmentRead.Type

const Reference = Schema.Struct({ id: Schema.String })
const ContactNamed = Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String) })
const Group = Schema.Struct({ count: Schema.Int, sample: Schema.Array(ContactNamed) })

/** Epoch seconds of an instant that has passed; absent: now. */
const at = Schema.optionalKey(Instant)
const sampleSize = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })))

export const createSegment = declare({
  method: "POST",
  path: segmentsPath,
  tag,
  name: "createSegment",
  summary: "Define a segment",
  description:
    "A contact is in when all conditions of any one set hold. Fields and events that may be asked for are in the catalogue; " +
    "amounts are decimals in the business's currency, instants epoch seconds. A live segment is computed at once, and right from then on.",
  access: "secret",
  body: SegmentBody,
  status: 201,
  success: Reference
})

export const listSegments = declare({
  method: "GET",
  path: segmentsPath,
  tag,
  name: "listSegments",
  summary: "List the segments",
  description: "By name.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, state: Schema.optionalKey(DefinitionState) }),
  status: 200,
  success: listOf(Segment)
})

export const getSegment = declare({
  method: "GET",
  path: one,
  tag,
  name: "getSegment",
  summary: "Read a segment",
  description: "With how its members stand.",
  access: "secret",
  status: 200,
  success: SegmentRead
})

export const updateSegment = declare({
  method: "PUT",
  path: one,
  tag,
  name: "updateSegment",
  summary: "Replace a definition",
  description:
    "Members go by the definition before until the new one is computed; then all of them are replaced at once, and each " +
    "join and leave is told once.",
  access: "secret",
  body: SegmentBody,
  status: 200,
  success: Reference
})

export const actOnSegment = declare({
  method: "POST",
  path: `${one}/actions`,
  tag,
  name: "actOnSegment",
  summary: "Switch a segment on or off",
  description:
    "Switched off, its members stay as they are once its membership is READY, a moment later; switched on, a live one is " +
    "computed anew.",
  access: "secret",
  body: Schema.Struct({ action: Schema.Literals(["ACTIVATE", "DEACTIVATE"]) }),
  status: 200,
  success: Reference
})

export const deleteSegment = declare({
  method: "DELETE",
  path: one,
  tag,
  name: "deleteSegment",
  summary: "Delete a segment",
  description: "With its members and its stream of changes; not while something else uses it.",
  access: "secret",
  status: 204
})

export const refreshSegment = declare({
  method: "POST",
  path: `${one}/refresh`,
  tag,
  name: "refreshSegment",
  summary: "Compute the members anew",
  description: "Returns at once; the segment says when it is done.",
  access: "secret",
  status: 200,
  success: Reference
})

const Member = Schema.Struct({
  contact: ContactNamed,
  by_rule: Schema.Boolean,
  imported: Schema.Boolean,
  since: Schema.Int
})
export const listSegmentMembers = declare({
  method: "GET",
  path: `${one}/members`,
  tag,
  name: "listSegmentMembers",
  summary: "List the members",
  description: "In the order of their ids. Of a live segment it holds whatever was committed before it was asked for.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, ...cursorQuery }),
  status: 200,
  success: listOf(Member)
})

export const removeSegmentMember = declare({
  method: "DELETE",
  path: `${one}/members/:contact`,
  tag,
  name: "removeSegmentMember",
  summary: "Remove an imported member",
  description: "Who is in by the rule as well stays in by it.",
  access: "secret",
  status: 204
})

const Change = Schema.Struct({
  id: Schema.String,
  position: Schema.Int,
  contact: Schema.Struct({ id: Schema.String }),
  kind: Schema.Literals(["JOINED", "LEFT"]),
  reason: Schema.Literals(["EVENT", "TIME", "SEGMENT", "DEFINITION", "REFRESH", "IMPORT", "REMOVAL"]),
  /** The type of the event, or the id of the segment. */
  because: Schema.optionalKey(Schema.String),
  /** Epoch seconds; which came first says `position`. */
  at: Schema.Int
})
export const listSegmentChanges = declare({
  method: "GET",
  path: `${one}/changes`,
  tag,
  name: "listSegmentChanges",
  summary: "Read the stream of joins and leaves",
  description:
    "In order, after a position; who keeps the last one misses nothing. Kept for 400 days; of what is older, the beginning " +
    "tells who was in by then.",
  access: "secret",
  query: Schema.Struct({
    size: byCursor.size,
    after: Schema.optionalKey(
      Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
    )
  }),
  status: 200,
  success: Schema.Struct({ content: Schema.Array(Change), has_more: Schema.Boolean, position: Schema.Int })
})

export const previewSegment = declare({
  method: "POST",
  path: `${segmentsPath}/preview`,
  tag,
  name: "previewSegment",
  summary: "Count who would be in",
  description:
    "Exactly, with a sample, now or at an instant that has passed; where other segments are named, in the last 400 days. " +
    "Nothing is stored.",
  access: "secret",
  body: Schema.Struct({ sets: ConditionSets, at, sample_size: sampleSize }),
  status: 200,
  success: Group
})

export const compareSegments = declare({
  method: "POST",
  path: `${segmentsPath}/difference`,
  tag,
  name: "compareSegments",
  summary: "Compare two definitions",
  description: "Who would be in the first alone, in the second alone, and in both. Nothing is stored.",
  access: "secret",
  body: Schema.Struct({ first: ConditionSets, second: ConditionSets, at, sample_size: sampleSize }),
  status: 200,
  success: Schema.Struct({ only_first: Group, only_second: Group, both: Group })
})

const ConditionExplained = Schema.Struct({
  holds: Schema.Boolean,
  expected: Condition,
  /** What was found: a value, a count, a sum, an event. */
  actual: Schema.optionalKey(Schema.Json),
  /** When it may change by time alone. */
  until: Schema.optionalKey(Schema.Int)
})
export const explainMembership = declare({
  method: "GET",
  path: `${one}/contacts/:contact/explanation`,
  tag,
  name: "explainMembership",
  summary: "Tell why a contact is in, or is not",
  description: "Condition by condition.",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    member: Schema.Boolean,
    imported: Schema.Boolean,
    holds: Schema.Boolean,
    sets: Schema.Array(Schema.Struct({ holds: Schema.Boolean, conditions: Schema.Array(ConditionExplained) }))
  })
})

interface Field {
  readonly path: string
  readonly type: string
  readonly keyed?: true
  readonly values?: ReadonlyArray<string>
  readonly fields?: ReadonlyArray<Field>
}
const fieldShape = {
  path: Schema.String,
  type: Schema.String,
  /** It is asked for as `path` with a key behind it. */
  keyed: Schema.optionalKey(Schema.Literal(true)),
  values: Schema.optionalKey(Schema.Array(Schema.String))
}
const EntryField = Schema.Struct(fieldShape)
const CatalogueField = Schema.Struct({ ...fieldShape, fields: Schema.optionalKey(Schema.Array(EntryField)) })
export type CatalogueField = typeof CatalogueField.Type & Field

export const getSegmentCatalogue = declare({
  method: "GET",
  path: `${segmentsPath}/catalogue`,
  tag,
  name: "getSegmentCatalogue",
  summary: "List what conditions may ask for",
  description:
    "Every field of a contact and every event, with the types that conditions have to suit. An AMOUNT is a decimal in the " +
    "business's currency, an INSTANT in epoch seconds. A custom field is a text; where it is written as a number " +
    "(38, -2.5) or a date (2026-05-21) it is in custom_numbers or custom_dates as well, under the same key.",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    fields: Schema.Array(CatalogueField),
    events: Schema.Array(Schema.Struct({ type: Schema.String, fields: Schema.Array(CatalogueField) }))
  })
})

export const listSegmentsOfContact = declare({
  method: "GET",
  path: "/backoffice/v2/contacts/:id/segments",
  tag,
  name: "listSegmentsOfContact",
  summary: "List the segments a contact is in",
  description: "Right for whatever was committed before it was asked for, in live segments.",
  access: "secret",
  query: Schema.Struct(pagingQuery),
  status: 200,
  success: listOf(
    Schema.Struct({
      id: Schema.String,
      name: Schema.String,
      by_rule: Schema.Boolean,
      imported: Schema.Boolean,
      since: Schema.Int
    })
  )
})

export const importSegmentMembers = declare({
  method: "POST",
  path: `${one}/import`,
  tag,
  name: "importSegmentMembers",
  summary: "Import members from a file",
  description:
    "CSV or XLSX of at most 10 MiB and 100,000 rows; the first row names the columns: id, code, email or phone. Of " +
    "several in one row the first of these is meant; a row in which another names somebody else is AMBIGUOUS. Imported " +
    "members stay until they are removed, whatever the rule says. Sent again, the file changes nothing more.",
  access: "secret",
  upload: ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
  status: 200,
  success: Schema.Struct({
    added: Schema.Int,
    already_imported: Schema.Int,
    not_found: Schema.Int,
    ambiguous: Schema.Int,
    without_reference: Schema.Int,
    rows: Schema.Array(
      Schema.Struct({
        /** Of the file, its header being 1. */
        row: Schema.Int,
        verdict: Schema.Literals(["ADDED", "ALREADY_IMPORTED", "NOT_FOUND", "AMBIGUOUS", "WITHOUT_REFERENCE"]),
        contact_id: Schema.optionalKey(Schema.String)
      })
    )
  })
})

export const exportSegmentMembers = declare({
  method: "POST",
  path: `${one}/export`,
  tag,
  name: "exportSegmentMembers",
  summary: "Make a link to the list of members",
  description:
    "The link needs no key and expires; what it gives is the list as it is when it is followed. With recipients it is sent " +
    "to them as well. Its columns are id, code, name, email, phone, since and imported, or the fields that are named: of " +
    "these seven and of the catalogue, of a list of entries one of their fields (communities.owner). Amounts are decimals of " +
    "the contact's currency, instants RFC 3339, lists joined by semicolons. CSV is complete however long the list is; XLSX " +
    "holds at most 50,000 members, fewer with more than seven columns, and of a longer list is refused with " +
    "KOINON.LIST_TOO_LONG.",
  access: "secret",
  body: Schema.Struct({
    format: Schema.Literals(["CSV", "XLSX"]),
    fields: exportFields,
    recipients: Schema.optionalKey(ExportAsked.fields.recipients)
  }),
  status: 200,
  success: Schema.Struct({ url: Schema.String, expires_on: Schema.Int })
})
