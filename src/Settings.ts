/**
 * Every setting of Koinon in one place: name, default and reason. Read from the environment, validated at start, and
 * listed by `koinon settings`.
 */
import { isTimeZone } from "#domain/shared/CalendarDate.ts"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { isIP } from "node:net"

interface Setting<A> {
  readonly name: string
  /** As it would be written in the environment; absent means that there is none. */
  readonly default?: string
  readonly secret?: boolean
  readonly reason: string
  readonly config: Config.Config<A>
}

const setting = <A>(name: string, fallback: string, reason: string, schema: Schema.Codec<A, string>): Setting<A> => ({
  name,
  default: fallback,
  reason,
  config: Config.withDefault(Config.schema(schema, name), Schema.decodeSync(schema)(fallback))
})
const optional = (name: string, reason: string, schema: Schema.Codec<string, string>): Setting<string | undefined> => ({
  name,
  secret: true,
  reason,
  config: Config.map(Config.option(Config.schema(schema, name)), Option.getOrUndefined)
})

/** The same, and shown by `koinon settings`. */
const open = (name: string, reason: string, schema: Schema.Codec<string, string>): Setting<string | undefined> => ({
  ...optional(name, reason, schema),
  secret: false
})

const Port = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65535 }))
const Text = Schema.String.check(Schema.isMinLength(1))
const SecretText = Schema.String.check(
  Schema.isMinLength(32, { message: "At least 32 characters are needed, from a random generator." })
)
const WebAddress = Text.check(Schema.isPattern(/^https?:\/\/[^/]/, { message: "An http or https address is needed." }))
/** In place of a provider: text messages are printed. */
export const smsConsole = "console:"
const SmsProvider = Text.check(
  Schema.isPattern(/^(https?:\/\/[^/].*|console:)$/, { message: "An http or https address is needed, or console:." })
)
const MailServer = Text.check(Schema.isPattern(/^smtps?:\/\/[^/]/, { message: "smtp:// or smtps:// is needed." }))
const Mailbox = Text.check(
  Schema.isPattern(/^([^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/, {
    message: "An address is needed, or Name <address>."
  })
)
const MongodbAddress = Text.check(
  Schema.isPattern(/^mongodb(\+srv)?:\/\/[^/]/, { message: "A mongodb or mongodb+srv address is needed." })
)
const Ratio = Schema.NumberFromString.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const wholeNumber = (minimum: number, maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))
const ThreeLetters = Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/))
const TimeZone = Schema.String.check(
  Schema.makeFilter((name) => isTimeZone(name) || "a zone of the IANA database is needed: Europe/Athens")
)
const Origin = Schema.String.check(
  Schema.makeFilter(
    (text) => (URL.canParse(text) && new URL(text).origin === text) || "an origin: https://app.example.com"
  )
)
const listOf = (Item: Schema.Codec<string, string>) =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(Item),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<string> =>
          text
            .split(",")
            .map((each) => each.trim())
            .filter((each) => each !== ""),
        encode: (items: ReadonlyArray<string>) => items.join(",")
      })
    )
  )
const Origins = listOf(Origin)
const isNetwork = (text: string): boolean => {
  const [address = "", prefix = "", ...rest] = text.split("/")
  const most = isIP(address) === 4 ? 32 : 128
  return isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= most
}
const Hosts = listOf(
  Schema.String.check(
    Schema.makeFilter(
      (text) =>
        isIP(text) !== 0 ||
        isNetwork(text) ||
        /^[a-z0-9.-]+$/i.test(text) ||
        "a host, an address or a network: 10.1.0.0/16"
    )
  )
)
const Names = listOf(Text)

