/**
 * Where the links in messages lead. Whoever comes has only the link: it is signed, names one thing about one message of one
 * contact, and what is not exactly such a link changes nothing and is told nothing. What changes something about a contact
 * is asked for by a page and done by POST, for mail programs follow links by themselves; one click of theirs is a POST too
 * (RFC 8058). Opening and clicking are noted once each.
 */
import type { Command } from "#domain/Command.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Gateways } from "#runtime/communication/Channel.ts"
import { CommunicationBodies, isUndelivered } from "#runtime/communication/CommunicationBodies.ts"
import { isOver, type LinkAction, type MessageLink, MessageLinks, pathOf } from "#runtime/communication/MessageLinks.ts"
import { PublicAddress } from "#runtime/communication/PublicAddress.ts"
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { plainHeaders } from "../door/AnswerHeaders.ts"
import { guarded } from "../door/Answering.ts"
import type { HandlerError } from "../door/Endpoint.ts"
import { type Fault, fault } from "../door/Fault.ts"
import { CurrentGate, priorityOf } from "../door/Shedding.ts"
import { viewFault } from "../door/Views.ts"
import { metered } from "../operator/RequestMeter.ts"
import { guestPage, markup, page } from "./Html.ts"
import { languageOf, type Words, wordsIn } from "./MessageWords.ts"

const formBytesMax = 16 * 1024

/** A transparent GIF of one pixel. */
const pixel = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64")

type Request = HttpServerRequest.HttpServerRequest
type Answer<R> = Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>

const gone = fault(404, "KOINON.NO_SUCH_LINK", "No such link", "The link is not one of ours.")
const unsigned = fault(403, "KOINON.FORBIDDEN", "Not allowed", "The callback is not signed by the provider.")

const problemPage = (language: "el" | "en", problem: Fault) => {
  const { status, retryAfterSeconds } = problem
  const words = wordsIn(language)
  const otherwise = status === 404 ? words.gone : words.busy
  const { title, text } = problem === unsigned ? words.unsigned : otherwise
  return page({
    title,
    language,
    status,
    body: markup`<h1>${title}</h1>
      <p>${text}</p>`,
    headers: retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }
  })
}

interface Visit {
  readonly link: MessageLink
  readonly request: Request
  readonly language: "el" | "en"
  readonly words: Words
  readonly business: string
  /** The address that was asked for, without its origin. */
  readonly path: string
}

const linkRoute = <R>(method: "GET" | "POST", action: LinkAction, answer: (visit: Visit) => Answer<R>) => {
  const path = `${pathOf(action)}/:token` as const
  const priority = priorityOf({ method, path })
  const route = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const language = languageOf(request.headers["accept-language"])
    const visit = Effect.gen(function* () {
      const full = (yield* CurrentGate).refuses(priority)
      if (full !== undefined) return yield* Effect.fail(full)
      const links = yield* MessageLinks
      const actors = yield* Actors
      const { token = "" } = yield* HttpRouter.params
      const link = links.read(action, token)
      const business = link && actors.business(link.business)
      const at = yield* Clock.currentTimeMillis
      if (link === undefined || business === undefined || isOver(link, at)) return yield* Effect.fail(gone)
      const words = wordsIn(language)
      return yield* answer({ link, request, language, words, business: business.name, path: links.pathOf(link) })
    })
    return yield* guarded(visit, (problem) => problemPage(language, problem))
  })
  return HttpRouter.route(method, path, metered({ method, path }, route))
}

const form = (request: Request): Effect.Effect<Readonly<Record<string, string>>, Fault> =>
  request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(formBytesMax)),
    Effect.mapBoth({
      onSuccess: (text) => Object.fromEntries(new URLSearchParams(text)),
      onFailure: () => fault(400, "KOINON.BODY_UNREADABLE", "Body unreadable", "The form could not be read.")
    })
  )

const change = Effect.fnUntraced(function* ({ business, contact }: MessageLink, command: Command, id?: string) {
  const actors = yield* Actors
  const once = id === undefined ? {} : { id, fingerprint: "communication" }
  return yield* actors.ask({ business, key: contact, command, ...once })
})

type Mark = Extract<Command, { readonly _tag: "MarkCommunication" }>

/** Once for each message and link, whoever opens it and however often. */
const marked = (link: MessageLink, mark: "VIEWED" | "CLICKED") => {
  const { business, communication, number } = link
  const clicked = mark === "CLICKED"
  const command: Mark = {
    _tag: "MarkCommunication",
    communicationId: communication,
    mark,
    ...(clicked && { link: number })
  }
  const id = clicked
    ? nameUuid("communication clicked", business, communication, String(number))
    : nameUuid("communication viewed", business, communication)
  // The reader came to read: that this was not noted is for operators.
  return Effect.catch(change(link, command, id), (error) =>
    Effect.logWarning("an opened message was not noted", error._tag)
  )
}

const bodyOf = Effect.fnUntraced(function* ({ business, contact, communication: id }: MessageLink) {
  const bodies = yield* CommunicationBodies
  const found = yield* Effect.mapError(bodies.read([{ business, contact, id }]), viewFault)
  const stored = found.get(id)
  return stored === undefined ? yield* Effect.fail(gone) : stored.body
})

