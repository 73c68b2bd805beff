/**
 * Everybody who may come to a door without being who it is for: without a token, with a made-up, expired or foreign one,
 * another contact of the business, the people and keys of another business. And the one whose things they ask for.
 */
import { AccessTokens, layer as tokensLayer } from "#http/door/AccessTokens.ts"
import { printoutName } from "#runtime/communication/PrintoutLink.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import { open } from "./OpenServer.ts"
import * as Shop from "./Shop.ts"
import * as StrangersThings from "./StrangersThings.ts"
import type { TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]

const masterSecret = "a master secret that is long enough for tests"

/** The server runs on the real clock. */
const wallClockMs = (): number => Date.now()

/** The tokens that the back office gets for a contact. */
const tokensOf = (server: Server, id: string) =>
  Effect.map(
    Shop.made(server.request("POST", `/backoffice/v2/contacts/${id}/access_token`, {})),
    ({ access_token, refresh_token }) => ({ access: access_token as string, refresh: refresh_token as string })
  )

/** Without a signature, which `alg: none` says is none needed. */
const unsigned = (businessId: string, contactId: string): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")
  const claims = { biz: businessId, use: "access", sub: contactId, iss: "koinon", exp: 4_000_000_000 }
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`
}

/** Issued by an installation with this secret at the time of the test's clock. */
const issue = (secret: string, businessId: string, contactId: string) =>
  Effect.gen(function* () {
    const tokens = yield* AccessTokens
    return yield* tokens.issue(businessId, contactId)
  }).pipe(Effect.provide(tokensLayer(Redacted.make(secret))))

/** What a stranger is told: a status and the code of the problem. */
export type Told = readonly [status: number, code: string]
export const unknownCaller: Told = [401, "KOINON.UNAUTHORIZED"]
export const notAllowed: Told = [403, "KOINON.FORBIDDEN"]
export const notFound: Told = [404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION"]

/** A template, and a plan of it with a run. */
const arrangePlans = Effect.fnUntraced(function* (server: Server) {
  const post = (path: string, body: object) => Shop.made(server.request("POST", `/backoffice/v2/${path}`, body))
  const condition = { type: "EXISTENCE", field: "first_name", exists: true }
  const segment = yield* post("segments", {
    name: "Nobody",
    sets: [{ conditions: [condition] }],
    refresh: { mode: "NEVER" }
  })
  const template = yield* post("templates", {
    name: "Greeting",
    channel: "SMS",
    purpose: "MARKETING",
    default_language: "ENG",
    variants: { ENG: { text: "Hello" } },
    missing: { policy: "REJECT" }
  })
  const schedule = { type: "DAILY", time: "09:00", time_zone: "Europe/Nicosia" }
  const plan = yield* post("plans", {
    name: "Greetings",
    template_id: template.id,
    segment_ids: [segment.id],
    schedule
  })
  const run = yield* post(`plans/${plan.id}/send_now`, {})
  return { templates: template.id as string, plans: plan.id as string, runs: run.run_id as string }
})

/** The business with its victim and what is hers, and the strangers. Runs on a test clock that stands in 1970. */
const arrange = Effect.fnUntraced(function* (server: Server) {
  const other = yield* Shop.otherBusiness(server)
  const victim = yield* Shop.person(server)
  const member = yield* Shop.person(server)
  const neighbour = yield* Shop.person(server)
  const foreigner = yield* Shop.person(server, {}, other.secretKey)
  const pool = yield* Shop.pool(server, { applicable_for_activation: true })
  yield* Shop.credit(server, victim, 100)
  const { id: relationship } = yield* Shop.share(server, victim, member)
  const receipt = Shop.receipt(server, victim)
  const purchase = yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", receipt))
  const journal = { action: "CREDIT", amount: 1, currency_code: "EUR" }
  const later = yield* Shop.made(
    server.request("POST", `/backoffice/v2/wallets/${victim.id}/journals`, journal, {
      prefer: "respond-async",
      "idempotency-key": randomUUID()
    })
  )
  const things = yield* StrangersThings.arrange(server, victim)
  const expired = yield* issue(masterSecret, server.businessId, victim.id)
  yield* TestClock.setTime(wallClockMs())
  const elsewhere = yield* issue("the master secret of another installation", server.businessId, victim.id)
  const plans = yield* arrangePlans(server)
  const ids: Readonly<Record<string, string>> = {
    contacts: victim.id,
    wallets: victim.id,
    people: relationship,
    communities: victim.id,
    commerce_pools: pool,
    purchases: purchase.id,
    files: printoutName({ kind: "PURCHASE", format: "WEB_VIEW", of: purchase.id }),
    operations: later.id,
    ...things,
    views: "segment_store",
    ...plans
  }
  return {
    other,
    victim,
    neighbour,
    foreigner,
    tokens: yield* tokensOf(server, victim.id),
    expired,
    elsewhere: elsewhere.accessToken,
    unsigned: unsigned(server.businessId, victim.id),
    /** What stands for a parameter of a path, by the word before it. */
    ids
  }
})

export type World = Effect.Success<typeof world>
/** On a server of which everything is known. */
export const world = Effect.gen(function* () {
  const opened = yield* open({ KOINON_MASTER_SECRET: masterSecret })
  return { ...opened, ...(yield* arrange(opened.server)) }
})

const journal = ["event", "command", "inbox", "claim", "data_key"]
/** The rows of the journal in all, and those of the victim's business. */
export const rowsOf = ({ query, server }: World) =>
  Effect.map(
    query(
      journal
        .map(
          (table) =>
            `SELECT '${table}' AS name, count(*)::int AS all,
              count(*) FILTER (WHERE business = '${server.businessId}')::int AS own FROM ${table}`
        )
        .join(" UNION ALL ")
    ),
    (rows) => ({
      all: Object.fromEntries(rows.map((row) => [row["name"], row["all"]])),
      own: Object.fromEntries(rows.map((row) => [row["name"], row["own"]]))
    })
  )
