/** `koinon serve`: the doors over the runtime, and the banner when they are open. */
import { endpoints } from "#http/Api.ts"
import * as ConsoleSessions from "#http/console/ConsoleSessions.ts"
import * as AccessTokens from "#http/door/AccessTokens.ts"
import { AllowedOrigins } from "#http/door/AnswerHeaders.ts"
import { CurrentServer } from "#http/door/Connections.ts"
import { DoorLimits } from "#http/door/DoorLimits.ts"
import * as FrontDoor from "#http/door/FrontDoor.ts"
import * as Principal from "#http/door/Principal.ts"
import { CurrentRateLimit, RateLimit } from "#http/door/RateLimit.ts"
import * as SharedTokens from "#http/door/SharedTokens.ts"
import { CurrentGate, watching } from "#http/door/Shedding.ts"
import * as Doors from "#http/Doors.ts"
import * as LiveSockets from "#http/live/LiveSockets.ts"
import { encodeChange } from "#http/live/SegmentFeed.ts"
import * as RequestMeter from "#http/operator/RequestMeter.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as SegmentTopics from "#runtime/segment/SegmentTopics.ts"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { banner } from "./Banner.ts"
import * as Channels from "./Channels.ts"
import { secrets, sharedSecrets } from "./Installation.ts"
import * as MigrationsProbe from "./MigrationsProbe.ts"
import * as Runtime from "./Runtime.ts"
import type { Settings } from "./Settings.ts"
import * as Telemetry from "./Telemetry.ts"
import * as WebSockets from "./WebSockets.ts"

/** Requests under way get this long to finish after a stop was asked for. */
const gracefulStopMs = 3_000

/** What a business may send, shared with other runners where there is a Redis. */
const rateLimit = ({ rateLimit, rateBurst, redisUrl }: Settings) =>
  rateLimit === 0
    ? Effect.undefined
    : Effect.map(
        redisUrl === undefined ? Effect.undefined : SharedTokens.connect(redisUrl),
        (source) => new RateLimit(rateLimit, rateBurst, source)
      )

/** A gate that looks at how the actors fare. */
const gate = ({ waitMaxMs }: Settings) =>
  Effect.flatMap(Actors, (actors) =>
    watching(waitMaxMs, (now) => {
      const { waiting, units, stalledSince } = actors.statistics().committer
      return { unitsWaiting: waiting, units, commitAgeMs: stalledSince === undefined ? 0 : now - stalledSince }
    })
  )

/** With `isClustered`, as one of several runners on the database of the settings. */
export const serve = (settings: Settings, startedAt: number, isClustered = false) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const keys = yield* isClustered ? sharedSecrets(settings) : secrets(settings)
      const server = new FrontDoor.FrontServer(yield* DoorLimits, settings.connectionsMax)
      const bounds = Layer.mergeAll(
        Layer.succeed(CurrentServer, server),
        Layer.effect(CurrentRateLimit, rateLimit(settings)),
        Layer.effect(CurrentGate, gate(settings))
      )
      const library = HttpRouter.serve(Doors.layer(endpoints), { disableLogger: true, disableListenLog: true })
      const doors = Layer.mergeAll(library, Layer.effectDiscard(FrontDoor.open(server, endpoints))).pipe(
        Layer.provide(Layer.succeed(AllowedOrigins, settings.corsOrigins)),
        Layer.provide(ConsoleSessions.layer(keys.master)),
        Layer.provide(Principal.layer),
        Layer.provide(AccessTokens.layer(keys.master)),
        Layer.provide(Layer.mergeAll(MigrationsProbe.layer, RequestMeter.layer))
      )
      const announced = Layer.effectDiscard(
        Effect.gen(function* () {
          const server = yield* HttpServer.HttpServer
          yield* banner(settings, keys, server.address, startedAt)
        })
      )
      const http = NodeHttpServer.layer(() => server, {
        port: settings.port,
        host: settings.host,
        gracefulShutdownTimeout: gracefulStopMs
      })
      return Layer.mergeAll(doors, announced, Channels.sending(settings), LiveSockets.farewell).pipe(
        Layer.provide(LiveSockets.layer(settings.liveSocketsMax)),
        Layer.provide(SegmentTopics.layer(encodeChange)),
        Layer.provide(WebSockets.layer),
        Layer.provide(bounds),
        Layer.provideMerge(http),
        Layer.provideMerge(Channels.layer(settings, keys)),
        Layer.provideMerge(Runtime.layer(settings, keys, isClustered)),
        Layer.provide(Telemetry.layer(settings))
      )
    })
  )
