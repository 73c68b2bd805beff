/**
 * The algebra of segments: sets of conditions over what is known of a contact and what happened to her (SEG-1). A contact
 * is in when all conditions of any one set hold. The same form filters automations and plans. It is JSON as it stands, so
 * that doors, storage and the journal share it; what it means is said by `Reference.ts`, whether it makes sense by
 * `TypeCheck.ts`.
 *
 * What is not there has no value: every comparison with it is false, but NOT_EQUAL and NOT_IN, the exact opposites of
 * EQUAL and IN, are true. Instants are epoch milliseconds, amounts minor units.
 */
import * as Schema from "effect/Schema"

const setsMax = 20
const conditionsMax = 30
/** Filters on the events or list entries of one condition. */
const filtersMax = 10
const valuesMax = 500
const textLengthMax = 500
const pathLengthMax = 200
/** A century, in the smallest unit that may be asked for. */
const spanMax = 52_600_000

const Path = Schema.NonEmptyString.check(Schema.isMaxLength(pathLengthMax))
const Text = Schema.String.check(Schema.isMaxLength(textLengthMax))

export const Scalar = Schema.Union([Text, Schema.Finite, Schema.Boolean])
export type Scalar = typeof Scalar.Type

export const ComparisonOperator = Schema.Literals([
  "EQUAL",
  "NOT_EQUAL",
  "GREATER",
  "GREATER_OR_EQUAL",
  "LESS",
  "LESS_OR_EQUAL",
  "IN",
  "NOT_IN"
])
export type ComparisonOperator = typeof ComparisonOperator.Type

const Measure = Schema.Literals(["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL"])

/** `value` is a list for IN and NOT_IN only. */
const Comparison = Schema.Struct({
  type: Schema.Literal("COMPARISON"),
  field: Path,
  operator: ComparisonOperator,
  value: Schema.Union([Scalar, Schema.Array(Scalar).check(Schema.isMaxLength(valuesMax))])
})
export type Comparison = typeof Comparison.Type

/** Of a list: whether anything is in it. */
const Existence = Schema.Struct({ type: Schema.Literal("EXISTENCE"), field: Path, exists: Schema.Boolean })
export type Existence = typeof Existence.Type

/** Case and accents do not matter, but to MATCHES: a regular expression of RE2, found anywhere in the text. */
const TextCondition = Schema.Struct({
  type: Schema.Literal("TEXT"),
  field: Path,
  operator: Schema.Literals(["IS", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "MATCHES"]),
  value: Schema.NonEmptyString.check(Schema.isMaxLength(textLengthMax))
})
export type TextCondition = typeof TextCondition.Type

const ListCondition = Schema.Struct({
  type: Schema.Literal("LIST"),
  field: Path,
  operator: Schema.Literals(["HAS_ANY", "HAS_ALL", "HAS_NONE"]),
  values: Schema.Array(Text).check(Schema.isMinLength(1), Schema.isMaxLength(valuesMax))
})
export type ListCondition = typeof ListCondition.Type

/** BEFORE is earlier than the instant, AFTER the instant itself or later. */
const DateCondition = Schema.Struct({
  type: Schema.Literal("DATE"),
  field: Path,
  operator: Schema.Literals(["BEFORE", "AFTER"]),
  at: Schema.Int
})
export type DateCondition = typeof DateCondition.Type

/** MINUTES, HOURS and DAYS are lengths, a day 24 hours; MONTHS and YEARS go by the calendar of the contact's zone. */
export const Unit = Schema.Literals(["MINUTES", "HOURS", "DAYS", "MONTHS", "YEARS"])
export type Unit = typeof Unit.Type

export const Span = Schema.Struct({
  amount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: spanMax })),
  unit: Unit
})
export type Span = typeof Span.Type

/** IN_LAST: it has come, less than the span ago. LONGER_AGO: the span or more. IN_NEXT: still to come, within the span. */
const Recency = Schema.Struct({
  type: Schema.Literal("RECENCY"),
  field: Path,
  operator: Schema.Literals(["IN_LAST", "LONGER_AGO", "IN_NEXT"]),
  span: Span
})
export type Recency = typeof Recency.Type

/**
 * On dates of the contact's zone; 29 February is kept on the 28th where there is none. An instant is kept on the day of the
 * year on which it is there; one before 1970, or of 2100 or later, on none.
 */
