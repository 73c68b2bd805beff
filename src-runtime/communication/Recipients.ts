/**
 * Whether the tables that recipients are taken from are right: all that was committed before is in them, and no segment of
 * theirs is about to be computed. Segments that are live are exact then, the others as of their last refresh (SEG-2).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Projector } from "../projection/Projector.ts"
import { type ProjectionBehind, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { liveSegmentsName } from "../segment/LiveSegments.ts"
import { anniversaries } from "./Anniversaries.ts"

export class Recipients extends Context.Service<
  Recipients,
  {
    /** False while a segment is computed anew: whoever is in it now may not be in it then. */
    readonly areSettled: (
      business: string,
      segments: ReadonlyArray<string>
    ) => Effect.Effect<boolean, ProjectionBehind | ViewUnavailable>
  }
>()("koinon/runtime/Recipients") {}

const readAsked =
  "SELECT segment FROM segment_state WHERE business = $1::uuid AND segment = ANY ($2::text::uuid[]) AND asked IS NOT NULL"

export const layer: Layer.Layer<Recipients, never, Projector | SqlClient> = Layer.effect(
  Recipients,
  Effect.gen(function* () {
    const projector = yield* Projector
    const sql = yield* SqlClient
    return Recipients.of({
      areSettled: Effect.fn("Recipients.areSettled")(function* (business, segments) {
        yield* projector.waitFor(liveSegmentsName)
        yield* projector.waitFor(anniversaries.name)
        const asked = yield* Effect.mapError(
          sql.unsafe(readAsked, [business, `{${segments.join(",")}}`]),
          (cause) => new ViewUnavailable({ view: "segment_state", cause })
        )
        return asked.length === 0
      })
    })
  })
)
