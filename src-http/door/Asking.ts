/**
 * How a request becomes a command: under the request's own id and fingerprint where it can be repeated, within its
 * deadline, in the caller's business and nobody else's.
 */
import type { Answer } from "#domain/Answer.ts"
import type { Command } from "#domain/Command.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors, type Answered } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import * as Effect from "effect/Effect"
import type { Call } from "./Endpoint.ts"

export type Asker = Pick<
  Call<unknown, unknown>,
  "principal" | "commandId" | "repeatable" | "fingerprint" | "deadlineAt"
>

interface Choices {
  /** Names one of several commands of a request: each is done once, also when the request is repeated. */
  readonly step?: string
  readonly expectedSeq?: number | undefined
}

/** Asks the actor of a placement key; the answer comes when it is durable. */
export const ask = Effect.fnUntraced(function* (
  { principal, commandId, repeatable, fingerprint, deadlineAt }: Asker,
  key: string,
  command: Command,
  { step, expectedSeq }: Choices = {}
) {
  const actors = yield* Actors
  const id = step === undefined ? commandId : nameUuid("step", commandId, step)
  return yield* actors.ask({
    business: principal.business.id,
    key,
    command,
    ...(repeatable && { id, fingerprint }),
    expectedSeq,
    deadlineAt
  })
})

/** What became of the request when it was sent before, if it was: for those who would otherwise do more than ask. */
export const answeredBefore = Effect.fnUntraced(function* ({
  principal,
  commandId,
  repeatable,
  fingerprint
}: Asker): Effect.fn.Return<Answered | undefined, Refusal | RuntimeRefusal, Actors> {
  // Nobody can have sent it before.
  if (!repeatable || fingerprint === "") return undefined
  const actors = yield* Actors
  const known = yield* actors.outcome(principal.business.id, commandId, fingerprint)
  if (known === undefined) return undefined
  const { reply } = known
  if (reply._tag === "Failed") return yield* Effect.fail(reply.refusal)
  const answer = yield* Effect.fromResult(reply.outcome)
  return { answer, replayed: true, seq: reply.seq }
})

/** What was made or changed. */
export const idOf = (answer: Answer): string => {
  if (answer._tag !== "Done") throw new Error(`a command that only has an id to answer was answered ${answer._tag}`)
  return answer.id
}
