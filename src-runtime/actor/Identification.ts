/**
 * Finds the contact that identification media name (CIM-4). Every medium given is resolved; if they name different
 * contacts, nothing is guessed. Resolved media are remembered until a commit, of any runner, takes or releases them, so
 * that the busiest tills cost no query; look-ups of one tick share one. Identifying never authenticates (CIM-5): that is the door's part.
 */
import { claimOf } from "#domain/contact/Claims.ts"
import type { Claim } from "#domain/shared/Decision.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Journal } from "../journal/Journal.ts"
import { claimName, type ClaimRow } from "../journal/Unit.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { Actors } from "./Actors.ts"
import { claimRow } from "./Naming.ts"
import { forgetOldest } from "./Oldest.ts"
import { ActorUnavailable } from "./RuntimeRefusal.ts"

/** None of the media is known to this business. `kinds` says which were tried, never their values. */
export class NotIdentified extends Schema.TaggedError<NotIdentified>()("NotIdentified", {
  kinds: Schema.Array(Schema.String)
}) {}
/** The media name different contacts. */
export class MediaConflict extends Schema.TaggedError<MediaConflict>()("MediaConflict", {
  kinds: Schema.Array(Schema.String)
}) {}

/** Media remembered; the oldest leaves first. */
const rememberedMax = 200_000
/** Media to a query, at most. */
const lookUpMax = 1_000

interface Question {
  readonly row: ClaimRow
  readonly name: string
  readonly answer: (holder: string | undefined | ActorUnavailable) => void
}

export class Identification extends Context.Service<
  Identification,
  {
    /**
     * The one contact that all known media name. Unknown ones are passed over if another one is known. An exit, which can
     * be read at once, where all of them are remembered.
     */
    readonly identify: (
      business: string,
      media: ReadonlyArray<Claim>
    ) => Effect.Effect<string, NotIdentified | MediaConflict | ActorUnavailable>
    /** What a card is compared by: a keyed hash of its number, hex. The number goes no further. */
    readonly cardHash: (business: string, cardNumber: string) => string
  }
>()("koinon/runtime/Identification") {}

const make = Effect.gen(function* () {
  const actors = yield* Actors
  const journal = yield* Journal
  const sealer = yield* Sealer
  const context = yield* Effect.context()
  const runFork = Effect.runForkWith(context)
  const remembered = new Map<string, string>()
  let questions: Array<Question> = []
  /** Counts commits that moved a value: an answer read before one is not remembered. */
  let moves = 0

  actors.onCommitted((turn) => {
    if (turn.takes.length === 0 && turn.releases.length === 0) return
    moves += 1
    for (const row of turn.releases) remembered.delete(claimName(row))
    // What was under way as the shard went is heard late: it may be another's by now.
    if (actors.holds(turn.shard)) for (const row of turn.takes) remember(claimName(row), row.holder)
  })

  // What this runner was about to tell of shards that have gone may be old by now.
  actors.onHeld(() => {
    moves += 1
    remembered.clear()
  })
  actors.onNotice((notice) => {
    moves += 1
    if (notice === undefined) remembered.clear()
    else if ("released" in notice) remembered.delete(notice.released)
  })

  const remember = (name: string, holder: string): void => {
    if (!actors.hearsOthers()) return
    remembered.set(name, holder)
    forgetOldest(remembered, rememberedMax)
  }

  const lookUp = (): void => {
    const asked = questions.slice(0, lookUpMax)
    questions = questions.slice(lookUpMax)
    if (questions.length > 0) setImmediate(lookUp)
    const movesBefore = moves
    runFork(
      Effect.match(journal.holders(asked.map(({ row }) => row)), {
        onFailure: (cause) => asked.forEach(({ answer }) => answer(new ActorUnavailable({ cause }))),
        onSuccess: (held) => {
          for (const { name, answer } of asked) {
            const holder = held.get(name)
            if (holder !== undefined && moves === movesBefore) remember(name, holder)
            answer(holder)
          }
        }
      })
    )
  }

  const ask = (row: ClaimRow, name: string): Effect.Effect<string | undefined, ActorUnavailable> =>
    Effect.callback((resume) => {
      if (questions.length === 0) setImmediate(lookUp)
      questions.push({
        row,
        name,
        answer: (holder) => resume(holder instanceof ActorUnavailable ? Effect.fail(holder) : Effect.succeed(holder))
      })
    })

  /** The one holder, if all of those found are the same. */
  const judge = (
    media: ReadonlyArray<Claim>,
    holders: ReadonlyArray<string | undefined>
  ): Effect.Effect<string, NotIdentified | MediaConflict> => {
    const [holder, ...others] = new Set(holders.filter((each) => each !== undefined))
    const kinds = (): ReadonlyArray<string> => media.map((medium) => medium.kind)
    if (others.length > 0) return Effect.fail(new MediaConflict({ kinds: kinds() }))
    return holder === undefined ? Effect.fail(new NotIdentified({ kinds: kinds() })) : Effect.succeed(holder)
  }

  return Identification.of({
    identify: (business, media) => {
      const rows = media.map((claim) => claimRow(sealer, business, business, claim))
      const names = rows.map(claimName)
      const known = names.map((name) => remembered.get(name))
      if (!known.includes(undefined)) return judge(media, known)
      const looks = rows.map((row, index) => {
        const holder = known[index]
        return holder === undefined ? ask(row, names[index] as string) : Effect.succeed(holder)
      })
      return Effect.flatMap(Effect.all(looks, { concurrency: "unbounded" }), (holders) => judge(media, holders))
    },
    cardHash: (business, cardNumber) =>
      Buffer.from(sealer.keyedHash(business, "card_number", cardNumber)).toString("hex")
  })
})

/** A medium as it is looked up. */
export const medium = claimOf

export const layer: Layer.Layer<Identification, never, Actors | Journal | Sealer> = Layer.effect(Identification, make)
