/**
 * What stands around a server by its settings, one sentence each: where segments are kept, and where messages and webhooks go.
 * It is printed and kept, so it names settings and never what they hold, but for what `koinon settings` shows as well.
 */
import { type Settings, smsConsole } from "./Settings.ts"

const outboxUntil = (missing: ReadonlyArray<string>): string => {
  const last = missing.at(-1) ?? ""
  const names = missing.length < 2 ? last : `${missing.slice(0, -1).join(", ")} and ${last}`
  return `outbox page, until ${names} ${missing.length < 2 ? "is" : "are"} set`
}

/** Names of those that are not set. */
const missingOf = (all: Readonly<Record<string, string | undefined>>): ReadonlyArray<string> =>
  Object.entries(all).flatMap(([name, value]) => (value === undefined ? [name] : []))

const segments = ({ mongodbUrl, mongodbDatabase }: Settings): string =>
  mongodbUrl === undefined
    ? "embedded store: in memory, read from the journal anew at each start, until MONGODB_URL is set"
    : `MongoDB (MONGODB_URL), database ${mongodbDatabase}: kept there, and shared by all runners`

const mail = ({ smtpUrl, mailSender }: Settings): string =>
  smtpUrl === undefined ? outboxUntil(["SMTP_URL"]) : `SMTP (SMTP_URL), from ${mailSender}`

const sms = ({ smsAccount, smsToken, smsSender, smsUrl }: Settings): string => {
  if (smsUrl === smsConsole) return "NOT SENT but printed here (SMS_URL=console:), with the particulars of people"
  const missing = missingOf({ SMS_ACCOUNT_SID: smsAccount, SMS_AUTH_TOKEN: smsToken, SMS_SENDER: smsSender })
  return missing.length === 0 ? `${new URL(smsUrl).host} (SMS_URL), from ${smsSender}` : outboxUntil(missing)
}

const push = ({ vapidPublicKey, vapidPrivateKey, firebaseAccount }: Settings): string => {
  const missing = missingOf({ VAPID_PUBLIC_KEY: vapidPublicKey, VAPID_PRIVATE_KEY: vapidPrivateKey })
  const browsers = missing.length === 0 ? "Web Push (VAPID keys)" : outboxUntil(missing)
  const apps = firebaseAccount === undefined ? outboxUntil(["FCM_SERVICE_ACCOUNT"]) : "Firebase (FCM_SERVICE_ACCOUNT)"
  return `browsers: ${browsers}; apps: ${apps}`
}

const webhooks = ({ webhookAllowed }: Settings): string =>
  webhookAllowed.length === 0
    ? "only to the internet by https, until KOINON_WEBHOOK_ALLOWED names others"
    : `to the internet by https, and to ${webhookAllowed.join(", ")} (KOINON_WEBHOOK_ALLOWED)`

export const surroundings = (settings: Settings): ReadonlyArray<readonly [what: string, told: string]> => [
  ["Segments", segments(settings)],
  ["Mail", mail(settings)],
  ["SMS", sms(settings)],
  ["Push", push(settings)],
  ["Webhooks", webhooks(settings)]
]
