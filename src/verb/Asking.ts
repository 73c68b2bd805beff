/** How verbs ask a server that runs: where it is, with which key, and what a refusal means to the person at the terminal. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Flag from "effect/cli/Flag"
import { InstallationFault, keyOf } from "../Installation.ts"
import type { Settings } from "../Settings.ts"

export const url = Flag.String("url").pipe(
  Flag.withDescription("The runner to ask; any of a cluster knows of all"),
  Flag.optional
)
export const apiKey = Flag.String("api-key").pipe(
  Flag.withDescription(
    "The secret key that the server printed; otherwise KOINON_BOOTSTRAP_API_KEY, or the one in KOINON_DATA_DIR"
  ),
  Flag.optional
)

/** How long the runner may take to answer. */
const answerWithinMs = 5_000

export interface Answered {
  readonly status: number
  readonly text: string
}

const send = (from: string, method: string, path: string, apiKey: string | undefined) =>
  Effect.tryPromise({
    try: async (): Promise<Answered> => {
      const response = await fetch(new URL(path, from), {
        method,
        headers: { ...(apiKey !== undefined && { api_key: apiKey }) },
        signal: AbortSignal.timeout(answerWithinMs)
      })
      return { status: response.status, text: await response.text() }
    },
    catch: () => new InstallationFault({ message: `No runner answers at ${from}; start one, or name it with --url.` })
  })

export interface Named {
  readonly url: Option.Option<string>
  readonly apiKey: Option.Option<string>
}

/** Where the flags, or the settings, say that it is. */
export const placeOf = ({ host, port }: Settings, { url }: Named): string =>
  Option.getOrElse(url, () => `http://${host}:${port}`)

/** Whether anything answers there, whatever it says. */
export const answers = (from: string): Effect.Effect<boolean> =>
  Effect.isSuccess(send(from, "GET", "/health/live", undefined))

/** Asks as the service owner; what is refused for the key's sake is explained. */
export const asking = Effect.fnUntraced(function* (settings: Settings, named: Named) {
  const key = yield* keyOf(settings, Option.getOrUndefined(named.apiKey))
  const from = placeOf(settings, named)
  return Effect.fnUntraced(function* (method: string, path: string) {
    const answered = yield* send(from, method, path, Redacted.value(key))
    if (answered.status !== 401 && answered.status !== 403) return answered
    return yield* new InstallationFault({
      message:
        `The runner at ${from} does not know the api_key, or shows its state to the service owner alone ` +
        `(${answered.status}). Give the one that it printed when it started, by --api-key or KOINON_BOOTSTRAP_API_KEY.`
    })
  })
})
