/** `koinon status`. */
import { Status } from "#http/backoffice/StatusApi.ts"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import { InstallationFault } from "../Installation.ts"
import { load } from "../Settings.ts"
import { apiKey, asking, placeOf, url } from "./Asking.ts"
import { json, table } from "./Output.ts"

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Status))

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

const words = { SMTP: "SMTP", PROVIDER: "its provider", CONSOLE: "its terminal", OUTBOX: "the outbox page" } as const

const setUpOf = ({ set_up: { segments, mail, sms, push_browsers, push_apps } }: Status): string =>
  `Segments are kept in ${segments === "MONGODB" ? "MongoDB" : "the embedded store, in memory"}. Mail goes to ${words[mail]}, ` +
  `SMS to ${words[sms]}, pushes to browsers to ${words[push_browsers]}, pushes to apps to ${words[push_apps]}.`

const rowsOf = (status: Status) =>
  status.runners.map((runner) => [
    runner.address ?? "alone",
    runner.state.toLowerCase(),
    `${runner.shards} of ${status.shards.all}`,
    String(runner.resident_groups),
    String(runner.units_waiting),
    `${runner.commit_under_way_ms} ms`,
    new Date(runner.started_at).toISOString(),
    runner.id
  ])

type View = Status["projections"][number]

/** What is being done to it, where something is; how far the slowest runner is. */
export const progressOf = ({ rebuild, lag_events }: View): string | undefined => {
  if (rebuild?.state !== "RUNNING") return undefined
  const { runners } = rebuild
  const done = runners.filter((runner) => runner.done).length
  const left = Math.max(lag_events, ...runners.map((runner) => (runner.done ? 0 : (runner.lag_events ?? 0))))
  return `${left} events to go, done on ${done} of ${runners.length} ${runners.length === 1 ? "runner" : "runners"}`
}

const told = Effect.fnUntraced(function* (status: Status) {
  yield* table(["runner", "state", "shards", "in memory", "lane waits", "commit", "since", "id"], rowsOf(status))
  const { inbox, shards } = status
  yield* Console.log(
    [
      "",
      shards.without_runner === 0 ? "Every shard has a runner." : `${shards.without_runner} shards have no runner.`,
      `Undone work that is due: ${inbox.due}, the oldest for ${seconds(inbox.oldest_due_ms)}; parked: ${inbox.parked}.`,
      setUpOf(status),
      ""
    ].join("\n")
  )
  yield* table(
    ["queue", "waiting", "due", "oldest due for", "under way", "dead"],
    status.outbox.map(({ queue, waiting, due, oldest_due_ms, under_way, dead }) => [
      queue,
      String(waiting),
      String(due),
      seconds(oldest_due_ms),
      String(under_way),
      String(dead)
    ])
  )
  yield* Console.log("")
  yield* table(
    ["view", "state", "behind by", "for", "reason"],
    status.projections.map((view) => {
      const { name, state, lag_events, lag_ms, reason } = view
      const progress = progressOf(view)
      return [
        name,
        progress === undefined ? state.toLowerCase() : "rebuilt",
        `${lag_events} events`,
        seconds(lag_ms),
        [progress, reason].filter((each) => each !== undefined).join("; ")
      ]
    })
  )
})

export const statusVerb = Command.make("status", { json, url, apiKey }, (flags) =>
  Effect.gen(function* () {
    const settings = yield* load
    const ask = yield* asking(settings, flags)
    const from = placeOf(settings, flags)
    const { status, text } = yield* ask("GET", "/backoffice/v2/status")
    if (status !== 200) {
      return yield* new InstallationFault({ message: `The runner at ${from} answered ${status}: ${text}` })
    }
    if (flags.json) return yield* Console.log(text)
    yield* told(yield* decode(text))
  })
).pipe(
  Command.withDescription(
    "Show runners, shards, lanes, undone work, what is still to be sent and how far the views are behind"
  ),
  Command.withExamples([
    {
      command: "npm run koinon -- status",
      description:
        "Of the server on this machine; its key is read from its data folder, which is .koinon here unless set"
    },
    {
      command: "npm run --silent koinon -- status --url http://10.0.0.5:8080 --api-key $KEY --json",
      description: "Of another one, for programs; KEY is what that server printed as its api_key"
    }
  ])
)
