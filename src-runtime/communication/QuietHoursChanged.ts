/**
 * Has messages judged again when a business changes its quiet hours: what waits for an end of them that is none any more goes
 * by the new ones, and whoever opted out meanwhile is not sent it. Each runner sees to the shards that it holds; looking
 * again changes nothing but when a message is judged. A runner that dies at that moment leaves them to the end that they
 * were told, which is less than a day.
 */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import { Actors } from "../actor/Actors.ts"
import { Outbox } from "../outbox/Outbox.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"

/** Watches for as long as the scope is open. `attemptMaxMs` is the longest that an attempt under the old ones may go on. */
export const watch = Effect.fnUntraced(function* (attemptMaxMs: number) {
  const actors = yield* Actors
  const outbox = yield* Outbox
  const looks = yield* FiberMap.make<string>()
  const runLook = yield* FiberMap.runtime(looks)()
  const known = new Map<string, string>()

  const judgeAgain = (business: string) =>
    Effect.catch(outbox.hurry(business, "communication"), (error) =>
      Effect.logWarning("messages that wait for quiet hours are not looked at again", reasonOf(error))
    )
  const look = (business: string): void => {
    const quietHours = JSON.stringify(actors.business(business)?.settings.quietHours ?? null)
    const before = known.get(business) ?? "null"
    known.set(business, quietHours)
    if (quietHours === before) return
    // An attempt that is under way may yet be told the old end: once more when none of those is left.
    const twice = Effect.andThen(judgeAgain(business), Effect.delay(judgeAgain(business), attemptMaxMs))
    // In place of what still goes on for the business.
    runLook(business, twice)
  }
  const lookAtAll = (): void => {
    for (const { id } of actors.businesses()) look(id)
  }

  for (const { id, settings } of actors.businesses()) known.set(id, JSON.stringify(settings.quietHours ?? null))
  yield* Effect.acquireRelease(
    Effect.sync(() => [
      actors.onCommitted((turn) => {
        if (turn.key === turn.business) look(turn.business)
      }),
      actors.onNotice((notice) => {
        if (notice === undefined) lookAtAll()
        else if ("business" in notice) look(notice.business)
      })
    ]),
    (unsubscribe) => Effect.sync(() => unsubscribe.forEach((leave) => leave()))
  )
})
