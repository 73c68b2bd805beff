/** What the database tells all who listen when something commits. What was told while nobody listened is lost. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { SqlError } from "effect/sql/SqlError"

export interface Listener {
  /** From now on nothing is missed. */
  readonly listening: () => void
  readonly told: (payload: string) => void
}

/** What can be listened to. */
export type Source = PgClient.PgClient

/** Hears one channel until it fails, over a connection of its own. */
export const hear = (channel: string, listener: Listener): Effect.Effect<never, SqlError, Source> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const notifications = yield* sql.listen(channel)
      listener.listening()
      while (true) listener.told((yield* Queue.take(notifications)).payload)
    })
  )
