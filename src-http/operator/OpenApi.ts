/**
 * The OpenAPI 3.1 description, made of the declarations that the doors serve from, so that it cannot say anything else.
 * Values of parameters are described as they are meant (a number, not its digits); whatever is not described is refused.
 */
import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import type { Declaration } from "../door/Endpoint.ts"
import type { Access } from "../door/Principal.ts"
import { clientFrames, ServerFrame } from "../live/Protocol.ts"
import { Operation } from "../resource/Operation.ts"
import { version } from "./Version.ts"

/** A declaration, or a route that is served in another way and described like one. */
export interface Described extends Omit<
  Declaration<never, never, never>,
  "access" | "status" | "query" | "body" | "success" | "identityOf"
> {
  readonly access: Access | "public"
  readonly status: 101 | Declaration<never, never, never>["status"]
  readonly query?: Schema.Top
  readonly body?: Schema.Top
  readonly success?: Schema.Top
  /** Of the answer, where it is not JSON. */
  readonly contentType?: string
  /** Further statuses that are answered with the same body. */
  readonly alternatives?: ReadonlyArray<number>
}

type Json = Record<string, unknown>

const Problem = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  instance: Schema.String,
  error: Schema.String,
  message: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Unknown),
  faults: Schema.optionalKey(Schema.Array(Schema.Struct({ pointer: Schema.String, rule: Schema.String })))
})

const problems: Readonly<Record<number, string>> = {
  400: "What was sent breaks a rule; `faults` names each place.",
  401: "Nobody known is asking.",
  403: "Who asks may not do this.",
  404: "It does not exist in this business.",
  409: "It contradicts what is there.",
  412: "It has changed since the version that If-Match names.",
  413: "The body is too large.",
  422: "Documented and not built, or an Idempotency-Key that belongs to another request.",
  429: "Too many at once; try again after Retry-After.",
  503: "It cannot be done now; try again after Retry-After with the same Idempotency-Key."
}

const security: Readonly<Record<Access | "public", ReadonlyArray<Json>>> = {
  public: [],
  secret: [{ api_key: [] }],
  contact: [{ access_token: [] }, { api_key: [], access_token: [] }],
  "contact-or-secret": [{ access_token: [] }, { api_key: [] }],
  refresh: [{ refresh_token: [] }]
}

const securitySchemes = {
  api_key: {
    type: "apiKey",
    in: "header",
    name: "api_key",
    description: "A key of the business: the secret one for tills and integrators, the publishable one for apps."
  },
  access_token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "The contact's own access token." },
  refresh_token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "A contact's refresh token." }
}

const namedSchemas = "#/components/schemas/"
const answered = "Answered"

/** What is answered may come to hold more, and what is sent may not: of a named schema these are two, by two names. */
const asAnswered = <A>(described: A): A =>
  JSON.parse(JSON.stringify(described), (key, value: unknown) =>
    key === "$ref" && typeof value === "string" && value.startsWith(namedSchemas) ? `${value}${answered}` : value
  ) as A

/** Schemas that are named and shared, collected while the paths are written. */
const collector = () => {
  const schemas: Record<string, unknown> = {}
  const jsonSchema = (schema: Schema.Top, strict: boolean): Json => {
    const document = Schema.toJsonSchemaDocument(schema, { onExcessProperty: strict ? "error" : "ignore" })
    const { schemas: roots, definitions } = JsonSchema.toMultiDocumentOpenApi3_1({
      dialect: "draft-2020-12",
      schemas: [document.schema],
      definitions: document.definitions
    })
    for (const [name, schema] of Object.entries(definitions)) {
      if (strict) schemas[name] = schema
      else schemas[`${name}${answered}`] = asAnswered(schema)
    }
    const root: Json = roots[0] ?? {}
    return strict ? root : asAnswered(root)
  }
  return { schemas, jsonSchema }
}
type JsonSchemaOf = ReturnType<typeof collector>["jsonSchema"]

const isNumberOrItsName = (schema: Json): boolean =>
  Array.isArray(schema["anyOf"]) && schema["anyOf"].some((each: Json) => each["type"] === "number")

/** As it is meant: digits of a number are a number, also where a schema would let "Infinity" pass on its way. */
const queryParameters = (query: Schema.Top, jsonSchema: JsonSchemaOf): ReadonlyArray<Json> => {
  const sent = jsonSchema(query, true)
  const meant = jsonSchema(Schema.toType(query), true)
  const required = new Set(sent["required"] as ReadonlyArray<string> | undefined)
  const types = (meant["properties"] ?? {}) as Record<string, Json>
  return Object.entries((sent["properties"] ?? {}) as Record<string, Json>).map(([name, text]) => {
    const type = types[name] ?? text
    return {
      name,
      in: "query",
      required: required.has(name),
      schema: isNumberOrItsName(type) ? { type: "number" } : type
    }
  })
}

