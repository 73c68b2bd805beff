/**
 * `/console/outbox`: messages that landed here because their channel has no way out, for whoever has the secret key. A mail's
 * own markup is shown in a frame that runs nothing and loads nothing of ours, so looking at it does not count as opening it.
 */
import type { Business } from "#domain/organisation/Business.ts"
import { Communications } from "#runtime/communication/Communications.ts"
import { landedNotice, landedNotices } from "#runtime/communication/OwnNotice.ts"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { plainHeaders } from "../door/AnswerHeaders.ts"
import { guarded, queryOf } from "../door/Answering.ts"
import type { HandlerError } from "../door/Endpoint.ts"
import { caughtUp, viewFault } from "../door/Views.ts"
import { guestPage } from "../message/Html.ts"
import { metered } from "../operator/RequestMeter.ts"
import { isId } from "../resource/Fields.ts"
import { ConsoleSessions } from "./ConsoleSessions.ts"
import { pageOfBoth, type Request } from "./MergedPage.ts"
import * as Pages from "./OutboxPages.ts"

const pageSize = 25
const formBytesMax = 4 * 1024

const route = <R>(
  method: "GET" | "POST",
  path: `/${string}`,
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>
) =>
  HttpRouter.route(
    method,
    path,
    metered(
      { method, path },
      guarded(answer, ({ status, title, detail }) => Pages.faultPage(status, title, detail))
    )
  )

const see = (path: string, cookie: string) =>
  HttpServerResponse.redirect(path, { status: 303, headers: { ...plainHeaders, "set-cookie": cookie } })

/** A page of the business whose key the browser was given; everybody else is asked for it. */
const inside = <R>(
  show: (business: Business) => Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>
) =>
  Effect.gen(function* () {
    const { cookies } = yield* HttpServerRequest.HttpServerRequest
    const sessions = yield* ConsoleSessions
    const business = yield* sessions.read(cookies)
    return business === undefined ? Pages.signInPage(401, undefined) : yield* show(business)
  })

const list = inside(
  Effect.fnUntraced(function* (business: Business) {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const { cursor } = queryOf(url)
    const communications = yield* Communications
    yield* caughtUp("communication")
    const messages = (request: Request) =>
      Effect.map(
        communications.list({ business: business.id, gateway: "OUTBOX", sort: "CREATED", order: "DESC", ...request }),
        (page) => ({ ...page, rows: page.rows.map(Pages.shownMessage) })
      )
    const notices = (request: Request) =>
      Effect.map(landedNotices(business.id, { order: "DESC", ...request }), (page) => ({
        ...page,
        rows: page.rows.map(Pages.shownNotice)
      }))
    const isBefore = (one: Pages.Shown, other: Pages.Shown) => one.createdAt >= other.createdAt
    const after = typeof cursor === "string" ? cursor : undefined
    const found = pageOfBoth(messages, notices, isBefore, { size: pageSize, after })
    const { rows, next } = yield* Effect.mapError(found, viewFault)
    return Pages.listPage(business, rows, next)
  })
)

const messageOf = Effect.fnUntraced(function* (business: Business) {
  const { id: given = "" } = yield* HttpRouter.params
  if (!isId(given)) return undefined
  const id = given.toLowerCase()
  const communications = yield* Communications
  yield* caughtUp("communication")
  const found = yield* Effect.mapError(communications.get(business.id, id), viewFault)
  if (found !== undefined) return found.gateway === "OUTBOX" ? Pages.shownMessage(found) : undefined
  const notice = yield* Effect.mapError(landedNotice(business.id, id), viewFault)
  return notice === undefined ? undefined : Pages.shownNotice(notice)
})

const message = inside(
  Effect.fnUntraced(function* (business: Business) {
    const found = yield* messageOf(business)
    return found === undefined ? Pages.missingPage() : Pages.messagePage(business, found)
  })
)

const content = inside(
  Effect.fnUntraced(function* (business: Business) {
    const mail = (yield* messageOf(business))?.body?.html
    return mail === undefined ? Pages.missingPage() : guestPage(mail, "'self'")
  })
)

const signIn = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const sessions = yield* ConsoleSessions
  const text = yield* request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(formBytesMax)),
    Effect.orElseSucceed(() => "")
  )
  const apiKey = new URLSearchParams(text).get("api_key") ?? ""
  const isOverTls = request.headers["x-forwarded-proto"] === "https"
  const opened = yield* Effect.result(sessions.open(apiKey.trim(), isOverTls))
  return opened._tag === "Success"
    ? see(Pages.outboxPath, opened.success)
    : Pages.signInPage(401, "That is not a secret key of a business here.")
})

const signOut = Effect.map(ConsoleSessions, ({ closed }) => see(Pages.outboxPath, closed))

export const layer = HttpRouter.addAll([
  route("GET", Pages.outboxPath, list),
  route("GET", `${Pages.outboxPath}/:id`, message),
  route("GET", `${Pages.outboxPath}/:id/content`, content),
  route("POST", Pages.sessionPath, signIn),
  route("POST", Pages.sessionEndPath, signOut)
])
