/**
 * Views are fed where the shard is, at their leisure; who reads one on another runner would wait for that. So it says that it
 * waits, and whoever feeds the view makes haste. A word that is lost delays the reader by no more than that leisure.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Heads } from "../live/Heads.ts"

export const ReadersElsewhere = Context.Reference<Pick<Heads["Service"], "askFor" | "onAsked">>(
  "koinon/runtime/ReadersElsewhere",
  { defaultValue: () => ({ askFor: () => undefined, onAsked: () => () => undefined }) }
)

/** Over the way on which runners tell each other of commits. */
export const layer: Layer.Layer<never, never, Heads> = Layer.effect(
  ReadersElsewhere,
  Effect.map(Heads, ({ askFor, onAsked }) => ({ askFor, onAsked }))
)
