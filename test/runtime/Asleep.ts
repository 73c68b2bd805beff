/**
 * Definitions as a runner has them that slept while another took its shards: on waking it believes that it holds them, and
 * knows of them what it knew. In the end it hears that it may have missed something.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Actors, type View } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import type { Notice } from "#runtime/journal/Notice.ts"

export const sleeper = () => {
  const seen = new Map<string, View<unknown>>()
  const listeners = new Set<(notice: Notice | undefined) => void>()
  let isAsleep = false
  const wrapped = (actors: Actors["Service"]): Actors["Service"] => ({
    ...actors,
    onNotice: (listener) => {
      listeners.add(listener)
      return actors.onNotice(listener)
    },
    onCommitted: (listener) => actors.onCommitted((turn) => (isAsleep ? undefined : listener(turn))),
    read: (business, key, kind, id = key) =>
      Effect.suspend(() => {
        const place = [business, key, kind, id].join("/")
        const before = seen.get(place)
        if (isAsleep && before !== undefined) return Effect.succeed(before as never)
        return Effect.tap(actors.read(business, key, kind, id), (view) => Effect.sync(() => seen.set(place, view)))
      })
  })
  const set = (asleep: boolean) =>
    Effect.sync(() => {
      isAsleep = asleep
      if (!asleep) for (const listener of listeners) listener(undefined)
    })
  return {
    definitions: Layer.fresh(Definitions.layer).pipe(Layer.provide(Layer.effect(Actors, Effect.map(Actors, wrapped)))),
    fallsAsleep: set(true),
    hears: set(false)
  }
}
