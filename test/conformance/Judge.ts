/**
 * Judges one answer of the server by what the description and the API's own error contract demand of it. Pure: an
 * answer and an expectation in, differences out. Pointers are into the body of the answer; the empty one means the
 * answer as a whole, and `content-type` its header.
 */
import { isArray, isObject, type Json, type JsonObject, type Operation, type Schema } from "./Description.ts"
import type { Expectation } from "./Probes.ts"
import { leafOf, valueAt } from "./Sample.ts"
import { check, type Difference, show, typed } from "./SchemaCheck.ts"

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

const problemType = "application/problem+json"
const problemFields: Readonly<Record<string, string>> = {
  type: "string",
  title: "string",
  status: "number",
  detail: "string",
  error: "string",
  message: "string"
}

const answerShownCharacters = 200

const mediaTypeOf = (contentType: string): string => (contentType.split(";")[0] ?? "").trim().toLowerCase()

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const whole = (expected: string, got: string): Difference => ({ pointer: "", expected, got })

const contentType = (expected: string, got: string): Difference => ({
  pointer: "content-type",
  expected,
  got: got === "" ? "nothing" : got
})

/** The status, and what the problem says or how the body begins. */
const shortAnswer = ({ status, text }: Answer): string => {
  const detail = valueAt(parsed(text), "/detail")
  return `${status} ${(typeof detail === "string" ? detail : text).slice(0, answerShownCharacters)}`.trimEnd()
}

export const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300

/** The stable code with which a problem answer names its kind. */
export const errorCodeOf = (answer: Answer): Json | undefined => valueAt(parsed(answer.text), "/error")

/** What a problem says to its reader, without the address of the request, in which every parameter stands anyway. */
const spoken = (problem: JsonObject): string =>
  Object.entries(problem)
    .filter(([name]) => !["type", "title", "status", "error", "instance"].includes(name))
    .map(([name, value]) => (typeof value === "string" ? value : `${name} ${JSON.stringify(value)}`))
    .join(" ")

const names = (problem: JsonObject, name: string): boolean => {
  const literal = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`(?<![A-Za-z0-9_])${literal}(?![A-Za-z0-9_])`).test(spoken(problem))
}

const judgeProblem = (answer: Answer, statuses: ReadonlyArray<number>, named?: string): ReadonlyArray<Difference> => {
  if (!statuses.includes(answer.status)) return [whole(`status ${statuses.join(" or ")}`, shortAnswer(answer))]
  const type = mediaTypeOf(answer.contentType)
  const differences = type === problemType ? [] : [contentType(problemType, type)]
  const problem = parsed(answer.text)
  if (!isObject(problem)) return [...differences, whole("a problem object", shortAnswer(answer))]
  for (const [name, expected] of Object.entries(problemFields)) {
    const value = problem[name]
    if (typeof value !== expected) differences.push({ pointer: `/${name}`, expected, got: typed(value) })
  }
  if (problem["status"] !== answer.status) {
    differences.push({ pointer: "/status", expected: String(answer.status), got: show(problem["status"]) })
  }
  if (named !== undefined && !names(problem, named)) {
    differences.push(whole(`a problem that names ${named}`, shortAnswer(answer)))
  }
  return differences
}

const itemsOf = (body: Json | undefined): ReadonlyArray<Json> => {
  const content = valueAt(body, "/content")
  return isArray(content) ? content : []
}

/** A parameter that is taken and then ignored is the defect that a client notices last. */
const judgeHeed = (
  heed: NonNullable<(Expectation & { readonly kind: "success" })["heed"]>,
  schema: Schema,
  body: Json
): ReadonlyArray<Difference> => {
  const { parameter, value } = heed
  const items = itemsOf(body)
  const item = schema.properties?.["content"]?.items
  if (parameter.name === "size" && items.length > Number(value)) {
    return [{ pointer: "/content", expected: `at most ${value} entries`, got: String(items.length) }]
  }
  if (parameter.name === "include_total" && value === "true" && typeof valueAt(body, "/paging/total") !== "number") {
    return [
      { pointer: "/paging/total", expected: "the total that was asked for", got: show(valueAt(body, "/paging/total")) }
    ]
  }
  if (parameter.schema.enum === undefined || item?.properties?.[parameter.name]?.enum === undefined) return []
  return items.flatMap((entry, index) => {
    const got = valueAt(entry, `/${parameter.name}`)
    const pointer = `/content/${index}/${parameter.name}`
    return got === value ? [] : [{ pointer, expected: `${value}, as the filter says`, got: show(got) }]
  })
}

const judgeSuccess = (
  operation: Operation,
  expectation: Expectation & { readonly kind: "success" },
  answer: Answer
): ReadonlyArray<Difference> => {
  const documented = [...operation.answers.keys()].filter((status) => status < 300)
  const content = operation.answers.get(answer.status)
  if (!documented.includes(answer.status) || content === undefined) {
    return [whole(`status ${documented.join(" or ")}`, shortAnswer(answer))]
  }
  const type = mediaTypeOf(answer.contentType)
  // What a file is made of is described nowhere, only that one is answered.
  const isFile = answer.text !== "" && type !== "application/json"
  if (content.size === 0) return answer.text === "" || isFile ? [] : [whole("an empty answer", shortAnswer(answer))]
  const schema = content.get(type)
  if (schema === undefined) return [contentType([...content.keys()].join(" or "), type)]
  const body = parsed(answer.text)
  if (body === undefined) return [whole("JSON", shortAnswer(answer))]
  const heeded = expectation.heed === undefined ? [] : judgeHeed(expectation.heed, schema, body)
  return [...check(schema, body), ...heeded]
}

/** `unknownCode` is the error code with which this server refuses a field that it does not know. */
export const judge = (
  operation: Operation,
  expectation: Expectation,
  answer: Answer,
  unknownCode: Json | undefined
): ReadonlyArray<Difference> => {
  switch (expectation.kind) {
    case "success":
      return judgeSuccess(operation, expectation, answer)
    case "refusal":
      return judgeProblem(answer, expectation.statuses, expectation.names)
    case "refusal or success":
      return isSuccess(answer)
        ? judgeSuccess(operation, { kind: "success" }, answer)
        : judgeProblem(answer, [400], expectation.names)
    case "known field": {
      if (isSuccess(answer)) return judgeSuccess(operation, { kind: "success" }, answer)
      if (answer.status === 400 && errorCodeOf(answer) === unknownCode) {
        return [whole("a refusal that knows the documented field", shortAnswer(answer))]
      }
      return judgeProblem(answer, [400, 403, 404, 409, 422])
    }
  }
}

/** What the scenario wrote and must find again; `undefined` asks only that a value is there. */
export type Reads = Readonly<Record<string, Json | undefined>>

export const judgeReads = (reads: Reads, answer: Answer): ReadonlyArray<Difference> => {
  const body = parsed(answer.text)
  return Object.entries(reads).flatMap(([pointer, expected]) => {
    const got = valueAt(body, pointer)
    if (expected === undefined ? got !== undefined && got !== null : got === expected) return []
    const wanted =
      expected === undefined ? `the ${leafOf(pointer)} that the scenario made` : `${show(expected)}, as written`
    return [{ pointer, expected: wanted, got: show(got) }]
  })
}

/** The answer as JSON, for counting the fields that it shows. */
export const bodyOf = (answer: Answer): Json => parsed(answer.text) ?? null
