/**
 * A server whose providers of text messages and pushes are one receiver of ours over real HTTP, which answers as a test says
 * and keeps what it was sent.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Template } from "#domain/communication/Template.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { exportPKCS8, exportSPKI, generateKeyPair } from "jose"
import { createServer, type IncomingHttpHeaders } from "node:http"
import webPush from "web-push"
import type { Person } from "./Shop.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as TestServer from "./TestServer.ts"

export interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}
export interface Given {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One host that is all providers: the path tells which. */
const receiver = Effect.acquireRelease(
  Effect.promise(async () => {
    const calls: Array<Call> = []
    const state = { answer: (_call: Call, _nth: number): Given | "HANG_UP" => ({ status: 500 }) }
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const call = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) }
        calls.push(call)
        const nth = calls.filter(({ path }) => path === call.path).length
        const given = state.answer(call, nth)
        if (given === "HANG_UP") request.socket.destroy()
        else {
          const headers = { "content-type": "application/json", ...given.headers }
          response.writeHead(given.status, headers).end(given.body === undefined ? "" : JSON.stringify(given.body))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    return { url, calls, state, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) }
  }),
  ({ close }) => Effect.promise(close)
)
export class Receiver extends Context.Service<Receiver, Effect.Success<typeof receiver>>()("koinon/test/Receiver") {}

export const token = "the token of the account"
export const vapid = webPush.generateVAPIDKeys()

export class Keys extends Context.Service<Keys, { readonly publicKey: string }>()("koinon/test/Keys") {}

export class Database extends Context.Service<Database, { readonly run: (statement: string) => Effect.Effect<void> }>()(
  "koinon/test/Database"
) {}

export const world = Layer.effectContext(
  Effect.gen(function* () {
    const received = yield* receiver
    const pair = yield* Effect.promise(() => generateKeyPair("RS256", { extractable: true }))
    const privateKey = yield* Effect.promise(() => exportPKCS8(pair.privateKey))
    const publicKey = yield* Effect.promise(() => exportSPKI(pair.publicKey))
    const database = yield* TestDatabase.create
    const connection = yield* PgConnection.make({ url: database.url })
    const server = yield* TestServer.startOn(database, {
      SMS_URL: received.url,
      SMS_ACCOUNT_SID: "AC1",
      SMS_AUTH_TOKEN: token,
      SMS_SENDER: "+35780000000",
      KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8",
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:ops@shop.example",
      KOINON_PUSH_SERVICES: `${received.url},push.example`,
      FCM_URL: received.url,
      FCM_SERVICE_ACCOUNT: JSON.stringify({
        project_id: "shop",
        client_email: "push@shop.example",
        private_key: privateKey,
        token_uri: `${received.url}/token`
      })
    })
    return Context.make(TestServer.TestServer, server).pipe(
      Context.add(Receiver, received),
      Context.add(Keys, { publicKey }),
      Context.add(Database, { run: (statement) => Effect.orDie(Effect.asVoid(connection.query(statement))) })
    )
  })
)

export const words = (channel: Template["channel"], purpose: Template["purpose"] = "MARKETING"): Template => ({
  channel,
  purpose,
  defaultLanguage: "el",
  variants: {
    el: {
      text: "Γεια σου #FIRST_NAME#",
      ...((channel === "INAPP" || channel === "DEVICE") && { title: "Το Μαγαζί" })
    }
  },
  missing: { policy: "REJECT" },
  events: []
})

export const formOf = ({ body }: Call): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(body.toString("utf8")))

export const register = (server: TestServer.TestServer["Service"], who: Person, body: object) =>
  server.requestAs(who.token, "POST", `/self-service/v2/contacts/${who.id}/devices`, body)
