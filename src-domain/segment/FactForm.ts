/**
 * How values of the domain become facts: plain JSON under snake_case names, amounts as integers, all of it read off the
 * Effect schemas, so that a field that is added to a schema is a fact without more code. A form says what a value is, for
 * the catalogue, and how to make the fact of it.
 */
import type * as SchemaAST from "effect/SchemaAST"

export type FactValue =
  | string
  | number
  | boolean
  | null
  | ReadonlyArray<FactValue>
  | { readonly [key: string]: FactValue }

export type FactObject = { readonly [key: string]: FactValue }

export interface FactField {
  readonly name: string
  readonly form: FactForm
  /** From the object that it is a field of. */
  readonly read: (source: unknown) => unknown
}

export type FactForm =
  | { readonly kind: "TEXT" | "NUMBER" | "AMOUNT" | "BOOLEAN" | "INSTANT" | "DATE" | "MONTH_DAY" | "NAME_DAY" }
  | { readonly kind: "ENUM"; readonly values: ReadonlyArray<string> }
  | { readonly kind: "LIST"; readonly of: FactForm }
  /** Keys are data: `entries` gives them. */
  | {
      readonly kind: "RECORD"
      readonly of: FactForm
      readonly entries: (value: unknown) => Iterable<[string, unknown]>
    }
  | { readonly kind: "STRUCT"; readonly fields: ReadonlyArray<FactField> }

export const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const property = (name: string) => (source: unknown) => (source as { readonly [name: string]: unknown })[name]

const escaped = (sign: string): string => `%${sign.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`

/**
 * A key that is data, as the name of a field: whatever a store or a path gives a meaning to is written as %XX, and so is
 * the start of a number and of a name that every object has.
 */
export const factKey = (key: string): string => {
  const name = key.toWellFormed().replaceAll(/[%.$\0]/g, escaped)
  return /^\d/.test(name) || name in Object.prototype ? escaped(name) + name.slice(1) : name
}

const isInstant = (name: string): boolean => name === "at" || name === "date" || name.endsWith("At")

type Properties = SchemaAST.Objects["propertySignatures"]
const namesOf = (properties: Properties): string =>
  properties
    .map(({ name }) => String(name))
    .toSorted()
    .join()

const structForm = (ast: SchemaAST.Objects): FactForm | undefined => {
  const [index] = ast.indexSignatures
  if (index !== undefined) {
    const of = formOf("", index.type)
    return of && { kind: "RECORD", of, entries: (value) => Object.entries(value as object) }
  }
  const names = namesOf(ast.propertySignatures)
  if (names === "day,month,year") return { kind: "DATE" }
  if (names === "day,month") return { kind: "MONTH_DAY" }
  if (names === "day,feast,month") return { kind: "NAME_DAY" }
  return { kind: "STRUCT", fields: fieldsOf(ast) }
}

const listForm = (name: string, ast: SchemaAST.Arrays): FactForm | undefined => {
  const [element] = ast.rest
  if (element === undefined) return undefined
  if (element._tag === "Objects" && namesOf(element.propertySignatures) === "key,value") {
    const pairs = (value: unknown) => value as ReadonlyArray<{ readonly key: string; readonly value: unknown }>
    const entries = (value: unknown) => pairs(value).map((pair): [string, unknown] => [pair.key, pair.value])
    return { kind: "RECORD", of: { kind: "TEXT" }, entries }
  }
  const of = formOf(name, element)
  return of && { kind: "LIST", of }
}

const unionForm = (name: string, ast: SchemaAST.Union): FactForm | undefined => {
  const members = ast.types.filter(({ _tag }) => _tag !== "Undefined" && _tag !== "Null")
  const values = members.flatMap((member) =>
    member._tag === "Literal" && typeof member.literal === "string" ? [member.literal] : []
  )
  if (values.length > 0 && values.length === members.length) return { kind: "ENUM", values }
  const [only] = members
  return members.length === 1 && only !== undefined ? formOf(name, only) : undefined
}

/** What is no plain value has no form: it is no fact. The name tells an instant from a number. */
const formOf = (name: string, ast: SchemaAST.AST): FactForm | undefined => {
  switch (ast._tag) {
    case "String":
      return { kind: "TEXT" }
    case "Number":
      return { kind: isInstant(name) ? "INSTANT" : "NUMBER" }
    case "BigInt":
      return { kind: "AMOUNT" }
    case "Boolean":
      return { kind: "BOOLEAN" }
    case "Literal":
      return typeof ast.literal === "string" ? { kind: "ENUM", values: [ast.literal] } : undefined
    case "Arrays":
      return listForm(name, ast)
    case "Objects":
      return structForm(ast)
    case "Union":
      return unionForm(name, ast)
    case "Suspend":
    case "Declaration":
    case "Null":
    case "Undefined":
    case "Void":
    case "Never":
    case "Unknown":
    case "Any":
    case "Symbol":
    case "UniqueSymbol":
    case "ObjectKeyword":
    case "Enum":
    case "TemplateLiteral":
      return undefined
  }
}

export const objectsOf = (schema: { readonly ast: SchemaAST.AST }): SchemaAST.Objects => {
  if (schema.ast._tag !== "Objects") throw new Error("Facts are made of structs.")
  return schema.ast
}

export const without = (fields: ReadonlyArray<FactField>, ...names: ReadonlyArray<string>): ReadonlyArray<FactField> =>
  fields.filter(({ name }) => !names.includes(name))

/** The fields of a struct that are facts. */
export const fieldsOf = (ast: SchemaAST.Objects): ReadonlyArray<FactField> =>
  ast.propertySignatures.flatMap(({ name, type }) => {
    const form = formOf(String(name), type)
    return form === undefined ? [] : [{ name: snakeCase(String(name)), form, read: property(String(name)) }]
  })

/** The fields of the struct that is the field `name`, as if they stood beside it. */
export const hoisted = (name: string, fields: ReadonlyArray<FactField>): ReadonlyArray<FactField> => {
  const outer = property(name)
  return fields.map((field) => ({
    ...field,
    read: (source) => {
      const inner = outer(source)
      return inner === undefined ? undefined : field.read(inner)
    }
  }))
}

/** Minor units that a double still holds exactly. An amount beyond is taken for the most: no wallet stops a view for all. */
const amountFact = (amount: bigint): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(amount)))

export const objectFact = (fields: ReadonlyArray<FactField>, source: unknown): FactObject => {
  const facts: { [key: string]: FactValue } = {}
  for (const { name, form, read } of fields) {
    const value = read(source)
    if (value !== undefined && value !== null) facts[name] = factOf(form, value)
  }
  return facts
}

/** The fact of a value that has the form. */
const factOf = (form: FactForm, value: unknown): FactValue => {
  switch (form.kind) {
    case "AMOUNT":
      return amountFact(value as bigint)
    case "LIST":
      return (value as ReadonlyArray<unknown>).map((entry) => factOf(form.of, entry))
    case "RECORD":
      return Object.fromEntries(
        Array.from(form.entries(value), ([key, entry]) => [factKey(key), factOf(form.of, entry)])
      )
    case "STRUCT":
      return objectFact(form.fields, value)
    case "DATE":
    case "MONTH_DAY":
    case "NAME_DAY":
      return { ...(value as FactObject) }
    case "TEXT":
    case "NUMBER":
    case "BOOLEAN":
    case "INSTANT":
    case "ENUM":
      return value as FactValue
  }
}
