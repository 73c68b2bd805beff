/** Which ways out of the building there are, as the settings say, and who sends by them. */
import * as Channel from "#runtime/communication/Channel.ts"
import * as Gateways from "#runtime/communication/Gateways.ts"
import * as MessageLinks from "#runtime/communication/MessageLinks.ts"
import * as PublicAddress from "#runtime/communication/PublicAddress.ts"
import { PushServices } from "#runtime/communication/PushServices.ts"
import * as Sending from "#runtime/communication/Sending.ts"
import * as SmsConsole from "#runtime/communication/SmsConsole.ts"
import * as SmsGateway from "#runtime/communication/SmsGateway.ts"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { InstallationFault, type Secrets } from "./Installation.ts"
import { type Settings, smsConsole } from "./Settings.ts"

const smsOf = ({ smsUrl, smsAccount, smsToken, smsSender }: Settings): Channel.SmsGateway | undefined => {
  if (smsUrl === smsConsole) return SmsConsole.make(smsSender ?? "Koinon")
  if (smsAccount === undefined || smsToken === undefined || smsSender === undefined) return undefined
  return SmsGateway.make({ url: smsUrl, account: smsAccount, token: Redacted.make(smsToken), sender: smsSender })
}

const optionsOf = (settings: Settings): Gateways.GatewayOptions => {
  const { smtpUrl, mailSender } = settings
  const { vapidPublicKey, vapidPrivateKey, vapidSubject, pushServices, firebaseAccount, firebaseUrl } = settings
  const hasVapid = vapidPublicKey !== undefined && vapidPrivateKey !== undefined
  return {
    mail: smtpUrl === undefined ? undefined : { url: Redacted.make(smtpUrl), sender: mailSender },
    sms: smsOf(settings),
    webPush: hasVapid
      ? {
          publicKey: vapidPublicKey,
          privateKey: Redacted.make(vapidPrivateKey),
          subject: vapidSubject,
          services: pushServices
        }
      : undefined,
    firebase: firebaseAccount === undefined ? undefined : { url: firebaseUrl, account: Redacted.make(firebaseAccount) }
  }
}

const isLocal = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host)

/** What others reach is no developer's own: what it prints is kept as a log, and no log says who somebody is. */
const objectionToPrinting = ({ smsUrl, host, publicUrl }: Settings): string | undefined => {
  if (smsUrl !== smsConsole) return undefined
  const isPublic = publicUrl !== undefined && !(URL.canParse(publicUrl) && isLocal(new URL(publicUrl).hostname))
  if (isLocal(host) && !isPublic) return undefined
  const because = isPublic ? `KOINON_PUBLIC_URL=${publicUrl}` : `KOINON_HOST=${host}`
  return (
    `SMS_URL=console: prints the numbers and names of contacts, and others reach this server (${because}). ` +
    "Unset it, and text messages land in the outbox page; or name a provider."
  )
}

const gateways = (settings: Settings) =>
  Layer.effect(
    Channel.Gateways,
    Effect.gen(function* () {
      const objection = objectionToPrinting(settings)
      if (objection !== undefined) return yield* new InstallationFault({ message: objection })
      return yield* Effect.mapError(
        Gateways.make(optionsOf(settings)),
        () => new InstallationFault({ message: "FCM_SERVICE_ACCOUNT is not the key file of a service account." })
      )
    })
  )

export const layer = (settings: Settings, { master }: Pick<Secrets, "master">) =>
  Layer.mergeAll(
    gateways(settings),
    MessageLinks.layer(master),
    PublicAddress.layer(settings.publicUrl),
    Layer.succeed(PushServices, settings.pushServices)
  )

/** Nobody can go to an address that stands for all of them. */
const hostOf = ({ host }: Settings): string =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host

/** Sends what is asked for, once the door is open that its links lead to. */
export const sending = (settings: Settings) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const publicAddress = yield* PublicAddress.PublicAddress
      if ("port" in address) publicAddress.announce(`http://${hostOf(settings)}:${address.port}`)
      yield* Sending.start()
    })
  )
