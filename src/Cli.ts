/** The verbs of `koinon`: each does one thing, explains itself with --help, and exits non-zero when it could not. */
import "effect/schema/SchemaJITCompiler/enable"
import { version } from "#http/operator/Version.ts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { demoVerb } from "./verb/Demo.ts"
import { migrateVerb } from "./verb/Migrate.ts"
import { openApiVerb } from "./verb/OpenApi.ts"
import { rebuildVerb } from "./verb/Rebuild.ts"
import { serveVerb } from "./verb/Serve.ts"
import { settingsVerb } from "./verb/Settings.ts"
import { statusVerb } from "./verb/Status.ts"

const koinon = Command.make("koinon").pipe(
  Command.withDescription(
    "Koinon: contacts, communities and the wallet they share, durable and live.\n" +
      "  Settings come from the environment: PORT, DATABASE_URL, MONGODB_URL (segments), SMTP_URL (mail), SMS_ACCOUNT_SID,\n" +
      "  VAPID_PUBLIC_KEY and FCM_SERVICE_ACCOUNT (pushes), KOINON_WEBHOOK_ALLOWED (webhooks inside) and more; koinon settings\n" +
      "  lists them all, with what happens without them."
  ),
  Command.withSubcommands([serveVerb, demoVerb, settingsVerb, migrateVerb, rebuildVerb, statusVerb, openApiVerb])
)

/** The first cause of a chain: what the operating system or the database said. */
const origin = (fault: object): string => {
  let at: unknown = fault
  while (typeof at === "object" && at !== null && "cause" in at && at.cause !== undefined) at = at.cause
  return at instanceof Error ? at.message : String(at)
}

/** Faults with a sentence for the person at the terminal; every other is printed whole. */
const sentences: Readonly<Record<string, (fault: Error) => string>> = {
  DemoStopped: ({ message }) => message,
  InstallationFault: ({ message }) => message,
  PostgresServerFailed: ({ message }) => message,
  MigrationRefused: ({ message }) => message,
  MigrationFailed: ({ message }) => message,
  SettingRefused: ({ message }) => `${message} See koinon settings.`,
  SqlError: (fault) =>
    `The database cannot be used (${origin(fault)}). Check DATABASE_URL, or unset it for the embedded one.`,
  ServeError: (fault) => `The doors cannot be opened (${origin(fault)}). Set PORT or KOINON_HOST to something free.`
}

const sayWhy = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const failure = Cause.findErrorOption(cause)
  const fault: unknown = failure._tag === "Some" ? failure.value : undefined
  if (typeof fault === "object" && fault !== null && "_tag" in fault && "message" in fault) {
    // What is wrong with the command line has been said already, with the help beside it.
    if (String(fault._tag).startsWith("Cli") || fault._tag === "ShowHelp") return Effect.void
    const sentence = sentences[String(fault._tag)]
    if (sentence !== undefined) return Console.error(`koinon: ${sentence(fault as unknown as Error)}`)
  }
  return Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(Cause.pretty(cause))
}

const program = Command.run(koinon, { version }).pipe(Effect.tapCause(sayWhy), Effect.provide(NodeServices.layer))

NodeRuntime.runMain(program, { disableErrorReporting: true })
