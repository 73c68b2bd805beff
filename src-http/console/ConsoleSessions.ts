/**
 * Who is looking at the console: a browser that was given the business's secret key once has a cookie instead, for an hour.
 * The cookie names the key and is signed; it ends with its hour, or with the key. No script reads it and no other site's
 * page makes the browser send it.
 */
import type { Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from "node:crypto"
import type { Fault } from "../door/Fault.ts"
import { Authentication } from "../door/Principal.ts"

const sessionSeconds = 60 * 60
const name = "koinon_console"
const cookiePattern = /^(\d{1,15})\.([0-9a-f-]{36})\.([0-9a-f-]{36})\.([\w-]{43})$/

export class ConsoleSessions extends Context.Service<
  ConsoleSessions,
  {
    /** The `Set-Cookie` of a session for whoever knows the secret key. */
    readonly open: (apiKey: string, isOverTls: boolean) => Effect.Effect<string, Fault>
    readonly closed: string
    /** The business whose console it is. */
    readonly read: (cookies: Readonly<Record<string, string>>) => Effect.Effect<Business | undefined>
  }
>()("koinon/http/ConsoleSessions") {}

const cookie = (value: string, maxAgeSeconds: number, isOverTls: boolean): string =>
  `${name}=${value}; Path=/console; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${isOverTls ? "; Secure" : ""}`

export const layer = (masterSecret: Redacted.Redacted): Layer.Layer<ConsoleSessions, never, Actors | Authentication> =>
  Layer.effect(
    ConsoleSessions,
    Effect.gen(function* () {
      const actors = yield* Actors
      const authentication = yield* Authentication
      const bytes = hkdfSync("sha256", Redacted.value(masterSecret), "console", "koinon/console-sessions/1", 32)
      const key = createSecretKey(new Uint8Array(bytes))
      const macOf = (text: string): Buffer => createHmac("sha256", key).update(text).digest()
      return ConsoleSessions.of({
        open: Effect.fnUntraced(function* (apiKey, isOverTls) {
          const principal = yield* authentication.authenticate({ api_key: apiKey }, "secret")
          const until = (yield* Clock.currentTimeMillis) + sessionSeconds * 1_000
          const said = `${until}.${principal.business.id}.${principal.apiKey?.id ?? ""}`
          return cookie(`${said}.${macOf(said).toString("base64url")}`, sessionSeconds, isOverTls)
        }),
        closed: cookie("", 0, false),
        read: Effect.fnUntraced(function* (cookies) {
          const [, until = "", businessId = "", keyId = "", mac = ""] = cookiePattern.exec(cookies[name] ?? "") ?? []
          const given = Buffer.from(mac, "base64url")
          const expected = macOf(`${until}.${businessId}.${keyId}`)
          if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
          if (Number(until) <= (yield* Clock.currentTimeMillis)) return undefined
          const business = actors.business(businessId)
          return business?.apiKeys.some(({ id, kind }) => id === keyId && kind === "SECRET") === true
            ? business
            : undefined
        })
      })
    })
  )
