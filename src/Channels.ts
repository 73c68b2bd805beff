/** Which ways out of the building there are, as the settings say, and who sends by them. */
import * as Channel from "#runtime/communication/Channel.ts"
import * as Gateways from "#runtime/communication/Gateways.ts"
import * as MessageLinks from "#runtime/communication/MessageLinks.ts"
import * as PublicAddress from "#runtime/communication/PublicAddress.ts"
import { PushServices } from "#runtime/communication/PushServices.ts"
import * as Sending from "#runtime/communication/Sending.ts"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { InstallationFault, type Secrets } from "./Installation.ts"
import type { Settings } from "./Settings.ts"

const optionsOf = (settings: Settings): Gateways.GatewayOptions => {
  const { smtpUrl, mailSender, smsUrl, smsAccount, smsToken, smsSender } = settings
  const { vapidPublicKey, vapidPrivateKey, vapidSubject, pushServices, firebaseAccount, firebaseUrl } = settings
  const hasSms = smsAccount !== undefined && smsToken !== undefined && smsSender !== undefined
  const hasVapid = vapidPublicKey !== undefined && vapidPrivateKey !== undefined
  return {
    mail: smtpUrl === undefined ? undefined : { url: Redacted.make(smtpUrl), sender: mailSender },
    sms: hasSms ? { url: smsUrl, account: smsAccount, token: Redacted.make(smsToken), sender: smsSender } : undefined,
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

const gateways = (settings: Settings) =>
  Layer.effect(
    Channel.Gateways,
    Effect.mapError(
      Gateways.make(optionsOf(settings)),
      () => new InstallationFault({ message: "FCM_SERVICE_ACCOUNT is not the key file of a service account." })
    )
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
