/**
 * Text messages over HTTP as Twilio has it: a form that is posted with account and token, a status callback that is signed
 * with the token. Any provider that speaks this form can be named by its address.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHmac, timingSafeEqual } from "node:crypto"
import type { SendFault, SmsGateway, TextMessage } from "./Channel.ts"
import { faultOf, isSuccess, post } from "./Http.ts"

const provider = "SMS provider"

export interface SmsOptions {
  /** Up to the version: https://api.twilio.com. */
  readonly url: string
  readonly account: string
  readonly token: Redacted.Redacted
  /** A number in E.164, or a name. */
  readonly sender: string
}

const Accepted = Schema.fromJsonString(Schema.Struct({ sid: Schema.optionalKey(Schema.String) }))
const Refused = Schema.fromJsonString(Schema.Struct({ code: Schema.optionalKey(Schema.Finite) }))
const decodeAccepted = Schema.decodeUnknownOption(Accepted)
const decodeRefused = Schema.decodeUnknownOption(Refused)

/** The number: invalid, unreachable from here, no mobile, or has said STOP to the provider. */
const addressCodes: ReadonlySet<number> = new Set([21211, 21214, 21217, 21408, 21610, 21612, 21614])

/** What speaks of us, of the way there or of the moment, and not of the message. */
const passingStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 408, 425, 429])

/** A number that is none is about the address, everything else that is no passing trouble about the message. */
const kindOf = (status: number, code: number | undefined): SendFault["kind"] => {
  if (status < 400 || status >= 500 || passingStatuses.has(status)) return "FAILED"
  return code !== undefined && addressCodes.has(code) ? "REFUSED" : "DECLINED"
}

/** Of the address with all fields of the form behind it, sorted by name. */
export const signatureOf = (token: Redacted.Redacted, url: string, form: Readonly<Record<string, string>>): string =>
  createHmac("sha1", Redacted.value(token))
    .update(
      url +
        Object.keys(form)
          .toSorted()
          .map((name) => name + (form[name] ?? ""))
          .join("")
    )
    .digest("base64")

export const make = ({ url, account, token, sender }: SmsOptions): SmsGateway => {
  const address = `${url.replace(/\/$/, "")}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`
  const authorization = `Basic ${Buffer.from(`${account}:${Redacted.value(token)}`).toString("base64")}`
  return {
    kind: "PROVIDER",
    sender,
    send: Effect.fnUntraced(function* ({ id, to, text, from = sender, statusCallback }: TextMessage) {
      const form = new URLSearchParams({ To: to, From: from, Body: text, StatusCallback: statusCallback })
      const posted = yield* post(
        provider,
        address,
        { authorization, "content-type": "application/x-www-form-urlencoded", "idempotency-key": id },
        form.toString()
      )
      if (isSuccess(posted)) return Option.getOrUndefined(decodeAccepted(posted.text))?.sid
      const code = Option.getOrUndefined(decodeRefused(posted.text))?.code
      return yield* faultOf(
        provider,
        posted,
        kindOf(posted.status, code),
        code === undefined ? undefined : String(code)
      )
    }),
    isSigned: (called, form, signature) => {
      const expected = Buffer.from(signatureOf(token, called, form))
      const given = Buffer.from(signature)
      return given.length === expected.length && timingSafeEqual(given, expected)
    }
  }
}
