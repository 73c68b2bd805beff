/**
 * What a schema finds wrong with what was sent, in words for who sent it: at which place what is needed instead, never a word
 * of the library that looked. A choice names its alternatives, once: where they are many, the sentence about all that is
 * wrong leaves them to the list of faults.
 */
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { FieldFault } from "./Fault.ts"

/** Alternatives that a sentence about the whole request names. */
const namedMax = 8

/** Faults listed in one answer; a body with more is wrong enough. */
const faultsMax = 20

/** Of a field or parameter that is not declared (API-1). */
export const notKnown = "There is nothing of this name here."

type Path = ReadonlyArray<PropertyKey>
type Words = Pick<FieldFault, "rule" | "brief">
interface Wrong extends Words {
  readonly path: Path
}

const sentence = (phrase: string): string => `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)} is needed.`

const listed = (nouns: ReadonlyArray<string>): string =>
  nouns.length < 3 ? nouns.join(" or ") : `${nouns.slice(0, -1).join(", ")}, or ${nouns.at(-1) ?? ""}`

/** All that may stand there, choices within a choice taken apart. */
const alternativesOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  ast._tag === "Union"
    ? ast.types.flatMap(alternativesOf)
    : ast._tag === "Suspend"
      ? alternativesOf(ast.thunk())
      : [ast]

const nounOf = (ast: SchemaAST.AST): string => {
  switch (ast._tag) {
    case "String":
      return "a text"
    case "Number":
      return "a number"
    case "Boolean":
      return "true or false"
    case "Null":
      return "null"
    case "Arrays":
      return "a list"
    case "Objects":
      return "an object"
    case "Literal":
      return JSON.stringify(String(ast.literal))
    default:
      return "another value"
  }
}

/** Values that are written out, if nothing else may stand there. */
const valuesOf = (ast: SchemaAST.AST): ReadonlyArray<string> | undefined => {
  const all = alternativesOf(ast)
  const values = all.flatMap((each) =>
    each._tag === "Literal" ? [String(each.literal)] : each._tag === "Null" ? ["null"] : []
  )
  return values.length === all.length ? values : undefined
}

/** The field by whose value objects are told apart, with all the values that it has. */
const kindsOf = (ast: SchemaAST.AST): readonly [name: string, values: ReadonlyArray<string>] | undefined => {
  const all = alternativesOf(ast)
  const objects = all.filter((each) => each._tag === "Objects")
  if (objects.length < 2 || objects.length < all.length) return undefined
  for (const { name } of objects[0]?.propertySignatures ?? []) {
    const values = objects.map(({ propertySignatures }) => {
      const field = propertySignatures.find((each) => each.name === name)
      return field && valuesOf(field.type)
    })
    if (values.every((each) => each !== undefined)) return [String(name), values.flat()]
  }
  return undefined
}

const oneOf = (begin: string, values: ReadonlyArray<string>): Words => {
  const rule = `${begin} one of these: ${values.join(", ")}.`
  return values.length <= namedMax ? { rule } : { rule, brief: `${begin} one of ${values.length} values.` }
}

const needed = (ast: SchemaAST.AST): Words => {
  const values = valuesOf(ast)
  if (values !== undefined && values.length > 1) return oneOf("It has to be", values)
  const kinds = kindsOf(ast)
  if (kinds !== undefined) return oneOf(`It has to be an object, and its ${kinds[0]}`, kinds[1])
  return { rule: sentence(listed([...new Set(alternativesOf(ast).map(nounOf))])) }
}

type Annotations = Readonly<Record<string, unknown>> | undefined
const said = (annotations: Annotations, name = "message"): string | undefined =>
  typeof annotations?.[name] === "string" ? annotations[name] : undefined

/** What the schema itself says of a wrong value, or that something like it is needed. */
const valueWords = (annotations: ReadonlyArray<Annotations>): Words => {
  const first = (name: string): string | undefined => annotations.flatMap((each) => said(each, name) ?? [])[0]
  return { rule: first("message") ?? sentence(first("expected") ?? "another value") }
}

const wordsOf = (issue: SchemaIssue.Leaf | SchemaIssue.AnyOf): Words => {
  switch (issue._tag) {
    case "AnyOf":
    case "InvalidType": {
      const rule = said(issue.ast.annotations)
      return rule === undefined ? needed(issue.ast) : { rule }
    }
    case "MissingKey":
      return { rule: said(issue.annotations, "messageMissingKey") ?? "It is missing." }
    case "UnexpectedKey":
      return { rule: notKnown }
    case "InvalidValue":
    case "Forbidden":
      return valueWords([issue.annotations])
    case "OneOf":
      return { rule: "It fits more than one of the forms that it may have." }
  }
}

/** Nothing of the kind stands there. */
const isMiss = (issue: SchemaIssue.Issue): boolean =>
  issue._tag === "InvalidType" || (issue._tag === "AnyOf" && issue.issues.every(isMiss))

const wrongsIn = (issue: SchemaIssue.Issue, path: Path): ReadonlyArray<Wrong> => {
  switch (issue._tag) {
    case "Pointer":
      return wrongsIn(issue.issue, [...path, ...issue.path])
    case "Encoding":
      return wrongsIn(issue.issue, path)
    case "Filter": {
      const { filter, issue: inner } = issue
      if (inner._tag === "InvalidValue") return [{ path, ...valueWords([filter.annotations, inner.annotations]) }]
      const rule = said(filter.annotations)
      const found = wrongsIn(inner, path)
      return rule === undefined ? found : found.map(({ path }) => ({ path, rule }))
    }
    case "Composite":
      return issue.issues.flatMap((each) => wrongsIn(each, path))
    case "AnyOf": {
      // What came closer says what is wrong with it; of what is nothing of all this, all of it is named.
      const closer = issue.issues.filter((each) => !isMiss(each))
      return closer.length > 0 ? closer.flatMap((each) => wrongsIn(each, path)) : [{ path, ...wordsOf(issue) }]
    }
    default:
      return [{ path, ...wordsOf(issue) }]
  }
}

const pointerOf = (path: Path): string => path.map((segment) => `/${String(segment)}`).join("")

/** `root` is put before a lone parameter name, "" for bodies. */
export const fieldFaults = (issue: SchemaIssue.Issue, root: string): ReadonlyArray<FieldFault> =>
  wrongsIn(issue, [])
    .slice(0, faultsMax)
    .map(({ path, ...words }) => ({ pointer: `${root}${pointerOf(path)}` || "/", ...words }))
