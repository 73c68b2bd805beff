/**
 * Every operation against everybody who may not use it, made from the declarations themselves: an operation that is added
 * is tried as it is, and one of which it cannot be said what strangers are told fails here until somebody says so. Each is
 * told exactly one thing, and nothing is stored.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { endpoints } from "#http/Api.ts"
import type { Access } from "#http/door/Principal.ts"
import { describe as describeApi } from "#http/operator/OperatorDoor.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type JsonSchema, sampleBody } from "../support/SampleBody.ts"
import * as Shop from "../support/Shop.ts"
import { notAllowed, notFound, rowsOf, type Told, unknownCaller, type World, world } from "../support/Strangers.ts"
import type { Response } from "../support/TestServer.ts"

type Declared = (typeof endpoints)[number]
class Known extends Context.Service<Known, World>()("koinon/test/EveryOperation") {}

interface Caller {
  readonly headers: (world: World) => { readonly api_key?: string; readonly authorization?: string }
  /** Left out where this caller is one who may ask. */
  readonly told: Partial<Record<Access, Told>>
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** One for each access that there is, or this does not compile. */
const nobody: Readonly<Record<Access, Told>> = {
  secret: unknownCaller,
  contact: unknownCaller,
  "contact-or-secret": unknownCaller,
  refresh: unknownCaller
}
const { refresh: _refresh, ...allButRefresh } = nobody
const needsTwo = { contact: notAllowed, "contact-or-secret": notAllowed, refresh: notAllowed }

/** Whoever is turned away at the door, whatever the operation does. */
const callers: Readonly<Record<string, Caller>> = {
  "no token and no key": { headers: () => ({}), told: nobody },
  "an empty token": { headers: () => bearer(""), told: nobody },
  "a garbage token": { headers: () => bearer("not.a.token"), told: nobody },
  "a token without a signature": { headers: ({ unsigned }) => bearer(unsigned), told: nobody },
  "a token of another installation": { headers: ({ elsewhere }) => bearer(elsewhere), told: nobody },
  "her expired access token": { headers: ({ expired }) => bearer(expired.accessToken), told: nobody },
  "her expired refresh token": { headers: ({ expired }) => bearer(expired.refreshToken), told: nobody },
  "her refresh token": { headers: ({ tokens }) => bearer(tokens.refresh), told: allButRefresh },
  "her access token": {
    headers: ({ tokens }) => bearer(tokens.access),
    told: { secret: unknownCaller, refresh: unknownCaller }
  },
  "a garbage key": { headers: () => ({ api_key: "sk_nobody" }), told: nobody },
  "a garbage key beside her token": {
    headers: ({ tokens }) => ({ api_key: "sk_nobody", ...bearer(tokens.access) }),
    told: nobody
  },
  "the hash of the secret key": {
    headers: ({ server }) => ({
      api_key:
        [...server.actors.businesses()].flatMap(({ apiKeys }) => apiKeys).find(({ kind }) => kind === "SECRET")?.hash ??
        ""
    }),
    told: nobody
  },
  "the publishable key": {
    headers: ({ publishableKey }) => ({ api_key: publishableKey }),
    told: { ...nobody, secret: notAllowed }
  },
  "the publishable key beside her token": {
    headers: ({ publishableKey, tokens }) => ({ api_key: publishableKey, ...bearer(tokens.access) }),
    told: { secret: notAllowed, refresh: unknownCaller }
  },
  "the secret key": {
    headers: ({ server }) => ({ api_key: server.apiKey }),
    told: { contact: unknownCaller, refresh: unknownCaller }
  },
  "another business's secret key beside her token": {
    headers: ({ other, tokens }) => ({ api_key: other.secretKey, ...bearer(tokens.access) }),
    told: { ...needsTwo, refresh: unknownCaller }
  },
  "another business's publishable key beside her refresh token": {
    headers: ({ other, tokens }) => ({ api_key: other.publishableKey, ...bearer(tokens.refresh) }),
    told: { secret: notAllowed, contact: unknownCaller, "contact-or-secret": unknownCaller, refresh: notAllowed }
  },
  "another business's publishable key": {
    headers: ({ other }) => ({ api_key: other.publishableKey }),
    told: { ...nobody, secret: notAllowed }
  }
}

