/**
 * Mail by SMTP, through a pool of few connections at a bounded rate. The Message-ID is made of the communication's id and
 * the Date of when it was first ready, so that one that is sent again after a crash is the same mail to whoever keeps
 * mails apart by them. Marketing carries a one-click way out in its headers (RFC 2369, RFC 8058).
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createTransport } from "nodemailer"
import { type Mail, type MailGateway, type Sender, SendFault } from "./Channel.ts"

/** Connections to the server at once. */
const connectionsMax = 5
/** Mails a second, over all connections. */
const ratePerSecond = 50
/** How long the server may be silent, at any step. */
const silenceMaxMs = 20_000
/** Nobody waits longer for one mail, its place in the pool's queue included. */
const sendMaxMs = 60_000
/** A pooled connection that was closed between two mails is replaced this often, before the mail counts as failed. */
const requeuesMax = 2
const permanentFrom = 500

export interface MailOptions {
  /** smtp:// or smtps://, with user and password. */
  readonly url: Redacted.Redacted
  /** An address, or `Name <address>`. */
  readonly sender: string
}

const domainOf = (sender: string): string => /@([^\s>]+)/.exec(sender)?.[1] ?? "localhost"

/** Stable: the same communication, the same id. */
const messageIdOf = (id: string, sender: string): string => `<${id}@${domainOf(sender)}>`

/** A name or an address of the message's own, beside what is left of the installation's. */
const senderOf = (
  sender: string,
  from: Sender | undefined
): string | { readonly name: string; readonly address: string } => {
  if (from?.name === undefined && from?.address === undefined) return sender
  const match = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(sender)
  const own = { name: (match?.[1] ?? "").replaceAll('"', ""), address: match?.[2] ?? sender }
  return { name: from.name ?? own.name, address: from.address ?? own.address }
}

interface SmtpError {
  readonly code?: unknown
  readonly command?: unknown
  readonly responseCode?: unknown
}

/** The server said no to this address or to this mail; to say no to us (sender, password) is for an operator to mend. */
const faultOf = (error: unknown): SendFault => {
  const { code, command, responseCode } = (typeof error === "object" && error !== null ? error : {}) as SmtpError
  const status = typeof responseCode === "number" ? responseCode : undefined
  const step = typeof command === "string" ? command : "CONN"
  const isAboutIt = code === "EMESSAGE" || (code === "EENVELOPE" && step !== "MAIL FROM")
  const kind = isAboutIt && (status === undefined || status >= permanentFrom) ? "REFUSED" : "FAILED"
  return new SendFault({
    kind,
    reason: `SMTP ${typeof code === "string" ? code : "error"} at ${step}${status === undefined ? "" : `: ${status}`}`
  })
}

const headersOf = (unsubscribe: string | undefined) =>
  unsubscribe === undefined
    ? { "Auto-Submitted": "auto-generated" }
    : {
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": { prepared: true, value: `<${unsubscribe}>` },
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"
      }

/** Closed with the scope. */
export const make = Effect.fn("MailGateway.make")(function* ({ url, sender }: MailOptions) {
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createTransport({
        pool: true,
        url: Redacted.value(url),
        maxConnections: connectionsMax,
        rateLimit: ratePerSecond,
        connectionTimeout: silenceMaxMs,
        greetingTimeout: silenceMaxMs,
        socketTimeout: silenceMaxMs,
        // Neither files nor addresses are read in the name of a mail.
        disableFileAccess: true,
        disableUrlAccess: true,
        ...({ maxRequeues: requeuesMax } as object)
      })
    ),
    (transport) => Effect.sync(() => transport.close())
  )
  const send = ({ id, to, at, message, from, unsubscribe }: Mail): Effect.Effect<void, SendFault> =>
    Effect.tryPromise({
      try: (signal) =>
        pool.sendMail({
          messageId: messageIdOf(id, sender),
          date: DateTime.toDateUtc(DateTime.makeUnsafe(at)),
          from: senderOf(sender, from),
          // As an object it is one address, whatever is in it.
          to: { name: "", address: to },
          subject: message.subject ?? "",
          text: message.text,
          ...(message.html !== undefined && { html: message.html }),
          headers: headersOf(unsubscribe),
          ...({ signal } as object)
        }),
      catch: faultOf
    }).pipe(
      Effect.timeoutOrElse({
        duration: sendMaxMs,
        orElse: () => Effect.fail(new SendFault({ kind: "FAILED", reason: "SMTP: no answer in time" }))
      }),
      Effect.asVoid
    )
  return { sender, send } satisfies MailGateway
})
