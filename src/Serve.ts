/** `koinon serve`: the doors over the runtime, and the banner when they are open. */
import { endpoints } from "#http/Api.ts"
import * as AccessTokens from "#http/door/AccessTokens.ts"
import { AllowedOrigins } from "#http/door/AnswerHeaders.ts"
import * as FrontDoor from "#http/door/FrontDoor.ts"
import * as Principal from "#http/door/Principal.ts"
import * as Doors from "#http/Doors.ts"
import * as LiveSockets from "#http/live/LiveSockets.ts"
import { frameBytesMax } from "#http/live/Protocol.ts"
import * as RequestMeter from "#http/operator/RequestMeter.ts"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { banner } from "./Banner.ts"
import { secrets, sharedSecrets } from "./Installation.ts"
import * as MigrationsProbe from "./MigrationsProbe.ts"
import * as Runtime from "./Runtime.ts"
import type { Settings } from "./Settings.ts"
import * as Telemetry from "./Telemetry.ts"

/** A request may take this long to arrive: batches stream for as long as a gateway has lines. */
const requestMaxMs = 60 * 60_000
/** Requests under way get this long to finish after a stop was asked for. */
const gracefulStopMs = 3_000

/** With `isClustered`, as one of several runners on the database of the settings. */
export const serve = (settings: Settings, startedAt: number, isClustered = false) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const keys = yield* isClustered ? sharedSecrets(settings) : secrets(settings)
      const server = new FrontDoor.FrontServer({ requestTimeout: requestMaxMs })
      const library = HttpRouter.serve(Doors.layer(endpoints), { disableLogger: true, disableListenLog: true })
      const doors = Layer.mergeAll(library, Layer.effectDiscard(FrontDoor.open(server, endpoints))).pipe(
        Layer.provide(Layer.succeed(AllowedOrigins, settings.corsOrigins)),
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
        gracefulShutdownTimeout: gracefulStopMs,
        websocket: { maxPayload: frameBytesMax }
      })
      return Layer.mergeAll(doors, announced, LiveSockets.farewell).pipe(
        Layer.provide(LiveSockets.layer),
        Layer.provideMerge(http),
        Layer.provideMerge(Runtime.layer(settings, keys, isClustered)),
        Layer.provide(Telemetry.layer(settings))
      )
    })
  )
