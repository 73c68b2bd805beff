/**
 * Writes that are answered later. One that is not answered within 5 seconds, or whose caller prefers not to wait, is
 * answered 202 with an operation to come back to, but only once it is durable: from then on it finishes whatever
 * happens. It is for writes made by one command, the request's own; what is not durable in time is answered 503.
 */
import type { Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { type Operation, renderOperation } from "../resource/Operation.ts"
import type { HandlerError } from "./Endpoint.ts"
import { fault } from "./Fault.ts"

/** A caller is kept waiting for the answer this long, at most. */
export const answerWithinMs = 5_000
/** How often, and how many times, it is looked whether a command has become durable. */
const lookIntervalMs = 100
const looksMax = 50

const notInTime = fault(
  503,
  "KOINON.NOT_ANSWERED_IN_TIME",
  "Not answered in time",
  "Whether the request took effect is found out when it is repeated with its Idempotency-Key.",
  { retryAfterSeconds: 1 }
)

/** The command that a request makes. */
export interface RequestCommand {
  readonly business: Business
  readonly commandId: string
  readonly fingerprint: string
}

/** What the journal knows of the command; another one under its id is refused (P7). */
const operationOf = Effect.fnUntraced(function* ({ business, commandId, fingerprint }: RequestCommand) {
  const actors = yield* Actors
  const known = yield* actors.outcome(business.id, commandId, fingerprint)
  if (known === undefined) return undefined
  const { reply, heldAs } = known
  if (reply._tag === "Failed" && reply.refusal._tag !== "StillRunning") return yield* Effect.fail(reply.refusal)
  return renderOperation(business, commandId, reply, heldAs)
})

/** The operation of a write that took too long, once it is durable; 503 if that takes too long as well. */
export const durable = Effect.fnUntraced(function* (command: RequestCommand) {
  for (let look = 0; look < looksMax; look++) {
    const operation = yield* operationOf(command)
    if (operation !== undefined) return operation
    yield* Effect.sleep(lookIntervalMs)
  }
  return yield* Effect.fail(notInTime)
})

/** How an effect ends if that is soon enough; it goes on by itself otherwise. Cheaper than a race: every write pays for it. */
const within = <A, E, R>(
  milliseconds: number,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Exit.Exit<A, E> | undefined, never, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.callback((resume) => {
      const runFork = Effect.runForkWith(context)
      const patience = runFork(Effect.sleep(milliseconds))
      patience.addObserver((end) => {
        if (Exit.isSuccess(end)) resume(Effect.undefined)
      })
      runFork(effect).addObserver((exit) => {
        patience.interruptUnsafe()
        resume(Effect.succeed(exit))
      })
    })
  )

type Answered<A> = A | { readonly later: Operation }

/** Of a write that took too long: its answer, or its operation. */
export const answeredInTime = Effect.fnUntraced(function* <A, R>(
  command: RequestCommand,
  handled: Effect.Effect<A, HandlerError, R>
): Effect.fn.Return<Answered<A>, HandlerError, R | Actors> {
  const exit = yield* within(answerWithinMs, handled)
  return exit === undefined ? { later: yield* durable(command) } : yield* exit
})

/** Of a write whose caller prefers not to wait: its operation as soon as there is one. */
export const answeredLater = Effect.fnUntraced(function* <A, R>(
  command: RequestCommand,
  handled: Effect.Effect<A, HandlerError, R>
): Effect.fn.Return<Answered<A>, HandlerError, R | Actors> {
  const fiber = yield* Effect.forkChild(handled)
  for (let look = 0; look < looksMax; look++) {
    const ended = yield* Effect.timeoutOption(Fiber.await(fiber), lookIntervalMs)
    const later = yield* operationOf(command)
    if (Option.isNone(ended)) {
      if (later?.state === "RUNNING" || later?.state === "HELD") return { later }
      continue
    }
    // One that made no command, or went on to others after this one, is answered as it is.
    const isWhole = later?.state === (Exit.isSuccess(ended.value) ? "DONE" : "REFUSED")
    return later !== undefined && isWhole ? { later } : yield* ended.value
  }
  return { later: yield* durable(command) }
})