export const settings = {
  port: setting("PORT", "8080", "TCP port of the HTTP and WebSocket doors; 0 takes a free one.", Port),
  host: setting("KOINON_HOST", "127.0.0.1", "Address to listen on; 0.0.0.0 opens the doors to the network.", Text),
  corsOrigins: setting(
    "KOINON_CORS_ORIGINS",
    "",
    "Origins whose pages may use the self-service operations, separated by commas; the back office is closed to all.",
    Origins
  ),
  dataDirectory: setting(
    "KOINON_DATA_DIR",
    ".koinon",
    "Folder of the embedded database and of generated secrets (0700).",
    Text
  ),
  databaseUrl: optional("DATABASE_URL", "An outside PostgreSQL (15 or newer) instead of the embedded one.", Text),
  runnerHost: setting(
    "KOINON_RUNNER_HOST",
    "127.0.0.1",
    "With --cluster: the address at which other runners reach this one, on a network of theirs alone.",
    Text
  ),
  runnerPort: setting("KOINON_RUNNER_PORT", "7946", "With --cluster: the TCP port of that address.", Port),
  bootstrapApiKey: optional(
    "KOINON_BOOTSTRAP_API_KEY",
    "Secret back-office key to use instead of a generated one.",
    SecretText
  ),
  masterSecret: optional(
    "KOINON_MASTER_SECRET",
    "Seals personal data and signs tokens; generated into the data folder when absent. Losing it loses the data.",
    SecretText
  ),
  businessName: setting("KOINON_BUSINESS_NAME", "My Business", "Name of the business opened at first start.", Text),
  businessCurrency: setting(
    "KOINON_BUSINESS_CURRENCY",
    "EUR",
    "ISO 4217 currency of that business; never changes.",
    ThreeLetters
  ),
  businessCountry: setting(
    "KOINON_BUSINESS_COUNTRY",
    "CYP",
    "ISO 3166-1 alpha-3 country of that business.",
    ThreeLetters
  ),
  businessTimeZone: setting(
    "KOINON_BUSINESS_TIME_ZONE",
    "Asia/Nicosia",
    "IANA zone in which its days and months are taken.",
    TimeZone
  ),
  connectionsMax: setting(
    "KOINON_CONNECTIONS_MAX",
    "12000",
    "Connections of one runner, live sockets among them; further ones are answered 503 and closed.",
    wholeNumber(1, 1_000_000)
  ),
  liveSocketsMax: setting(
    "KOINON_LIVE_SOCKETS_MAX",
    "10000",
    "Live sockets of one runner; further ones are answered 503. Fewer than connections, so that requests find room.",
    wholeNumber(0, 1_000_000)
  ),
  waitMaxMs: setting(
    "KOINON_WAIT_MAX_MS",
    "100",
    "A write that would wait longer is answered 503 with Retry-After; a read after three quarters of it, a list or batch half.",
    wholeNumber(10, 5_000)
  ),
  rateLimit: setting(
    "KOINON_RATE_LIMIT",
    "0",
    "Requests a second that one business may send, 429 beyond; 0 is no limit, for overload is shed anyway.",
    wholeNumber(0, 1_000_000)
  ),
  rateBurst: setting(
    "KOINON_RATE_BURST",
    "0",
    "Requests that one business may send at once after a quiet time; 0 is one second's worth.",
    wholeNumber(0, 10_000_000)
  ),
  mongodbUrl: optional(
    "MONGODB_URL",
    "A MongoDB (7 or newer) for segments; without it they are in memory, read from the journal anew at each start.",
    MongodbAddress
  ),
  mongodbDatabase: setting(
    "KOINON_MONGODB_DATABASE",
    "koinon",
    "The database there. No other installation may use it.",
    Text
  ),
  redisUrl: optional(
    "REDIS_URL",
    "A Redis through which runners share the rate limit and tell each other of commits; without it each has its own limit, and the database tells.",
    Text
  ),
  webhookAllowed: setting(
    "KOINON_WEBHOOK_ALLOWED",
    "",
    "Hosts, addresses and networks that webhooks may call although they are not on the internet, also by http; by commas.",
    Hosts
  ),
  publicUrl: open(
    "KOINON_PUBLIC_URL",
    "Address under which the world reaches this server: links in messages begin with it. Without it, what it listens on.",
    WebAddress
  ),
  smtpUrl: optional(
    "SMTP_URL",
    "Mail server, smtp:// or smtps:// with user and password; without it mail lands in the outbox page.",
    MailServer
  ),
  mailSender: setting(
    "KOINON_MAIL_SENDER",
    "Koinon <no-reply@localhost>",
    "From whom mail is: an address, or Name <address>.",
    Mailbox
  ),
  smsUrl: setting(
    "SMS_URL",
    "https://api.twilio.com",
    "Provider of text messages, spoken to as Twilio is; console: prints them, numbers and all, on a developer's terminal.",
    SmsProvider
  ),
  smsAccount: open(
    "SMS_ACCOUNT_SID",
    "Account there; without it, or its token or sender, text messages land in the outbox page.",
    Text
  ),
  smsToken: optional("SMS_AUTH_TOKEN", "The account's token; the provider signs what it reports with it.", Text),
  smsSender: open("SMS_SENDER", "Number in E.164, or name, that text messages are from.", Text),
  vapidPublicKey: open(
    "VAPID_PUBLIC_KEY",
    "Key that browsers subscribe to pushes with; without the pair such pushes land in the outbox page.",
    Text
  ),
  vapidPrivateKey: optional("VAPID_PRIVATE_KEY", "The private key of that pair.", Text),
  vapidSubject: setting(
    "VAPID_SUBJECT",
    "mailto:no-reply@localhost",
    "Whom a push service may turn to: mailto: or https:.",
    Text
  ),
  pushServices: setting(
    "KOINON_PUSH_SERVICES",
    "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com",
    "Hosts that browsers' subscriptions may name, separated by commas; no other address is ever posted to.",
    Names
  ),
  firebaseAccount: optional(
    "FCM_SERVICE_ACCOUNT",
    "Key file of a Firebase service account, as JSON; without it pushes to apps land in the outbox page.",
    Text
  ),
  firebaseUrl: setting("FCM_URL", "https://fcm.googleapis.com", "Firebase Cloud Messaging, HTTP v1.", WebAddress),
  telemetryEndpoint: optional(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OpenTelemetry collector for traces and logs (OTLP, JSON over HTTP); none are made without it.",
    WebAddress
  ),
  telemetryHeaders: optional(
    "OTEL_EXPORTER_OTLP_HEADERS",
    "Sent to the collector with each export: name=value,name=value.",
    Text
  ),
  telemetryService: setting("OTEL_SERVICE_NAME", "koinon", "What this runner is called there.", Text),
  traceRatio: setting(
    "KOINON_TRACE_RATIO",
    "1",
    "Share of requests that are traced, 0 to 1; a caller's traceparent decides for its own. At most 200 a second.",
    Ratio
  )
} as const