/** What a caller with a good token or key of her own is told where she names what is another's. `own`: it is about her alone. */
type Foreign = Told | "own"
interface Foreigners {
  /** A contact of the same business. */
  readonly neighbour: Foreign
  /** A contact of another business. */
  readonly foreigner: Foreign
  /** The secret key of another business. */
  readonly otherKey: Foreign
  /** Parameters that it cannot do without. */
  readonly query?: string
  /** Where the victim is named in it, or its rules are not in its description. */
  readonly body?: (world: World) => unknown
}

const isNamedInPath = (path: string): boolean => /^\/self-service\/v2\/(contacts|wallets)\/:id(\/|$)/.test(path)

const automation = { trigger: "PURCHASE_POSTED", actions: [{ type: "APPROVAL" }] }

/** Operations whose path names no contact. One with parameters in its path finds nothing of another business. */
const named: Readonly<Record<string, Partial<Foreigners>>> = {
  getAnalytics: { query: "?frequency=THIS_MONTH&metrics=WALLET_TOTALS" },
  getOwnPurchase: { neighbour: notFound, foreigner: notFound },
  listPurchaseRewards: { neighbour: notFound, foreigner: notFound },
  getOperation: { neighbour: notFound, foreigner: notFound },
  getOwnCommunication: { neighbour: notFound, foreigner: notFound },
  actOnCommunication: { neighbour: notFound, foreigner: notFound },
  getFile: { neighbour: notFound, foreigner: notFound },
  createPrintout: {
    neighbour: notFound,
    foreigner: notFound,
    body: ({ ids }) => ({ entity: { type: "ORDERS", id: ids["purchases"] }, format: "WEB_VIEW" })
  },
  // Whose activation it is, the token says; the pool is the business's.
  actOnCommercePool: { neighbour: "own", foreigner: notFound },
  postTransfer: {
    neighbour: notAllowed,
    foreigner: notAllowed,
    otherKey: notFound,
    body: ({ victim, neighbour }) => ({
      origin: { wallet_id: victim.id },
      destination: { wallet_id: neighbour.id },
      amount: 1
    })
  },
  // Whom it renews, the token says.
  refreshSession: { neighbour: "own", foreigner: "own" },
  createContact: { otherKey: "own", body: () => ({ type: "PERSON", first_name: "Nikos", last_name: "Ioannou" }) },
  createOrganisation: { otherKey: notAllowed },
  getStatus: { otherKey: notAllowed },
  rebuildView: { otherKey: notAllowed },
  createCommercePool: { otherKey: "own" },
  postExchangeRate: { otherKey: "own", body: () => ({ currency_code: "USD", rate: 0.9 }) },
  changeSettings: { otherKey: "own" },
  createWebhook: {
    otherKey: "own",
    body: () => ({ name: "Hook", url: "https://hooks.invalid.example/", events: "*" })
  },
  changeWebhook: { body: () => ({ name: "Hers" }) },
  replayWebhook: { body: () => ({ since: 0 }) },
  createAutomation: { otherKey: "own", body: () => ({ name: "Call", ...automation }) },
  updateAutomation: { body: () => ({ name: "Call", ...automation }) },
  dryRunAutomation: { otherKey: "own", body: () => ({ automation, from: 0 }) },
  giveAward: { body: () => ({ name: "Points", amount: 1 }) },
  changeActivity: { body: () => ({ assignee: "maria" }) },
  postPurchase: { otherKey: notFound, body: ({ server, victim }) => Shop.receipt(server, victim) },
  createSegment: { otherKey: "own" },
  previewSegment: { otherKey: "own" },
  compareSegments: { otherKey: "own" },
  createTemplate: {
    otherKey: "own",
    body: () => ({
      name: "Greeting",
      channel: "SMS",
      purpose: "MARKETING",
      default_language: "ENG",
      variants: { ENG: { text: "Hello" } },
      missing: { policy: "REJECT" }
    })
  },
  createPlan: {
    otherKey: [400, "KOINON.INVALID_DEFINITION"],
    body: ({ ids, victim }) => ({
      name: "Greetings",
      template_id: ids["templates"],
      segment_ids: [victim.id],
      schedule: { type: "BIRTHDAY", time: "09:00" }
    })
  },
  // The business's words, the same for every contact of it.
  listTags: { neighbour: "own", foreigner: "own", query: "?entity=CONTACTS" },
  // A calendar, the same for everybody.
  listNameDayRules: { neighbour: "own", foreigner: "own" },
  // A batch is answered line by line.
  postPurchaseBatch: { otherKey: notFound, body: ({ server, victim }) => Shop.receipt(server, victim) }
}

