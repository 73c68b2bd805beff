/**
 * `koinon rebuild`. While a server answers it is asked to do it, and goes on serving; otherwise this process takes the
 * shards and does it itself. Ends when the view holds again what it held.
 */
import { RebuildAsked, Status } from "#http/backoffice/StatusApi.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { liveRebuilds } from "#runtime/projection/Rebuilds.ts"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { InstallationFault, secrets } from "../Installation.ts"
import * as Runtime from "../Runtime.ts"
import { load, type Settings } from "../Settings.ts"
import { answers, apiKey, asking, type Named, placeOf, url } from "./Asking.ts"
import { json } from "./Output.ts"
import { progressOf } from "./Status.ts"

const view = Argument.Literals("view", Runtime.viewNames).pipe(
  Argument.withDescription(`The view to drop and read again from the journal: ${Runtime.viewNames.join(", ")}`)
)

/** How often progress is shown. */
const progressIntervalMs = 500
/** A runner that does not answer may be on its way back: asked again so often before it is given up. */
const silencesMax = 60

const decodeAsked = Schema.decodeUnknownEffect(Schema.fromJsonString(RebuildAsked))
const decodeStatus = Schema.decodeUnknownEffect(Schema.fromJsonString(Status))
const decodeProblem = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({ detail: Schema.String })))

const failed = (message: string) => new InstallationFault({ message })

/** By a server that goes on serving. */
const whileServing = Effect.fnUntraced(function* (settings: Settings, named: Named, name: string) {
  const from = placeOf(settings, named)
  const ask = yield* asking(settings, named)
  const { status, text } = yield* ask("POST", `/backoffice/v2/status/views/${name}/rebuild`)
  if (status !== 200) {
    const said = yield* Effect.orElseSucceed(
      Effect.map(decodeProblem(text), ({ detail }) => detail),
      () => text
    )
    return yield* failed(`${name} was not rebuilt; the server at ${from} answered ${status}: ${said}`)
  }
  const { number } = yield* decodeAsked(text)
  let silences = 0
  for (;;) {
    const answer = yield* Effect.option(ask("GET", "/backoffice/v2/status"))
    const heard = Option.isSome(answer) && answer.value.status === 200 ? answer.value.text : undefined
    silences = heard === undefined ? silences + 1 : 0
    if (silences > silencesMax) {
      return yield* failed(`The server at ${from} is not heard any more; it goes on with ${name} when it is back.`)
    }
    if (heard !== undefined) {
      const found = (yield* decodeStatus(heard)).projections.find((each) => each.name === name)
      if (found?.state === "STOPPED") return yield* failed(`${name} stopped: ${found.reason ?? ""}`)
      const { rebuild } = found ?? {}
      if (rebuild !== undefined && (rebuild.number > number || rebuild.state === "DONE")) return
      if (found !== undefined) yield* Console.error(`${name}: ${progressOf(found) ?? "it begins"}`)
    }
    yield* Effect.sleep(progressIntervalMs)
  }
})

/** By this process, which takes the shards. */
const alone = Effect.fnUntraced(function* (settings: Settings, name: string) {
  const keys = yield* secrets(settings)
  yield* Effect.gen(function* () {
    const projector = yield* Projector
    yield* projector.rebuild(name)
    let left = Number.POSITIVE_INFINITY
    while (left > 0) {
      const status = (yield* projector.status).find(({ projection }) => projection === name)
      if (status?.state === "STOPPED") return yield* failed(`${name} stopped: ${status.reason ?? ""}`)
      left = status?.lagEvents ?? 0
      yield* Console.error(`${name}: ${left} events to go`)
      if (left > 0) yield* Effect.sleep(progressIntervalMs)
    }
  }).pipe(Effect.provide(Runtime.layer(settings, keys)))
})

export const rebuildVerb = Command.make("rebuild", { view, json, url, apiKey }, (flags) =>
  Effect.gen(function* () {
    const settings = yield* load
    const isServing = flags.url._tag === "Some" || (yield* answers(placeOf(settings, flags)))
    yield* isServing ? whileServing(settings, flags, flags.view) : alone(settings, flags.view)
    yield* Console.log(
      flags.json
        ? JSON.stringify({ view: flags.view, rebuilt: true, while_serving: isServing })
        : `${flags.view} is rebuilt.`
    )
  })
).pipe(
  Command.withDescription(
    "Drop a view and read it again from the journal, and wait until it is done.\n" +
      `  While a server answers, it does so itself and goes on serving; that is for ${liveRebuilds.join(", ")} alone. For the\n` +
      "  others, stop the server first: this command takes the shards. It can be interrupted and called again: a server\n" +
      "  goes on by itself, and koinon status shows how far it is. Exits with 0 when the view is rebuilt, with 1 when not."
  ),
  Command.withExamples([
    {
      command: "npm run koinon -- rebuild segment_store",
      description: "By the server on this machine if it runs, with the key from its data folder, or by this command"
    },
    {
      command: "npm run --silent koinon -- rebuild segment_store --url http://10.0.0.5:8080 --api-key $KEY --json",
      description: "By another server and all runners of its cluster, for programs; progress goes to standard error"
    },
    {
      command: "npm run koinon -- rebuild contact_directory",
      description: "With the server stopped"
    }
  ])
)
