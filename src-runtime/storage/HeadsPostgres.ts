/** The database's own notifications as the way between runners: one connection that listens, and one statement a message. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { type HeadChannel, HeadsUntold } from "../live/Heads.ts"

const channelName = "koinon_heads"

const untold = (cause: unknown) => new HeadsUntold({ cause })

export const channel: Effect.Effect<HeadChannel, never, PgClient.PgClient> = Effect.map(PgClient.PgClient, (sql) => ({
  name: "the database",
  send: (message) => sql`SELECT pg_notify(${channelName}, ${message})`.pipe(Effect.mapError(untold), Effect.asVoid),
  hear: (listening, heard) =>
    Effect.gen(function* () {
      const notifications = yield* sql.listen(channelName)
      listening()
      while (true) heard((yield* Queue.take(notifications)).payload)
    }).pipe(Effect.scoped, Effect.mapError(untold), Effect.andThen(Effect.never))
}))