const Anniversary = Schema.Struct({
  type: Schema.Literal("ANNIVERSARY"),
  field: Path,
  operator: Schema.Literals(["TODAY", "IN_NEXT_DAYS", "IN_MONTH", "THIS_MONTH"]),
  /** Of IN_NEXT_DAYS the days, today being none; of IN_MONTH the month, from 1. */
  value: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 366 })))
})
export type Anniversary = typeof Anniversary.Type

/** What may be asked of one event, or of one entry of a list. */
export const Filter = Schema.Union([
  Comparison,
  Existence,
  TextCondition,
  ListCondition,
  DateCondition,
  Recency,
  Anniversary
]).annotate({ identifier: "Filter" })
export type Filter = typeof Filter.Type
const Filters = Schema.Array(Filter).check(Schema.isMaxLength(filtersMax))

/** Some entry of a list of objects passes all filters. */
const AnyEntry = Schema.Struct({ type: Schema.Literal("ANY"), field: Path, where: Filters })
export type AnyEntry = typeof AnyEntry.Type

/** `last`: from its instant until the span is over. `from`, inclusive, and `until`, exclusive, are instants. */
export const Window = Schema.Struct({
  last: Schema.optionalKey(Span),
  from: Schema.optionalKey(Schema.Int),
  until: Schema.optionalKey(Schema.Int)
})
export type Window = typeof Window.Type

const events = { event: Path, where: Schema.optionalKey(Filters), window: Schema.optionalKey(Window) }

const Count = Schema.Struct({
  type: Schema.Literal("COUNT"),
  ...events,
  operator: Measure,
  value: Schema.Int
})
export type Count = typeof Count.Type

/** Of nothing it is 0. */
const Sum = Schema.Struct({
  type: Schema.Literal("SUM"),
  ...events,
  field: Path,
  operator: Measure,
  value: Schema.Finite
})
export type Sum = typeof Sum.Type

/** Of the events that pass `where`, the latest (earliest) one passes `is`; false where there is none. */
const endmost = { ...events, is: Filters }
const LastEvent = Schema.Struct({ type: Schema.Literal("LAST"), ...endmost })
const FirstEvent = Schema.Struct({ type: Schema.Literal("FIRST"), ...endmost })
export type EndmostEvent = typeof LastEvent.Type | typeof FirstEvent.Type

/**
 * The field has had this value, and no other in between, for at least the span. Of who she is it can be asked without a value:
 * THERE, that there has been one, whichever it was; UNCHANGED, that it has been the one that is there now.
 */
const HasBeen = Schema.Struct({
  type: Schema.Literal("HAS_BEEN"),
  field: Path,
  value: Schema.optionalKey(Scalar),
  state: Schema.optionalKey(Schema.Literals(["THERE", "UNCHANGED"])),
  span: Span
})
export type HasBeen = typeof HasBeen.Type

/** With `for`: since she came to be in it, and stayed in it, it has been at least the span, or less. */
const Member = Schema.Struct({
  type: Schema.Literal("MEMBER"),
  segment: Path,
  for: Schema.optionalKey(Schema.Struct({ operator: Schema.Literals(["AT_LEAST", "LESS_THAN"]), span: Span }))
})
export type Member = typeof Member.Type

export const Plain = Schema.Union([
  Comparison,
  Existence,
  TextCondition,
  ListCondition,
  DateCondition,
  Recency,
  Anniversary,
  AnyEntry,
  Count,
  Sum,
  LastEvent,
  FirstEvent,
  HasBeen,
  Member
]).annotate({ identifier: "PlainCondition" })
export type Plain = typeof Plain.Type

/** The exact opposite. It holds a plain condition, so nothing nests deeper. */
const Not = Schema.Struct({ type: Schema.Literal("NOT"), condition: Plain })

export const Condition = Schema.Union([Plain, Not]).annotate({ identifier: "Condition" })
export type Condition = typeof Condition.Type

/** All of them hold; without any, everybody is in. */
export const ConditionSet = Schema.Struct({
  conditions: Schema.Array(Condition).check(Schema.isMaxLength(conditionsMax))
})
export type ConditionSet = typeof ConditionSet.Type

export const ConditionSets = Schema.Array(ConditionSet).check(Schema.isMinLength(1), Schema.isMaxLength(setsMax))
export type ConditionSets = typeof ConditionSets.Type
