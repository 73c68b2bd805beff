/**
 * How a runner speaks to the one that holds a shard: one volatile entity a shard, which lives where the shard lives and
 * hands what it is asked to the actors there. Placement, routing and transport are the cluster's; nothing that it carries
 * is stored by it, for the actors make durable what has to be.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Entity from "effect/cluster/Entity"
import type { Sharding } from "effect/cluster/Sharding"
import * as Rpc from "effect/rpc/Rpc"
import type { Actors, Placed } from "../actor/Actors.ts"
import type { Reply } from "../actor/Pending.ts"
import { allShards, shardOf } from "../actor/Placement.ts"
import { ActorUnavailable, type RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Kind } from "../journal/Kinds.ts"
import { CurrentTracing, type Tracing } from "../observability/Tracing.ts"
import { Sealer } from "../privacy/Sealer.ts"
import {
  asQuestion,
  asReactionTo,
  type Question,
  questions,
  type Reaction,
  reactionOf,
  reactions,
  stateToJson
} from "./Envelope.ts"

/** Questions of other runners that one shard works on at a time; beyond it they are asked to come back. */
const questionsMax = 8_192

const Carry = Rpc.make("Carry", { payload: { sealed: Schema.Uint8Array }, success: Schema.Uint8Array })
const Entry = Entity.make("Koinon/Shard", [Carry])

/** The entity of a shard: any name that the cluster places on the same shard as the keys of that shard. */
const entryIds: ReadonlyArray<string> = allShards.map((shard) => {
  for (let number = 0; ; number++) if (shardOf(`${shard}/${number}`) === shard) return `${shard}/${number}`
})

const failed = (refusal: RuntimeRefusal): Reaction => ({ _tag: "Failed", refusal })

/** Answers for the actors of this runner, and for them alone: what is not here is said to have moved. */
const handling = (actors: Actors["Service"], placed: Placed, tracing: Tracing | undefined, now: () => number) => {
  const read = (kind: string, business: string, key: string, id: string) =>
    Effect.match(actors.read(business, key, kind as Kind, id), {
      onFailure: failed,
      onSuccess: ({ state, seq }): Reaction => ({ _tag: "Seen", state: stateToJson(kind, state), seq })
    })
  return (question: Question): Effect.Effect<Reaction> => {
    switch (question._tag) {
      case "Ask":
        return Effect.callback((resume) => {
          const { command, key, traceparent, withinMs } = question
          const deadlineAt = now() + withinMs
          const trace =
            traceparent === undefined
              ? undefined
              : tracing?.begin("carried", traceparent, { command: command._tag, shard: shardOf(key) })
          actors.askWith({ ...question, deadlineAt, trace }, (reply: Reply) => {
            trace?.end()
            resume(Effect.succeed(reactionOf(reply)))
          })
        })
      case "Accept":
        return Effect.match(actors.accept(question), {
          onFailure: failed,
          onSuccess: (): Reaction => ({ _tag: "Done" })
        })
      case "Read":
        return read(question.kind, question.business, question.key, question.id)
      case "Look":
        return Effect.sync((): Reaction => {
          placed.look()
          return { _tag: "Done" }
        })
    }
  }
}

/** The entities of the shards that come to this runner. */
export const layer = (actors: Actors["Service"], placed: Placed): Layer.Layer<never, never, Sharding | Sealer> =>
  Entry.toLayer(
    Effect.gen(function* () {
      const sealer = yield* Sealer
      const clock = yield* Clock.Clock
      const handle = handling(actors, placed, yield* CurrentTracing, () => clock.currentTimeMillisUnsafe())
      return Entry.of({
        Carry: ({ payload }) =>
          Effect.try({
            try: () => questions.open(sealer, payload.sealed, asQuestion),
            catch: (cause) => new ActorUnavailable({ cause })
          }).pipe(
            Effect.flatMap(handle),
            Effect.catch((refusal) => Effect.succeed(failed(refusal))),
            Effect.map((reaction) => reactions.seal(sealer, reaction, asReactionTo(payload.sealed)))
          )
      })
    }),
    { concurrency: "unbounded", mailboxCapacity: questionsMax, disableFatalDefects: true }
  )

export class Gateway extends Context.Service<
  Gateway,
  {
    /** Asks the runner that holds the shard. Fails if none can be reached now, and then says nothing about what became of it. */
    readonly carry: (shard: number, question: Question) => Effect.Effect<Reaction, ActorUnavailable>
  }
>()("koinon/runtime/Gateway") {}

/**
 * The effect on a fiber of its own, which nobody waits for once it is not wanted any more: a question on a connection that
 * died while this process was frozen is never told so by the library, and its interruption would never end either.
 */
const detached =
  (runFork: ReturnType<typeof Effect.runForkWith<never>>) =>
  <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.callback<A, E>((resume) => {
      const fiber = runFork(effect)
      fiber.addObserver(resume)
      return Effect.sync(() => fiber.interruptUnsafe())
    })

export const layerClient: Layer.Layer<Gateway, never, Sharding | Sealer> = Layer.effect(
  Gateway,
  Effect.gen(function* () {
    const sealer = yield* Sealer
    const apart = detached(Effect.runForkWith(yield* Effect.context()))
    const entryOf = yield* Entry.client
    const entries = entryIds.map((id) => entryOf(id))
    return Gateway.of({
      carry: (shard, question) =>
        Effect.suspend(() => {
          const sealed = questions.seal(sealer, question, asQuestion)
          return Effect.map((entries[shard] as (typeof entries)[number]).Carry({ sealed }), (answered) =>
            reactions.open(sealer, answered, asReactionTo(sealed))
          )
        }).pipe(
          apart,
          // Whatever it was, the question is worth asking again: its id has one effect.
          Effect.catchCause((cause) => Effect.fail(new ActorUnavailable({ cause })))
        )
    })
  })
)