const foreignersOf = ({ declaration: { access, method, name, path } }: Declared): Partial<Foreigners> => {
  const byPath: Partial<Foreigners> = {
    ...(access !== "secret" && isNamedInPath(path) && { neighbour: notAllowed, foreigner: notAllowed }),
    ...(path.includes("/:") ? { otherKey: notFound } : method === "GET" && { otherKey: "own" as const })
  }
  return { ...byPath, ...named[name] }
}

const operations = describeApi(endpoints.map(({ declaration }) => declaration as never)) as unknown as {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly requestBody?: Json; readonly security: ReadonlyArray<unknown>; readonly operationId: string }
        >
      >
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}
interface Json {
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>
}

const bodyOf = (endpoint: Declared, world: World): unknown => {
  const { declaration } = endpoint
  const body = named[declaration.name]?.body
  if (body !== undefined) return body(world)
  const described =
    operations.paths[declaration.path.replaceAll(/:([a-z_]+)/g, "{$1}")]?.[declaration.method.toLowerCase()]
  const schema = Object.values(described?.requestBody?.content ?? {})[0]?.schema
  if (schema === undefined) return undefined
  const texts = (pointer: string) => [pointer.includes("organisation") ? world.server.storeId : world.victim.id, "EUR"]
  return sampleBody(endpoint, schema, operations.components.schemas, texts)
}

/** With the ids of the victim's things in the place of its parameters. */
const urlOf = ({ declaration: { name, path } }: Declared, { ids }: World): string =>
  path.replaceAll(/([a-z_]+)\/:[a-z_]+/g, (_, word: string, at: number) => {
    const [, before = ""] = /([a-z_]+)\/:[a-z_]+\/$/.exec(path.slice(0, at)) ?? []
    const id = ids[`${before}/${word}`] ?? ids[word]
    if (id === undefined) throw new Error(`no id is known for the parameter after ${word} in ${path}`)
    return `${word}/${id}`
  }) + (named[name]?.query ?? "")

const ask = (
  { declaration }: Declared,
  { server }: World,
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>>
): Effect.Effect<Response> =>
  server.request(
    declaration.method,
    url,
    body !== undefined && declaration.batch !== undefined ? `${JSON.stringify(body)}\n` : body,
    { api_key: undefined, ...headers }
  )

/** Of a batch of one line: the problem of that line. */
const problemOf = ({ declaration }: Declared, { status, body }: Response) => {
  const line = declaration.batch !== undefined && status === 200 ? JSON.parse(body) : undefined
  return line === undefined ? { status, body } : { status: line.status as number, body: line.problem }
}

const mustTell = (endpoint: Declared, who: string, response: Response, [status, code]: Told): void => {
  const what = `${endpoint.declaration.name} for ${who}`
  const told = problemOf(endpoint, response)
  assert.strictEqual(told.status, status, `${what}: ${JSON.stringify(response.body)}`)
  assert.strictEqual(told.body.error, code, what)
  assert.strictEqual(told.body.type, `urn:koinon:problem:${code.toLowerCase()}`, what)
  assert.strictEqual(told.body.status, status, what)
}

