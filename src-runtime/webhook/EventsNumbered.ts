/**
 * Waits until an event has its numbers at the endpoints that want it, for whoever tells them what follows from it. The
 * projector that gives them stands above those who wait, and is handed down once it is there; until then they wait too.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Position } from "../projection/ProjectionCursors.ts"
import { Projector } from "../projection/Projector.ts"
import type { ProjectionBehind, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { webhooksName } from "./WebhookFeed.ts"

export class EventsNumbered extends Context.Service<
  EventsNumbered,
  {
    readonly upTo: (position: Position) => Effect.Effect<void, ProjectionBehind | ViewUnavailable>
    readonly hand: (projector: Projector["Service"]) => void
  }
>()("koinon/runtime/EventsNumbered") {}

export const layer: Layer.Layer<EventsNumbered> = Layer.sync(EventsNumbered, () => {
  const handed = Deferred.makeUnsafe<Projector["Service"]>()
  return EventsNumbered.of({
    upTo: (position) =>
      Effect.flatMap(Deferred.await(handed), (projector) => projector.waitFor(webhooksName, [position])),
    hand: (projector) => void Deferred.doneUnsafe(handed, Effect.succeed(projector))
  })
})

export const handed: Layer.Layer<never, never, EventsNumbered | Projector> = Layer.effectDiscard(
  Effect.gen(function* () {
    const numbered = yield* EventsNumbered
    numbered.hand(yield* Projector)
  })
)
