/**
 * What the actors of this runner, and they alone, answer to a question, whether it was asked here or carried from another
 * runner. Of an actor that is elsewhere it is said that it has moved.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Actors, Placed, View } from "../actor/Actors.ts"
import { shardOf } from "../actor/Placement.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Kind } from "../journal/Kinds.ts"
import { CurrentTracing } from "../observability/Tracing.ts"
import { type Question, type Reaction, reactionOf, stateToJson } from "./Envelope.ts"

export type Here = (question: Question) => Effect.Effect<Reaction>

const failed = (refusal: RuntimeRefusal): Reaction => ({ _tag: "Failed", refusal })
const done: Reaction = { _tag: "Done" }
const seen = (kind: string, { state, seq }: View<unknown>) => ({ state: stateToJson(kind, state), seq })

export const make = Effect.fnUntraced(function* (actors: Actors["Service"], placed: Placed) {
  const clock = yield* Clock.Clock
  const tracing = yield* CurrentTracing

  const ask = (question: Extract<Question, { readonly _tag: "Ask" }>): Effect.Effect<Reaction> =>
    Effect.callback((resume) => {
      const { command, key, traceparent, withinMs } = question
      const deadlineAt = clock.currentTimeMillisUnsafe() + withinMs
      const trace =
        traceparent === undefined
          ? undefined
          : tracing?.begin("carried", traceparent, { command: command._tag, shard: shardOf(key) })
      actors.askWith({ ...question, deadlineAt, trace }, (reply) => {
        trace?.end()
        resume(Effect.succeed(reactionOf(reply)))
      })
    })

  const here: Here = (question) => {
    switch (question._tag) {
      case "Ask":
        return ask(question)
      case "Accept":
        return Effect.match(actors.accept(question), { onFailure: failed, onSuccess: () => done })
      case "Read": {
        const { business, key, kind, id } = question
        return Effect.match(actors.read(business, key, kind as Kind, id), {
          onFailure: failed,
          onSuccess: (view): Reaction => ({ _tag: "Seen", ...seen(kind, view) })
        })
      }
      case "ReadOwner": {
        const { business, key } = question
        return Effect.match(actors.readOwner(business, key), {
          onFailure: failed,
          onSuccess: ({ contact, community }): Reaction => ({
            _tag: "SeenOwner",
            contact: seen("contact", contact),
            community: seen("community", community)
          })
        })
      }
      case "Look":
        return Effect.sync(() => {
          placed.look()
          return done
        })
    }
  }
  return here
})
