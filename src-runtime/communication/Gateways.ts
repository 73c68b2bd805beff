/** Opens the gateways that are configured, for as long as the scope lasts. */
import * as Effect from "effect/Effect"
import { Gateways, type Push, type PushGateway, SendFault, type SmsGateway } from "./Channel.ts"
import * as FirebasePush from "./FirebasePush.ts"
import * as Mail from "./MailGateway.ts"
import * as WebPush from "./WebPush.ts"

export interface GatewayOptions {
  readonly mail?: Mail.MailOptions | undefined
  readonly sms?: SmsGateway | undefined
  readonly webPush?: WebPush.WebPushOptions | undefined
  readonly firebase?: FirebasePush.FirebaseOptions | undefined
}

const pushOf = Effect.fnUntraced(function* ({ webPush, firebase }: GatewayOptions) {
  if (webPush === undefined && firebase === undefined) return undefined
  const toBrowser = webPush === undefined ? undefined : WebPush.make(webPush)
  const toApp = firebase === undefined ? undefined : yield* FirebasePush.make(firebase)
  const wayTo = ({ platform }: Pick<Push, "platform">) => (platform === "BROWSER" ? toBrowser : toApp)
  return {
    takes: (device) => wayTo(device) !== undefined,
    send: (push) =>
      wayTo(push)?.(push) ??
      Effect.fail(new SendFault({ kind: "REFUSED", reason: `nothing is configured for ${push.platform} devices` }))
  } satisfies PushGateway
})

/** Fails when the key of the service account is none. */
export const make = Effect.fnUntraced(function* (options: GatewayOptions) {
  return Gateways.of({
    mail: options.mail === undefined ? undefined : yield* Mail.make(options.mail),
    sms: options.sms,
    push: yield* pushOf(options)
  })
})