export type Settings = { readonly [Name in keyof typeof settings]: Config.Success<(typeof settings)[Name]["config"]> }

/** A setting that cannot be; the message says which it is, why not, and what to do. */
export class SettingRefused extends Schema.TaggedError<SettingRefused>()("SettingRefused", {
  message: Schema.String
}) {}

const refusedOf = (one: Setting<unknown>, { message }: Config.ConfigError, given: string): SettingRefused => {
  const rule = message.replace(/^SchemaError\(|\)$/g, "").replaceAll(/\s+/g, " ")
  const [why = ""] = rule.split(` at ["${one.name}"]`)
  const what = one.secret === true ? `${one.name} cannot be what it is set to` : `${one.name} cannot be "${given}"`
  const otherwise = one.default ? ` for ${one.default}` : ""
  const purpose = one.reason.replace(/\.$/, "")
  return new SettingRefused({
    message: `${what}: ${why.replace(/\.?$/, ".")} Correct it, or unset it${otherwise} (${purpose}).`
  })
}

/** All settings, or the first that is at fault. */
export const load: Effect.Effect<Settings, SettingRefused> = Effect.suspend(
  () =>
    Effect.map(
      Effect.forEach(Object.entries(settings as Readonly<Record<string, Setting<unknown>>>), ([name, one]) =>
        Effect.map(
          Effect.catch(one.config, (error) =>
            Effect.flatMap(
              Effect.orElseSucceed(Config.withDefault(Config.String(one.name), ""), () => ""),
              (given) => Effect.fail(refusedOf(one, error, given))
            )
          ),
          (value) => [name, value] as const
        )
      ),
      Object.fromEntries
    ) as Effect.Effect<Settings, SettingRefused>
)

/** For people: each setting with its value, default and reason; secrets are never shown. */
export const describe = (environment: Readonly<Record<string, string | undefined>>) =>
  Object.values(settings as Readonly<Record<string, Setting<unknown>>>).map((one) => ({
    name: one.name,
    default: one.default ?? "",
    value: environment[one.name] === undefined ? "" : one.secret === true ? "(set)" : String(environment[one.name]),
    reason: one.reason
  }))
