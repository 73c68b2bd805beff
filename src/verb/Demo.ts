/**
 * `koinon demo`: a household and its bakery, played through the HTTP door and told by the live one. It plays on a server
 * of its own, with an embedded PostgreSQL in a temporary folder that is gone afterwards, or on one that is running.
 */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as HttpServer from "effect/http/HttpServer"
import * as Client from "../demo/Client.ts"
import { DemoStopped } from "../demo/Client.ts"
import { open } from "../demo/Opening.ts"
import { play, storySeconds } from "../demo/Player.ts"
import { castLines } from "../demo/Cast.ts"
import { reckon } from "../demo/Reckoning.ts"
import * as Screen from "../demo/Screen.ts"
import { serve } from "../Serve.ts"
import { load } from "../Settings.ts"

const speedMax = 100
/** Of a server that nobody else can reach and that is gone in a minute: nothing to keep secret. */
const demoApiKey = "sk_demo_key_of_a_server_that_lives_for_a_minute"
const seconds = Math.round(storySeconds)

const speed = Flag.Finite("speed").pipe(
  Flag.filter(
    (given) => given > 0 && given <= speedMax,
    () => `above 0 and up to ${speedMax}`
  ),
  Flag.withDescription(`How many times as fast as life; at 1 it takes about ${seconds} seconds`),
  Flag.withDefault(1)
)
const fast = Flag.Boolean("fast").pipe(
  Flag.withDescription("Wait for nothing but the answers"),
  Flag.withDefault(false)
)
const url = Flag.String("url").pipe(
  Flag.withDescription("Play on a running server, such as http://127.0.0.1:8080, in a business of its own"),
  Flag.optional
)
const apiKey = Flag.Redacted("api-key").pipe(
  Flag.withDescription("With --url: the secret api_key from that server's start banner"),
  Flag.optional
)
const keep = Flag.Boolean("keep").pipe(
  Flag.withDescription("Leave the demo's own server open for a look around, until Ctrl-C"),
  Flag.withDefault(false)
)

interface Stage {
  readonly url: string
  readonly apiKey: string
}

/** The banner is not the demo's; faults are. */
const quiet: Console.Console = { ...globalThis.console, log: () => undefined, info: () => undefined }

/** The doors of `koinon serve`, in this process, over a database of its own; all of it is gone with the scope. */
const ownStage = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const dataDirectory = yield* files.makeTempDirectoryScoped({ prefix: "koinon-demo-" })
  const surroundings = ConfigProvider.fromUnknown({
    PORT: "0",
    KOINON_DATA_DIR: dataDirectory,
    KOINON_BOOTSTRAP_API_KEY: demoApiKey
  })
  const settings = yield* Effect.provideService(load, ConfigProvider.ConfigProvider, surroundings)
  const context = yield* Layer.build(serve(settings, yield* Clock.currentTimeMillis)).pipe(
    Effect.provideService(Console.Console, quiet)
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  if (!("port" in address)) return yield* new DemoStopped({ message: "the server listens on no port" })
  return { url: `http://${settings.host}:${address.port}`, apiKey: demoApiKey } satisfies Stage
})

export const demoVerb = Command.make("demo", { speed, fast, url, apiKey, keep }, (flags) =>
  Effect.gen(function* () {
    const screen = yield* Screen.open
    const theirs = Option.getOrUndefined(flags.url)
    const key = Option.getOrUndefined(flags.apiKey)
    if ((theirs === undefined) !== (key === undefined)) {
      return yield* new DemoStopped({
        message: "--url and --api-key go together: the address and the key of one server."
      })
    }
    yield* screen.say(
      theirs === undefined
        ? { text: "Starting a server of its own, with a real PostgreSQL, in a temporary folder …", tone: "dim" }
        : { text: `Playing on ${theirs}, in a business of its own …`, tone: "dim" }
    )
    const stage: Stage =
      theirs === undefined || key === undefined ? yield* ownStage : { url: theirs, apiKey: Redacted.value(key) }
    const world = yield* open(Client.make(stage.url), { apiKey: stage.apiKey })
    yield* screen.say(...castLines(world, flags.fast ? undefined : seconds / flags.speed))

    const played = yield* play(world, screen, { speed: flags.fast ? undefined : flags.speed })
    yield* reckon(played, screen)
    const { differences } = played
    if (world.silence !== undefined) differences.push(world.silence)
    yield* screen.say(
      { text: "" },
      differences.length === 0
        ? { mark: "✓", markTone: "good", text: "Everything happened as it was to happen.", tone: "bold" }
        : { mark: "≠", markTone: "bad", text: "Not everything happened as it was to happen:", tone: "bold" },
      ...differences.map((text) => ({ mark: "·", text }))
    )
    if (flags.keep && theirs === undefined) {
      yield* screen.say(
        { text: "" },
        {
          text: `Open until Ctrl-C: ${stage.url}/docs, with api_key ${"apiKey" in world.shop ? world.shop.apiKey : ""}`
        },
        { text: "Afterwards its data is gone." }
      )
      return yield* Effect.never
    }
    if (differences.length > 0) {
      return yield* new DemoStopped({ message: `Differences from the story: ${differences.length}.` })
    }
  }).pipe(Effect.scoped)
).pipe(
  Command.withDescription(
    "A Cypriot household and its bakery, live in the terminal; exits 0 if all went as it was to go"
  ),
  Command.withExamples([
    { command: "koinon demo", description: "Watch it, on a server of its own" },
    { command: "koinon demo --speed 3", description: "The same, three times as fast" },
    { command: "koinon demo --url http://127.0.0.1:8080 --api-key sk_…", description: "Play it on a running server" }
  ])
)
