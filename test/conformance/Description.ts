/**
 * The published description of the self-service door, read from OpenAPI 3.0 in YAML or JSON and indexed by operation.
 *
 * Every schema that leaves here is flat: `$ref` is followed and `allOf` is merged, so a reader looks at one place. A
 * keyword that this file does not know is an error and never skipped, because a rule that is silently ignored makes a
 * green table worthless. `pattern` is known and left out: each one in the description is prose, not an expression.
 */
import { readFile } from "node:fs/promises"
import { parse } from "yaml"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

export interface Schema {
  readonly type?: string
  readonly format?: string
  readonly enum?: ReadonlyArray<Json>
  readonly nullable?: boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly uniqueItems?: boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly example?: Json
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: Schema
  /** What the description shows as a value, beside the schema. */
  readonly examples: ReadonlyArray<Json>
}

export interface Operation {
  /** `GET /contacts/{id}`: without the door's prefix. */
  readonly key: string
  readonly method: string
  /** The whole path, with its `{names}`. */
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly body: Schema | undefined
  /** Documented answer by status; a content type without a schema maps to an empty schema. */
  readonly answers: ReadonlyMap<number, ReadonlyMap<string, Schema>>
  /** Whether every way in that is documented needs a bearer token. */
  readonly needsBearer: boolean
}

export const prefix = "/self-service/v2"

const methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"]
const annotations = new Set([
  "description",
  "title",
  "default",
  "deprecated",
  "pattern",
  "readOnly",
  "writeOnly",
  "xml"
])
const copied = new Set(
  "type format enum nullable required uniqueItems minimum maximum minLength maxLength example".split(" ")
)

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)

const objectAt = (value: Json | undefined, where: string): JsonObject => {
  if (isObject(value)) return value
  throw new Error(`${where}: an object is expected in the description`)
}

const textAt = (source: JsonObject, name: string, where: string): string => {
  const text = source[name]
  if (typeof text === "string") return text
  throw new Error(`${where}/${name}: a text is expected in the description`)
}

const listOf = (value: Json | undefined): ReadonlyArray<Json> => (isArray(value) ? value : [])

/** Both hold, as `allOf` demands; where only one may be kept, the outer schema's word stands. */
const merge = (inner: Schema, outer: Schema): Schema => {
  const properties = { ...inner.properties }
  for (const [name, schema] of Object.entries(outer.properties ?? {})) {
    const known = properties[name]
    properties[name] = known === undefined ? schema : merge(known, schema)
  }
  const required = [...new Set([...(inner.required ?? []), ...(outer.required ?? [])])]
  const allowed = outer.enum === undefined || inner.enum === undefined ? undefined : new Set(inner.enum)
  return {
    ...inner,
    ...outer,
    ...(allowed === undefined ? {} : { enum: (outer.enum ?? []).filter((value) => allowed.has(value)) }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required })
  }
}

class Reader {
  readonly root: JsonObject

  constructor(root: JsonObject) {
    this.root = root
  }

  /** Follows a local reference. */
  resolve(value: Json | undefined, where: string): JsonObject {
    const found = objectAt(value, where)
    const reference = found["$ref"]
    if (reference === undefined) return found
    if (typeof reference !== "string" || !reference.startsWith("#/")) {
      throw new Error(
        `${where}: only references inside the description can be followed, not ${JSON.stringify(reference)}`
      )
    }
    let target: Json | undefined = this.root
    for (const part of reference.slice(2).split("/")) {
      target = objectAt(target, reference)[part.replaceAll("~1", "/").replaceAll("~0", "~")]
    }
    return this.resolve(target, reference)
  }

