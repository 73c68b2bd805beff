/**
 * How a request becomes a command: under the request's own id and fingerprint where it can be repeated, within its
 * deadline, in the caller's business and nobody else's.
 */
import type { Answer } from "#domain/Answer.ts"
import type { Command } from "#domain/Command.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors, type Answered } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import type { Reply } from "#runtime/actor/Pending.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type Call,
  type Declaration,
  type Endpoint,
  type HandlerError,
  type Question,
  type Reply as ReplyTo,
  serve
} from "./Endpoint.ts"
import { type Fault, faultOf } from "./Fault.ts"

export type Asker = Pick<Call<unknown, unknown>, "principal" | "commandId" | "fingerprint" | "deadlineAt" | "trace">

interface Choices {
  /** Names one of several commands of a request: each is done once, also when the request is repeated. */
  readonly step?: string
  readonly expectedSeq?: number | undefined
}

export const askOf = (
  { principal, commandId, fingerprint, deadlineAt, trace }: Asker,
  key: string,
  command: Command,
  { step, expectedSeq }: Choices
) => {
  const id = step === undefined ? commandId : nameUuid("step", commandId, step)
  const business = principal.business.id
  return { business, key, command, id, fingerprint, expectedSeq, deadlineAt, trace }
}

/** Asks the actor of a placement key; the answer comes when it is durable. A refusal is for the handler to judge. */
export const ask = Effect.fnUntraced(function* (asker: Asker, key: string, command: Command, choices: Choices = {}) {
  const actors = yield* Actors
  return yield* actors.ask(askOf(asker, key, command, choices))
})

/** The same for a request that is this one command: its refusal goes out as it is, and says when it was given before. */
export const answer = Effect.fnUntraced(function* (asker: Asker, key: string, command: Command, choices: Choices = {}) {
  const actors = yield* Actors
  const asked = askOf(asker, key, command, choices)
  const reply = yield* Effect.callback<Reply>((resume) => {
    actors.askWith(asked, (result) => resume(Effect.succeed(result)))
  })
  return yield* settled(reply)
})

/** The answer to a question, as the reply to its request. */
export const answerTo = <Success>(asker: Asker, { key, command, body }: Question<Success>, choices: Choices = {}) =>
  Effect.map(answer(asker, key, command, choices), ({ answer: given, replayed, seq }): ReplyTo<Success> => ({
    body: body(given),
    replayed,
    seq
  }))

/**
 * For a write that is one command: only what it means has to be said. Best said with settled effects (`Settled`), for
 * then the request is answered without a fiber.
 */
export const serveCommand = <Query, Body, Success, R>(
  declaration: Declaration<Query, Body, Success>,
  question: (call: Call<Query, Body>, services: Context.Context<R>) => Effect.Effect<Question<Success>, HandlerError, R>
): Endpoint<R | Actors> => ({
  ...serve(declaration, (call) =>
    Effect.flatMap(
      Effect.contextWith((services: Context.Context<R>) => question(call, services)),
      (asked) => answerTo(call, asked, { expectedSeq: call.expectedSeq })
    )
  ),
  question: question as unknown as NonNullable<Endpoint<R>["question"]>
})

/** A refusal that was given before says so, as an answer does. Settled. */
export const settled = (reply: Reply): Effect.Effect<Answered, Refusal | RuntimeRefusal | Fault> => {
  if (reply._tag === "Failed") return Effect.fail(reply.refusal)
  const { outcome, replayed, seq } = reply
  if (Result.isSuccess(outcome)) return Effect.succeed({ answer: outcome.success, replayed, seq })
  if (!replayed) return Effect.fail(outcome.failure)
  return Effect.fail({ ...faultOf(outcome.failure), headers: { "idempotency-replayed": "true" } })
}

/** What became of the request when it was sent before, if it was: for those who would otherwise do more than ask. */
export const answeredBefore = Effect.fnUntraced(function* ({
  principal,
  commandId,
  fingerprint
}: Asker): Effect.fn.Return<Answered | undefined, Refusal | RuntimeRefusal | Fault, Actors> {
  // Nobody can have sent it before.
  if (fingerprint === "") return undefined
  const actors = yield* Actors
  const known = yield* actors.outcome(principal.business.id, commandId, fingerprint)
  if (known === undefined) return undefined
  const { reply } = known
  return yield* settled(reply)
})

/** What was made or changed. */
export const idOf = (answer: Answer): string => {
  if (answer._tag !== "Done") throw new Error(`a command that only has an id to answer was answered ${answer._tag}`)
  return answer.id
}
