/**
 * One attempt of one delivery: signs it, sends it, and says what came of it. An answer of 2xx is success; 410 switches the
 * endpoint off; everything else is tried again, when the receiver says or when the outbox thinks right. An endpoint that has
 * failed for days, without one success, is switched off too, and somebody is told.
 */
import type { Definition } from "#domain/definition/Definition.ts"
import type { EndpointDefinition } from "#domain/webhook/Endpoint.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Json } from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import type { Actors } from "../actor/Actors.ts"
import type { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import type { Outcome, Task } from "../outbox/Task.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import type { Call, Called } from "./Calling.ts"
import { EndpointGates } from "./EndpointGates.ts"
import type { EndpointHealth } from "./EndpointHealth.ts"
import { signed } from "./Signature.ts"
import type { Message } from "./Telling.ts"

/** What is not known now is looked at again so soon. */
const unknownWaitMs = 1_000

export interface Disabled {
  readonly business: string
  readonly endpoint: string
  readonly at: number
  readonly reason: string
}

/** Told when an endpoint was switched off by itself. */
export const DisabledNotice = Context.Reference<(disabled: Disabled) => Effect.Effect<void>>(
  "koinon/runtime/DisabledNotice",
  {
    defaultValue:
      () =>
      ({ business, endpoint, reason }) =>
        Effect.logWarning(`the webhook endpoint ${endpoint} of ${business} was switched off`, reason)
  }
)

export interface Parts {
  readonly actors: Actors["Service"]
  readonly definitions: Definitions["Service"]
  readonly sealer: Sealer["Service"]
  readonly health: EndpointHealth
  readonly call: Call
  /** An attempt that takes longer has failed. */
  readonly timeoutMs: number
  /** A failing endpoint is switched off after so long. */
  readonly disableAfterMs: number
}

const isSuccess = (called: Called): boolean => "status" in called && called.status >= 200 && called.status < 300

/** A status, or why there was none; never what a receiver wrote, for that is kept sealed. */
const reasonFor = (called: Called): string =>
  "failure" in called
    ? called.failure
    : called.status >= 300 && called.status < 400
      ? `it answered ${called.status}; redirects are not followed`
      : `it answered ${called.status}`

export const make = Effect.fnUntraced(function* (parts: Parts) {
  const { actors, definitions, sealer, health, call, timeoutMs, disableAfterMs } = parts
  const clock = yield* Clock.Clock
  const noticed = yield* DisabledNotice
  const gates = new EndpointGates()
  const now = (): number => clock.currentTimeMillisUnsafe()

  const disable = Effect.fnUntraced(function* (task: Task, endpoint: string, reason: string, since: number) {
    const { business } = task
    const id = nameUuid("webhook disabled", endpoint, String(since))
    const command = { _tag: "ChangeEndpointState", id: endpoint, state: "INACTIVE" } as const
    const done = yield* Effect.exit(actors.ask({ business, key: business, command, id }))
    // Unreachable, it is tried again with the next failure.
    if (done._tag === "Failure") return
    yield* health.disabled(business, endpoint, now(), reason)
    yield* noticed({ business, endpoint, at: now(), reason })
  })

  /** What a failure means for the endpoint as a whole. */
  const failed = Effect.fnUntraced(function* (task: Task, endpoint: Definition<EndpointDefinition>, called: Called) {
    const reason = reasonFor(called)
    const failingSince = yield* health.failed(task.business, endpoint.id, now(), reason)
    if ("status" in called && called.status === 410) {
      yield* disable(task, endpoint.id, "it answered 410 Gone", endpoint.stateSince)
    } else if (now() - Math.max(failingSince, endpoint.stateSince) >= disableAfterMs) {
      yield* disable(task, endpoint.id, `it failed for too long: ${reason}`, endpoint.stateSince)
    }
  })

  const send = Effect.fnUntraced(function* (task: Task, endpoint: Definition<EndpointDefinition>, message: Message) {
    const { url, secretId, previous } = endpoint.body
    const body = JSON.stringify(message.payload)
    const startedAt = now()
    const secretIds = previous !== undefined && previous.until > startedAt ? [secretId, previous.secretId] : [secretId]
    const timestamp = Math.floor(startedAt / 1_000)
    const headers = signed(sealer, task.business, secretIds, task.id, timestamp, body)
    const called = yield* call(url, headers, body, timeoutMs)
    const response: { readonly [field: string]: Json } =
      "failure" in called
        ? { failure: called.failure }
        : { status: called.status, headers: called.headers, body: called.body }
    const log: Json = { request: { url, headers, body }, response, duration_ms: now() - startedAt }
    return { called, log }
  })

  const outcomeOf = (called: Called, log: Json): Outcome => {
    if (isSuccess(called)) return { _tag: "Done", log }
    const reason = reasonFor(called)
    if ("status" in called && called.status === 410) return { _tag: "Dead", reason, log }
    const wait = "failure" in called ? undefined : called.retryAfterMs
    return { _tag: "Retry", reason, log, ...(wait !== undefined && { notBefore: now() + wait }) }
  }

  return Effect.fnUntraced(function* (task: Task): Effect.fn.Return<Outcome> {
    const message = task.body as unknown as Message
    const known = yield* Effect.exit(definitions.of(task.business, "endpoints"))
    if (known._tag === "Failure") return { _tag: "Later", at: now() + unknownWaitMs }
    const endpoint = known.value[message.endpoint]
    if (endpoint === undefined) return { _tag: "Dead", reason: "the endpoint was deleted" }
    if (endpoint.state !== "ACTIVE") return { _tag: "Dead", reason: "the endpoint is switched off" }
    const at = yield* gates.enter(endpoint.id, now(), yield* Random.next)
    if (at !== undefined) return { _tag: "Later", at }
    let succeeded = false
    const { called, log } = yield* Effect.onExit(send(task, endpoint, message), (exit) =>
      Effect.sync(() => {
        succeeded = exit._tag === "Success" && isSuccess(exit.value.called)
        gates.leave(endpoint.id, succeeded, now())
      })
    )
    const noted: Effect.Effect<void, SqlError> = succeeded
      ? health.succeeded(task.business, endpoint.id, now())
      : failed(task, endpoint, called)
    yield* Effect.catch(noted, (error) => Effect.logWarning("how an endpoint fares was not noted", reasonOf(error)))
    return outcomeOf(called, log)
  })
})