  /** `open` holds the schemas being read: one that contains itself is unconstrained at its second occurrence. */
  schema(value: Json | undefined, where: string, open: ReadonlySet<JsonObject> = new Set()): Schema {
    const source = this.resolve(value, where)
    if (open.has(source)) return {}
    const inside = new Set([...open, source])
    const flat: Record<string, unknown> = {}
    for (const [keyword, part] of Object.entries(source)) {
      const here = `${where}/${keyword}`
      if (copied.has(keyword)) flat[keyword] = part
      else if (keyword === "items") flat["items"] = this.schema(part, here, inside)
      else if (keyword === "properties") {
        flat["properties"] = Object.fromEntries(
          Object.entries(objectAt(part, here)).map(([name, each]) => [
            name,
            this.schema(each, `${here}/${name}`, inside)
          ])
        )
      } else if (keyword === "additionalProperties") {
        if (isObject(part)) flat["additionalProperties"] = this.schema(part, here, inside)
      } else if (keyword !== "allOf" && !annotations.has(keyword) && !keyword.startsWith("x-")) {
        throw new Error(`${here}: the checker does not know the keyword ${keyword}`)
      }
    }
    return listOf(source["allOf"])
      .map((part, index) => this.schema(part, `${where}/allOf/${index}`, inside))
      .reduce((outer, inner) => merge(inner, outer), flat as Schema)
  }

  parameter(value: Json, where: string): Parameter {
    const source = this.resolve(value, where)
    const examples = Object.values(isObject(source["examples"]) ? source["examples"] : {})
      .map((example) => (isObject(example) ? example["value"] : undefined))
      .concat([source["example"]])
      .filter((example) => example !== undefined)
    return {
      name: textAt(source, "name", where),
      in: textAt(source, "in", where),
      schema: this.schema(source["schema"] ?? {}, `${where}/schema`),
      examples
    }
  }

  /** Media types with their schemas, of a request body or an answer. */
  content(value: Json | undefined, where: string): ReadonlyMap<string, Schema> {
    const content = isObject(value) ? value : {}
    return new Map(
      Object.entries(content).map(([type, media]) => [
        type,
        this.schema(objectAt(media, where)["schema"] ?? {}, `${where}/${type}`)
      ])
    )
  }

  operation(method: string, path: string, item: JsonObject): Operation {
    const where = `${method.toUpperCase()} ${path}`
    const source = objectAt(item[method], where)
    const parameters = [...listOf(item["parameters"]), ...listOf(source["parameters"])]
    const body = source["requestBody"] === undefined ? undefined : this.resolve(source["requestBody"], where)
    const schemes = objectAt(objectAt(this.root["components"] ?? {}, "components")["securitySchemes"] ?? {}, "security")
    const ways = listOf(source["security"] ?? this.root["security"])
    const isBearer = (name: string) => objectAt(schemes[name] ?? {}, name)["type"] === "http"
    return {
      key: `${method.toUpperCase()} ${path.startsWith(prefix) ? path.slice(prefix.length) : path}`,
      method: method.toUpperCase(),
      path,
      parameters: parameters.map((parameter, index) => this.parameter(parameter, `${where}/parameters/${index}`)),
      body: body === undefined ? undefined : this.content(body["content"], `${where}/body`).get("application/json"),
      answers: new Map(
        Object.entries(objectAt(source["responses"] ?? {}, where)).map(([status, answer]) => [
          Number(status),
          this.content(this.resolve(answer, where)["content"], `${where}/${status}`)
        ])
      ),
      needsBearer: ways.length > 0 && ways.every((way) => isObject(way) && Object.keys(way).some(isBearer))
    }
  }
}

/** Every operation of a parsed description, by its key. */
export const index = (root: Json): ReadonlyMap<string, Operation> => {
  const document = objectAt(root, "the description")
  const reader = new Reader(document)
  const operations = Object.entries(objectAt(document["paths"], "paths")).flatMap(([path, item]) => {
    const found = reader.resolve(item, path)
    return methods.filter((method) => method in found).map((method) => reader.operation(method, path, found))
  })
  return new Map(operations.map((operation) => [operation.key, operation]))
}

/** Reads the file; the YAML reader takes JSON too. */
export const read = async (path: string): Promise<ReadonlyMap<string, Operation>> =>
  index(parse(await readFile(path, "utf8"), { merge: false }) as Json)
