/**
 * Pipelines of segments on mingo itself, in process. Two of its operators are not what MongoDB means and are replaced: a
 * `$lookup` that has both a pipeline and fields to join by, and patterns, which are RE2's here.
 */
import { Aggregator } from "mingo/aggregator"
import { Context, evalExpr } from "mingo/core"
import * as accumulators from "mingo/operators/accumulator"
import * as expressions from "mingo/operators/expression"
import * as stages from "mingo/operators/pipeline"
import * as projections from "mingo/operators/projection"
import * as queries from "mingo/operators/query"
import { resolve } from "mingo/util"
import { RE2JS } from "re2js"
import { mqlExpressionOperators, mqlQueryOperators, mqlStages } from "#runtime/segment/MqlOperators.ts"
import { type ContactFacts, foldedEvent } from "#domain/segment/Facts.ts"

type Document = Record<string, unknown>
interface Lookup {
  readonly pipeline: ReadonlyArray<Document>
  readonly as: string
}
interface Lazy {
  readonly map: (each: (document: Document) => Document) => Lazy
}

const listed = (all: object, names: ReadonlySet<string>) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)))

/** mingo makes a pattern of its own of what is called `$regex`. */
const renamed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(renamed)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name === "$regex" ? "$pattern" : name, renamed(inner)])
  )
}

const regex = (selector: string, pattern: string) => {
  const compiled = RE2JS.compile(pattern)
  return (document: Document) => {
    const text: unknown = resolve(document, selector)
    return typeof text === "string" && compiled.matcher(text).find()
  }
}

const regexMatch = (
  document: Document,
  { input, regex }: Document,
  options: Parameters<typeof evalExpr>[2]
): boolean => {
  const text: unknown = evalExpr(document, input, options)
  return typeof text === "string" && RE2JS.compile(String(evalExpr(document, regex, options))).test(text)
}

/** The ids that the pipeline yields; an operator that is not listed is not there at all. */
export const idsOf = (
  pipeline: ReadonlyArray<object>,
  contacts: ReadonlyArray<ContactFacts>
): ReadonlyArray<string> => {
  const events = new Map(contacts.map(({ profile, events }) => [profile._id, events.map(foldedEvent)]))
  const context: Context = Context.init({
    accumulator: listed(accumulators, new Set()),
    expression: { ...listed(expressions, mqlExpressionOperators), $regexMatch: regexMatch },
    projection: listed(projections, new Set()),
    query: { ...listed(queries, mqlQueryOperators), $pattern: regex } as never,
    pipeline: {
      ...listed(stages, mqlStages),
      $lookup: (documents: Lazy, { pipeline, as }: Lookup) =>
        documents.map((document) => ({
          ...document,
          // Out of order, as a collection is.
          [as]: run(pipeline, (events.get(String(document["_id"])) ?? []).toReversed())
        }))
    } as never
  })
  const run = (pipeline: ReadonlyArray<object>, documents: ReadonlyArray<object>) =>
    new Aggregator([...pipeline].map(renamed) as Array<Document>, { context, scriptEnabled: false }).run([
      ...documents
    ] as Array<Document>)
  return run(
    pipeline,
    contacts.map(({ profile }) => profile)
  ).map((document) => String(document["_id"]))
}