const header = (name: string, description: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" }
})

const writeHeaders: ReadonlyArray<Json> = [
  header(
    "Idempotency-Key",
    "1 to 255 visible ASCII characters: the same request again gets the same answer and has one effect."
  ),
  header("Prefer", "respond-async: answer 202 as soon as it is durable.")
]
const ifMatch = header("If-Match", "The ETag of the version that is to be changed; 412 when there is another by now.")

const pathNames = (path: string): ReadonlyArray<string> =>
  [...path.matchAll(/:([a-z_]+)/g)].map(([, name]) => name ?? "")

const problemStatuses = ({ method, path, access, query, body }: Described): ReadonlyArray<number> => {
  if (access === "public") return []
  const writes = method !== "GET"
  return [
    ...(query !== undefined || body !== undefined || writes ? [400] : []),
    401,
    403,
    ...(pathNames(path).length > 0 ? [404] : []),
    ...(writes ? [409, ...(method === "PUT" ? [412] : []), 413, 422] : []),
    429,
    503
  ]
}

const operationOf = (described: Described, jsonSchema: JsonSchemaOf): Json => {
  const { method, path, tag, name, summary, description, access, query, body, status, success, batch, upload, file } =
    described
  const writes = method !== "GET"
  const json = batch === undefined ? "application/json" : "application/x-ndjson"
  const content = (schema: Schema.Top, strict: boolean): Json => ({ [json]: { schema: jsonSchema(schema, strict) } })
  const good: Json = {
    description: status === 101 ? "The connection speaks WebSocket from here on." : summary,
    ...(described.contentType !== undefined && {
      content: { [described.contentType]: { schema: { type: "string" } } }
    }),
    ...(success !== undefined && { content: content(success, false) }),
    ...(file !== undefined && {
      content: Object.fromEntries(file.map((type) => [type, { schema: { type: "string", format: "binary" } }]))
    }),
    ...(access !== "public" &&
      success !== undefined &&
      batch === undefined && {
        headers: {
          ETag: { description: "The version, where it is one resource.", schema: { type: "string" } },
          ...(writes && {
            "Idempotency-Replayed": { description: "true: it was answered before.", schema: { type: "string" } }
          })
        }
      })
  }
  const bodyStatus = batch === undefined ? status : 200
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: security[access],
    parameters: [
      ...pathNames(path).map((param) => ({ name: param, in: "path", required: true, schema: { type: "string" } })),
      ...(query === undefined ? [] : queryParameters(query, jsonSchema)),
      ...(writes && batch === undefined && upload === undefined && access !== "public" ? writeHeaders : []),
      ...(method === "PUT" ? [ifMatch] : [])
    ],
    ...(upload !== undefined && {
      requestBody: {
        required: true,
        content: Object.fromEntries(upload.map((type) => [type, { schema: { type: "string", format: "binary" } }]))
      }
    }),
    ...(body !== undefined && { requestBody: { required: true, content: content(body, true) } }),
    responses: {
      [bodyStatus]: good,
      ...(described.isEmptyWithout === true && { 204: { description: summary } }),
      ...(writes &&
        batch === undefined && {
          202: {
            description: "It is durable and goes on; the operation tells its end.",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Operation" } } }
          }
        }),
      ...Object.fromEntries(
        (described.alternatives ?? []).map((each) => [each, { ...good, description: problems[each] }])
      ),
      ...Object.fromEntries(
        problemStatuses(described).map((each) => [each, { $ref: `#/components/responses/Problem${each}` }])
      )
    }
  }
}

const componentsOf = (schemas: Record<string, unknown>, jsonSchema: JsonSchemaOf): Json => ({
  securitySchemes,
  responses: Object.fromEntries(
    Object.entries(problems).map(([status, description]) => [
      `Problem${status}`,
      { description, content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } }
    ])
  ),
  schemas: {
    Problem: jsonSchema(Problem, false),
    Operation: jsonSchema(Operation, false),
    LiveClientFrame: { oneOf: Object.values(clientFrames).map((frame) => jsonSchema(frame, true)) },
    LiveServerFrame: jsonSchema(ServerFrame, false),
    ...schemas
  }
})

export const openApi = (all: ReadonlyArray<Described>): Json => {
  const { schemas, jsonSchema } = collector()
  const paths: Record<string, Json> = {}
  for (const described of all) {
    const path = described.path.replaceAll(/:([a-z_]+)/g, "{$1}")
    paths[path] = { ...paths[path], [described.method.toLowerCase()]: operationOf(described, jsonSchema) }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Koinon",
      version,
      description:
        "Contacts, the communities they share a wallet with, and what they buy: durable, idempotent and live. What is not " +
        "described here is refused by name, never ignored.",
      license: { name: "MIT", identifier: "MIT" }
    },
    servers: [{ url: "/" }],
    tags: [...new Set(all.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: componentsOf(schemas, jsonSchema)
  }
}