layer(Layer.effect(Known, world))("every operation", (it) => {
  for (const endpoint of endpoints) {
    const { access, method, name, path } = endpoint.declaration
    it.effect(
      `${method} ${path} (${name}) is closed to everybody but ${access}, and stores nothing for them`,
      Effect.fnUntraced(function* () {
        const world = yield* Known
        const [url, body] = [urlOf(endpoint, world), bodyOf(endpoint, world)]
        const before = yield* rowsOf(world)
        for (const [who, { headers, told }] of Object.entries(callers)) {
          const expected = told[access]
          if (expected === undefined) continue
          mustTell(endpoint, who, yield* ask(endpoint, world, url, body, headers(world)), expected)
          assert.deepStrictEqual(yield* rowsOf(world), before, `${name} for ${who} stored something`)
        }
      })
    )

    it.effect(
      `${method} ${path} (${name}) gives and changes nothing of another contact or business`,
      Effect.fnUntraced(function* () {
        const world = yield* Known
        const { foreigner, neighbour, other, server, victim } = world
        const expected = foreignersOf(endpoint)
        const refresh = access === "refresh"
        const tokenOf = (id: string, key: string) =>
          Effect.map(
            Shop.made(server.request("POST", `/backoffice/v2/contacts/${id}/access_token`, {}, { api_key: key })),
            (pair) => bearer(refresh ? pair.refresh_token : pair.access_token)
          )
        const tokens = access !== "secret"
        const keys = access === "secret" || access === "contact-or-secret"
        const comers = [
          ...(tokens
            ? ([
                ["neighbour", yield* tokenOf(neighbour.id, server.apiKey)],
                ["foreigner", yield* tokenOf(foreigner.id, other.secretKey)]
              ] as const)
            : []),
          ...(keys ? ([["otherKey", { api_key: other.secretKey }]] as const) : [])
        ]
        const [url, body] = [urlOf(endpoint, world), bodyOf(endpoint, world)]
        for (const [who, headers] of comers) {
          const before = yield* rowsOf(world)
          const told = expected[who]
          assert.isDefined(told, `say in \`named\` what ${name} tells ${who}`)
          const response = yield* ask(endpoint, world, url, body, headers)
          if (told === "own") {
            assert.strictEqual(response.status, endpoint.declaration.status, JSON.stringify(response.body))
            const text = JSON.stringify(response.body ?? {})
            for (const value of [victim.id, victim.code, victim.email, victim.walletCode])
              assert.notInclude(text, value)
          } else mustTell(endpoint, who, response, told ?? notFound)
          const after = yield* rowsOf(world)
          // What she did to her own business, or to herself, is hers.
          if (told !== "own") assert.deepStrictEqual(after.all["event"], before.all["event"], who)
          if (who !== "neighbour")
            assert.deepStrictEqual(after.own, before.own, `${name} for ${who} stored something of ours`)
        }
      })
    )
  }
})

describe("what is described", () => {
  it("needs a caller in every operation, but for what operators ask for", () => {
    const open = Object.values(operations.paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ security }) => security.length === 0)
      .map(({ operationId }) => operationId)
    assert.deepStrictEqual(open.toSorted(), [
      "getDescription",
      "getDocs",
      "getLiveness",
      "getMetrics",
      "getReadiness",
      "openLive"
    ])
    const guarded = Object.values(operations.paths).flatMap((methods) => Object.values(methods)).length - open.length
    assert.strictEqual(guarded, endpoints.length)
  })

  it("is what is tried: every exception names an operation that there is", () => {
    const names = new Set(endpoints.map(({ declaration }) => declaration.name))
    assert.deepStrictEqual(
      Object.keys(named).filter((name) => !names.has(name)),
      []
    )
  })
})
