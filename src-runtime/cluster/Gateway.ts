/**
 * How a runner speaks to the one that holds a shard: one volatile entity a shard, which lives where the shard lives and
 * hands what it is asked to the actors there. Placement, routing and transport are the cluster's; nothing that it carries
 * is stored by it, for the actors make durable what has to be.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Entity from "effect/cluster/Entity"
import type { Sharding } from "effect/cluster/Sharding"
import * as Rpc from "effect/rpc/Rpc"
import { allShards, shardOf } from "../actor/Placement.ts"
import { ActorUnavailable } from "../actor/RuntimeRefusal.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { asQuestion, asReactionTo, type Question, questions, type Reaction, reactions } from "./Envelope.ts"
import type { Here } from "./Here.ts"

/** Questions of other runners that one shard works on at a time; beyond it they are asked to come back. */
const questionsMax = 8_192

const Carry = Rpc.make("Carry", { payload: { sealed: Schema.Uint8Array }, success: Schema.Uint8Array })
const Entry = Entity.make("Koinon/Shard", [Carry])

/** The entity of a shard: any name that the cluster places on the same shard as the keys of that shard. */
const entryIds: ReadonlyArray<string> = allShards.map((shard) => {
  for (let number = 0; ; number++) if (shardOf(`${shard}/${number}`) === shard) return `${shard}/${number}`
})

/** The entities of the shards that come to this runner. */
export const layer = (here: Here): Layer.Layer<never, never, Sharding | Sealer> =>
  Entry.toLayer(
    Effect.map(Sealer, (sealer) =>
      Entry.of({
        Carry: ({ payload }) =>
          Effect.try({
            try: () => questions.open(sealer, payload.sealed, asQuestion),
            catch: (cause) => new ActorUnavailable({ cause })
          }).pipe(
            Effect.flatMap(here),
            Effect.catch((refusal) => Effect.succeed<Reaction>({ _tag: "Failed", refusal })),
            Effect.map((reaction) => reactions.seal(sealer, reaction, asReactionTo(payload.sealed)))
          )
      })
    ),
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
