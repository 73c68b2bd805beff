/**
 * What the journal itself answers, wherever the actor lives: a stream whose key is not known, who holds a value, what became
 * of a command.
 */
import type { Claim } from "#domain/shared/Decision.ts"
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import { aggregateOfKind, type Kind, type StateOf } from "../journal/Kinds.ts"
import { claimName } from "../journal/Unit.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import type { View } from "./Ask.ts"
import type { Loading } from "./Loading.ts"
import { claimRow, heldId } from "./Naming.ts"
import type { Reply } from "./Pending.ts"
import { replayOf } from "./Replay.ts"
import { restore } from "./Resident.ts"
import { ActorUnavailable, type RuntimeRefusal } from "./RuntimeRefusal.ts"

/** Before every sequence number that there is. */
const newest = 2 ** 31 - 1

const unavailable = <A>(effect: Effect.Effect<A, JournalUnavailable>): Effect.Effect<A, RuntimeRefusal> =>
  Effect.mapError(effect, (cause) => new ActorUnavailable({ cause }))

interface Standing {
  readonly key: string
  readonly reply: Reply
  readonly heldAs?: string
}

export const make = (options: {
  readonly journal: Journal["Service"]
  readonly sealer: Sealer["Service"]
  readonly codec: Codec
  readonly load: Loading
}) => {
  const { journal, sealer, codec, load } = options
  return {
    /** The committed state of a stream whose key is not known. */
    lookUp: <K extends Kind>(
      business: string,
      kind: K,
      id: string
    ): Effect.Effect<View<StateOf<K>> & { readonly key: string | undefined }, RuntimeRefusal> =>
      unavailable(
        Effect.gen(function* () {
          const aggregate = aggregateOfKind(kind)
          const stream = { aggregate: aggregate.code, id }
          const first = (yield* journal.streamEvents(business, stream, newest, 1))[0]
          if (first === undefined) return { state: aggregate.initial as StateOf<K>, seq: 0, key: undefined }
          const loaded = yield* load(business, first.key, [stream])
          const key = loaded.dataKey === undefined ? undefined : sealer.unwrap(business, first.key, loaded.dataKey)
          const restored = restore(codec, loaded.streams[0] as (typeof loaded.streams)[number], key)
          return { state: restored.state as StateOf<K>, seq: restored.seq, key: first.key }
        })
      ),
    /** The contacts that hold the values, by position. */
    holders: (
      business: string,
      claims: ReadonlyArray<Claim>
    ): Effect.Effect<ReadonlyArray<string | undefined>, RuntimeRefusal> => {
      const rows = claims.map((claim) => claimRow(sealer, business, business, claim))
      return Effect.map(unavailable(journal.holders(rows)), (held) => rows.map((row) => held.get(claimName(row))))
    },
    /**
     * What became so far of a durable command of the business, and at which key, for those who were told to come back; as
     * what it is held, if it waits for an approval.
     */
    outcome: (
      business: string,
      id: string,
      fingerprint?: string
    ): Effect.Effect<Standing | undefined, RuntimeRefusal> =>
      unavailable(
        Effect.gen(function* () {
          const row = yield* journal.command(id)
          if (row?.business !== business) return undefined
          const loaded = yield* journal.load(business, row.key, [])
          const place = { codec, sealer }
          const reply = replayOf(place, row, fingerprint ?? row.fingerprint, loaded)
          if (reply._tag !== "Failed" || reply.refusal._tag !== "StillRunning") return { key: row.key, reply }
          const held = { aggregate: aggregateOfKind("held").code, id: heldId(id) }
          const [last] = yield* journal.streamEvents(business, held, newest, 1)
          return { key: row.key, reply, ...(last?.type === "CommandHeld" && { heldAs: held.id }) }
        })
      )
  }
}
export type Lookups = ReturnType<typeof make>
