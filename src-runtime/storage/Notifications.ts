/**
 * What the database tells all who listen, wherever it was said: a hint to look, never the thing itself. A lost connection
 * is made anew, and who listens is told then, for something may have been missed.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"

/** A connection that was lost is tried again after it. */
const retryIntervalMs = 1_000

export class Notifications extends Context.Service<
  Notifications,
  {
    /** For as long as it runs; called with `undefined` where some may have been missed. */
    readonly listen: (channel: string, heard: (payload: string | undefined) => void) => Effect.Effect<never>
  }
>()("koinon/runtime/Notifications") {}

export const layer: Layer.Layer<Notifications, never, PgClient.PgClient> = Layer.effect(
  Notifications,
  Effect.map(PgClient.PgClient, (sql) =>
    Notifications.of({
      listen: (channel, heard) =>
        Effect.gen(function* () {
          const notifications = yield* sql.listen(channel)
          heard(undefined)
          while (true) heard((yield* Queue.take(notifications)).payload ?? "")
        }).pipe(Effect.scoped, Effect.ignore, Effect.andThen(Effect.sleep(retryIntervalMs)), Effect.forever)
    })
  )
)
