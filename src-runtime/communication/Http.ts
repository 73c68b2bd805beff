/** One POST to a provider, bounded in time and in what is read of the answer; redirects are not followed. */
import * as Effect from "effect/Effect"
import { SendFault } from "./Channel.ts"

const answerMaxMs = 15_000
const bodyCharactersMax = 16_384
const secondMs = 1_000
/** However long a provider asks to wait. */
const retryAfterMaxMs = 60 * 60 * secondMs

export interface Posted {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number | undefined
}

/** Seconds, as RFC 9110 has it beside dates; a date is not worth a parser here. */
const retryAfterOf = (header: string | null): number | undefined => {
  const seconds = header === null ? Number.NaN : Number(header)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * secondMs, retryAfterMaxMs) : undefined
}

/** `provider` is for the reason of a failure. */
export const post = (
  provider: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array<ArrayBuffer>
): Effect.Effect<Posted, SendFault> =>
  Effect.tryPromise({
    try: async (signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(answerMaxMs)])
      const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: until })
      const text = (await response.text()).slice(0, bodyCharactersMax)
      return { status: response.status, text, retryAfterMs: retryAfterOf(response.headers.get("retry-after")) }
    },
    catch: (cause) => {
      const code = cause instanceof Error && cause.name === "TimeoutError" ? "no answer in time" : "cannot be reached"
      return new SendFault({ kind: "FAILED", reason: `${provider}: ${code}` })
    }
  })

/** What a status means where 2xx is success. */
export const faultOf = (
  provider: string,
  { status, retryAfterMs }: Posted,
  kind: SendFault["kind"],
  code?: string
): SendFault =>
  new SendFault({
    kind,
    reason: `${provider} answered ${status}${code === undefined ? "" : ` (${code})`}`,
    ...(code !== undefined && { code }),
    ...(retryAfterMs !== undefined && { retryAfterMs })
  })

export const isSuccess = ({ status }: Posted): boolean => status >= 200 && status < 300
