/**
 * The ways out to a person: mail, text message, push. A gateway takes one message whole and says whether it is on its way;
 * it keeps nothing and retries nothing, for that is the outbox's. What it is given carries the id of the communication to
 * the other side, so that a message that has to be sent again is recognised there as the same one. A channel without a
 * gateway is not an error: its messages land in the outbox page.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A message that is ready to go, in one language. */
export interface Message {
  readonly language: string
  readonly subject?: string | undefined
  readonly html?: string | undefined
  readonly text: string
  /** Of a push or an in-app message. */
  readonly title?: string | undefined
  /** An https address. */
  readonly image?: string | undefined
}

export interface Sender {
  readonly name?: string | undefined
  readonly address?: string | undefined
}

export interface Mail {
  /** The communication's id: the Message-ID is made of it. */
  readonly id: string
  readonly to: string
  /** Epoch milliseconds: the mail's Date, the same each time it is sent. */
  readonly at: number
  readonly message: Message
  /** In place of the installation's own, as far as it is given. */
  readonly from?: Sender | undefined
  /** Where one click ends mail of this kind (RFC 8058); none on what no opt-out stops. */
  readonly unsubscribe?: string | undefined
}

export interface TextMessage {
  readonly id: string
  /** E.164. */
  readonly to: string
  readonly text: string
  /** In place of the installation's own. */
  readonly from?: string | undefined
  /** Where the provider says what became of it. */
  readonly statusCallback: string
}

export interface Push {
  readonly id: string
  readonly platform: "MOBILE" | "BROWSER" | "OTHER"
  /** A registration token, or a push subscription as JSON. */
  readonly token: string
  readonly message: Message
}

/**
 * It did not go. `REFUSED`: nor will it ever, to that address. `DECLINED`: nor will it ever, to any. `GONE`: nor will anything else, for there is no such device any
 * more. `FAILED`: it may yet, and perhaps it has gone. The reason is for operators: it names no person and no address.
 */
export class SendFault extends Schema.TaggedError<SendFault>()("SendFault", {
  kind: Schema.Literals(["REFUSED", "DECLINED", "GONE", "FAILED"]),
  reason: Schema.String,
  /** What the provider calls the reason. */
  code: Schema.optionalKey(Schema.String),
  /** As asked for by the other side. */
  retryAfterMs: Schema.optionalKey(Schema.Int)
}) {}

export interface MailGateway {
  readonly sender: string
  readonly send: (mail: Mail) => Effect.Effect<void, SendFault>
}

export interface SmsGateway {
  readonly kind: "PROVIDER" | "CONSOLE"
  readonly sender: string
  /** The provider's own name for it. */
  readonly send: (message: TextMessage) => Effect.Effect<string | undefined, SendFault>
  /** Whether what came to one of our addresses is signed by the provider, for exactly that address and form. */
  readonly isSigned: (url: string, form: Readonly<Record<string, string>>, signature: string) => boolean
}

export interface PushGateway {
  /** Whether a device of this kind can be reached at all. */
  readonly takes: (device: Pick<Push, "platform" | "token">) => boolean
  readonly send: (push: Push) => Effect.Effect<void, SendFault>
}

/** Those that are configured. */
export class Gateways extends Context.Service<
  Gateways,
  {
    readonly mail: MailGateway | undefined
    readonly sms: SmsGateway | undefined
    readonly push: PushGateway | undefined
  }
>()("koinon/runtime/Gateways") {}
