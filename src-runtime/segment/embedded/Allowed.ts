/**
 * What may be asked of the embedded segment store: the stages and operators that are listed, each of which a test holds to
 * what MongoDB makes of it. Anything else is refused by name, wherever it stands, before anything is read.
 */
import type { Document } from "bson"
import { mqlExpressionOperators, mqlQueryOperators, mqlStages } from "../MqlOperators.ts"
import { Refused } from "./Refused.ts"

/** Beside those of a pipeline, what the store asks for by itself. */
export const stages: ReadonlySet<string> = new Set([...mqlStages, "$limit", "$skip", "$count"])

/** The driver writes `$options` beside a pattern. */
export const queryOperators: ReadonlySet<string> = new Set([...mqlQueryOperators, "$options"])

export { mqlExpressionOperators as expressionOperators } from "../MqlOperators.ts"

const updateOperators: ReadonlySet<string> = new Set(["$set", "$setOnInsert", "$unset", "$inc"])

const updateStages: ReadonlySet<string> = new Set(["$set", "$addFields", "$unset", "$project"])
const none: ReadonlySet<string> = new Set()

/** Documents within documents. */
const depthMax = 100
const stagesMax = 200

const everyOperator: ReadonlySet<string> = new Set([...queryOperators, ...mqlExpressionOperators])

const check = (value: unknown, allowed: ReadonlySet<string>, depth = 0): void => {
  if (depth > depthMax) throw new Refused("FailedToParse", "it is nested too deeply")
  if (typeof value !== "object" || value === null) return
  if (Array.isArray(value)) {
    for (const each of value) check(each, allowed, depth + 1)
    return
  }
  for (const [name, inner] of Object.entries(value as Document)) {
    if (name.startsWith("$") && !allowed.has(name)) {
      throw new Refused("InvalidPipelineOperator", `Unrecognized expression '${name}'`)
    }
    if (name === "__proto__") throw new Refused("FailedToParse", "no field has that name")
    if (name !== "$literal") check(inner, allowed, depth + 1)
  }
}

export const checkFilter = (filter: unknown): Document => {
  if (filter === undefined) return {}
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) {
    throw new Refused("TypeMismatch", "a filter has to be a document")
  }
  check(filter, everyOperator)
  return filter
}

const stageOf = (stage: unknown): readonly [name: string, body: unknown] => {
  const entries = typeof stage === "object" && stage !== null ? Object.entries(stage as Document) : []
  const [first] = entries
  if (first === undefined || entries.length > 1) {
    throw new Refused("FailedToParse", "A pipeline stage specification object must contain exactly one field.")
  }
  return first
}

export const checkPipeline = (pipeline: unknown, allowed: ReadonlySet<string> = stages): ReadonlyArray<Document> => {
  if (!Array.isArray(pipeline) || pipeline.length > stagesMax) {
    throw new Refused("TypeMismatch", `a pipeline has to be an array of at most ${stagesMax} stages`)
  }
  for (const stage of pipeline) {
    const [name, body] = stageOf(stage)
    if (!allowed.has(name)) throw new Refused("UnknownStage", `Unrecognized pipeline stage name: '${name}'`)
    if (name === "$lookup") {
      const { pipeline: inner = [], ...rest } = body as Document
      checkPipeline(inner)
      check(rest, everyOperator)
    } else check(body, everyOperator)
  }
  return pipeline as ReadonlyArray<Document>
}

/** Either operators, or stages, or a whole document in place of the old one. */
export const checkUpdate = (update: unknown): Document | ReadonlyArray<Document> => {
  if (Array.isArray(update)) return checkPipeline(update, updateStages)
  if (typeof update !== "object" || update === null)
    throw new Refused("FailedToParse", "an update has to be a document")
  const names = Object.keys(update)
  const operators = names.filter((name) => name.startsWith("$"))
  if (operators.length > 0 && operators.length < names.length) {
    throw new Refused("FailedToParse", "an update is either operators or a whole document")
  }
  for (const name of operators) {
    if (!updateOperators.has(name)) throw new Refused("FailedToParse", `Unknown modifier: ${name}`)
    check((update as Document)[name], none)
  }
  return update
}
