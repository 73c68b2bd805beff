/**
 * One attempt of one delivery: signs it, sends it, and says what came of it. An answer of 2xx is success; 410 switches the
 * endpoint off; everything else is tried again, when the receiver says or when the outbox thinks right. An endpoint that has
 * failed for days, without one success, is switched off too. What is for one that is off is withheld.
 */
import type { Definition } from "#domain/definition/Definition.ts"
import { type EndpointDefinition, goodSecrets } from "#domain/webhook/Endpoint.ts"
import * as Clock from "effect/Clock"
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

/** Of a reason, as it is stored. */
const reasonLengthMax = 200

type Endpoint = Definition<EndpointDefinition>

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

/** Since when it has been this address, as far as is known: how another one fared says nothing of it. */
const addressSince = ({ body, savedAt, earlier }: Endpoint): number => {
  let since = savedAt
  for (const before of earlier) {
    if (before.body.url !== body.url) break
    since = before.savedAt
  }
  return since
}

export const make = Effect.fnUntraced(function* (parts: Parts) {
  const { actors, definitions, sealer, health, call, timeoutMs, disableAfterMs } = parts
  const clock = yield* Clock.Clock
  const gates = new EndpointGates()
  const now = (): number => clock.currentTimeMillisUnsafe()

  /** Unless somebody has changed it or switched it on since: then it is the next attempts that say how it fares. */
  const disable = ({ business }: Task, { id: endpoint, version, stateSince }: Endpoint, reason: string) => {
    const because = { reason: reason.slice(0, reasonLengthMax), version, stateSince }
    const command = { _tag: "ChangeEndpointState", id: endpoint, state: "INACTIVE", because } as const
    const id = nameUuid("webhook off by itself", endpoint, String(version), String(stateSince))
    const asked = Effect.asVoid(actors.ask({ business, key: business, command, id }))
    // It is asked again with the next failure.
    return Effect.catch(asked, (error) => Effect.logWarning("a webhook endpoint was not switched off", error._tag))
  }

  /** What a failure means for the endpoint as a whole. */
  const failed = Effect.fnUntraced(function* (task: Task, endpoint: Endpoint, called: Called) {
    const reason = reasonFor(called)
    const failingSince = yield* health.failed(task.business, endpoint.id, now(), reason)
    if ("status" in called && called.status === 410) {
      yield* disable(task, endpoint, "it answered 410 Gone")
    } else if (now() - Math.max(failingSince, endpoint.stateSince, addressSince(endpoint)) >= disableAfterMs) {
      yield* disable(task, endpoint, `it failed for too long: ${reason}`)
    }
  })

  const send = Effect.fnUntraced(function* (task: Task, endpoint: Endpoint, message: Message) {
    const { url } = endpoint.body
    const body = JSON.stringify(message.payload)
    const startedAt = now()
    const timestamp = Math.floor(startedAt / 1_000)
    const headers = signed(sealer, task.business, goodSecrets(endpoint.body, startedAt), task.id, timestamp, body)
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
    const wait = "failure" in called ? undefined : called.retryAfterMs
    return { _tag: "Retry", reason, log, ...(wait !== undefined && { notBefore: now() + wait }) }
  }

  /** As it is now, or what follows from there being none to call. */
  const endpointOf = Effect.fnUntraced(function* (task: Task): Effect.fn.Return<Endpoint | Outcome> {
    const { endpoint: id } = task.body as unknown as Message
    const known = yield* Effect.exit(
      Effect.flatMap(definitions.of(task.business, "endpoints"), (all) =>
        // One that is not called was deleted or switched off; or saved or switched on elsewhere, a moment ago.
        all[id]?.state === "ACTIVE"
          ? Effect.succeed(all[id])
          : Effect.map(definitions.confirmed([task.business], "endpoints"), (found) => found.get(task.business)?.[id])
      )
    )
    if (known._tag === "Failure") return { _tag: "Later", at: now() + unknownWaitMs }
    const endpoint = known.value
    if (endpoint === undefined) return { _tag: "Dead", reason: "the endpoint was deleted" }
    return endpoint.state === "ACTIVE" ? endpoint : { _tag: "Withheld" }
  })

  return Effect.fnUntraced(function* (task: Task): Effect.fn.Return<Outcome> {
    const message = task.body as unknown as Message
    const before = yield* endpointOf(task)
    if ("_tag" in before) return before
    const at = yield* gates.enter(before.id, now(), yield* Random.next)
    if (at !== undefined) return { _tag: "Later", at }
    // At the gate it may have waited: what was asked of the endpoint meanwhile holds.
    const endpoint = yield* Effect.onInterrupt(endpointOf(task), () => Effect.sync(() => gates.turnBack(before.id)))
    if ("_tag" in endpoint) {
      gates.turnBack(before.id)
      return endpoint
    }
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