const open = linkRoute("GET", "OPEN", ({ link }) =>
  Effect.as(
    marked(link, "VIEWED"),
    HttpServerResponse.uint8Array(pixel, { contentType: "image/gif", headers: plainHeaders })
  )
)

const click = linkRoute(
  "GET",
  "CLICK",
  Effect.fnUntraced(function* ({ link }: Visit) {
    const { urls } = yield* bodyOf(link)
    const url = urls[link.number]
    if (url === undefined) return yield* Effect.fail(gone)
    yield* marked(link, "CLICKED")
    return HttpServerResponse.redirect(new URL(url).href, { headers: plainHeaders })
  })
)

const view = linkRoute(
  "GET",
  "VIEW",
  Effect.fnUntraced(function* ({ link, language }: Visit) {
    const body = yield* bodyOf(link)
    yield* marked(link, "VIEWED")
    const title = body.subject ?? body.title ?? ""
    if (body.html !== undefined) return guestPage(body.html, "'none'")
    const shown = markup`<h1>${title}</h1>
      <pre>${body.text}</pre>`
    return page({ title, language, body: shown, isWide: true })
  })
)

type WordsOf = "optOut" | "optIn" | "accept" | "withdraw"

const asked = (action: LinkAction, which: WordsOf) =>
  linkRoute("GET", action, ({ business, language, path, words }) => {
    const { title, question, button } = words[which]
    const body = markup`<h1>${title}</h1>
      <p>${question(business)}</p>
      <form method="post" action="${path}">
        <input type="hidden" name="List-Unsubscribe" value="One-Click" /><button>${button}</button>
      </form>`
    return Effect.succeed(page({ title, language, body }))
  })

const acted = <R>(
  action: LinkAction,
  which: WordsOf,
  act: (link: MessageLink) => Effect.Effect<unknown, HandlerError, R>
) =>
  linkRoute(
    "POST",
    action,
    Effect.fnUntraced(function* ({ link, request, business, language, words }: Visit) {
      // Read to its end, so that the connection can be used again; what it says is said by the link already.
      yield* form(request)
      yield* act(link)
      const { title, done } = words[which]
      const body = markup`<h1>${title}</h1>
        <p>${done(business)}</p>`
      return page({ title, language, body })
    })
  )

const optOut = (optedOut: boolean) => (link: MessageLink) => {
  const { channel } = link
  if (channel !== "EMAIL" && channel !== "SMS") return Effect.fail(gone)
  const changed = change(link, { _tag: "ChangeOptOut", channel, optedOut, by: "LINK" })
  // Whoever has withdrawn consent is sent nothing of the kind anyway, which is what she asks for.
  return optedOut ? Effect.catchTag(changed, "NoConsent", () => Effect.void) : changed
}

const accept = (link: MessageLink) => change(link, { _tag: "ChangeConsent", to: "ACCEPTED", by: "LINK" })

const withdraw = Effect.fnUntraced(function* (link: MessageLink) {
  const actors = yield* Actors
  const { state } = yield* actors.read(link.business, link.contact, "contact")
  if (state.consent === "REJECTED" || state.consent === "WITHDRAWN") return
  const to = state.consent === "PENDING" ? "REJECTED" : "WITHDRAWN"
  yield* change(link, { _tag: "ChangeConsent", to, by: "LINK" })
})

/** What a provider calls how far it has got; nothing else of what it posts is kept. */
const statusPattern = /^[a-z]{1,24}$/
const codePattern = /^\d{1,8}$/

const smsStatus = linkRoute(
  "POST",
  "SMS_STATUS",
  Effect.fnUntraced(function* ({ link, path, request }: Visit) {
    const { sms } = yield* Gateways
    if (sms === undefined) return yield* Effect.fail(gone)
    const fields = yield* form(request)
    const address = yield* PublicAddress
    const signature = request.headers["x-twilio-signature"] ?? ""
    if (!sms.isSigned(`${yield* address.url}${path}`, fields, signature)) return yield* Effect.fail(unsigned)
    const status = fields["MessageStatus"] ?? ""
    if (!statusPattern.test(status)) return yield* Effect.fail(gone)
    const bodies = yield* CommunicationBodies
    const { business, communication: id } = link
    const providerId = fields["MessageSid"]?.slice(0, 64)
    const stands = yield* Effect.mapError(bodies.note({ business, id }, { providerId, status }), viewFault)
    if (isUndelivered(stands)) {
      const { ErrorCode: code = "" } = fields
      const report = { _tag: "ReportUndelivered", communicationId: id, channel: link.channel } as const
      const command = codePattern.test(code) ? { ...report, code } : report
      yield* change(link, command, nameUuid("communication undelivered", business, id))
    }
    return HttpServerResponse.empty({ status: 204 })
  })
)

export const layer = HttpRouter.addAll([
  open,
  click,
  view,
  asked("OPT_OUT", "optOut"),
  acted("OPT_OUT", "optOut", optOut(true)),
  asked("OPT_IN", "optIn"),
  acted("OPT_IN", "optIn", optOut(false)),
  asked("CONSENT_ACCEPT", "accept"),
  acted("CONSENT_ACCEPT", "accept", accept),
  asked("CONSENT_WITHDRAW", "withdraw"),
  acted("CONSENT_WITHDRAW", "withdraw", withdraw),
  smsStatus
])
