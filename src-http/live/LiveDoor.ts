/** `GET /live`: lets a WebSocket in if there is room, and refuses what is none politely. The rest is `LiveSession.ts`. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { CloseEvent } from "effect/socket/Socket"
import { guardedRoute } from "../door/Door.ts"
import { fault } from "../door/Fault.ts"
import { session } from "./LiveSession.ts"
import { LiveSockets } from "./LiveSockets.ts"
import { bearerProtocol, closeCodes } from "./Protocol.ts"
import { transportOf } from "./Transport.ts"

const notAnUpgrade = fault(426, "KOINON.UPGRADE_REQUIRED", "WebSocket needed", "GET /live is a WebSocket; see /docs.", {
  headers: { upgrade: "websocket", connection: "Upgrade" }
})
const full = fault(
  503,
  "KOINON.TOO_MANY_SOCKETS",
  "No room",
  "This runner has as many live sockets as it may; try again shortly.",
  {
    retryAfterSeconds: 5
  }
)

const tokenOf = (protocols: string | undefined): string | undefined =>
  protocols
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(bearerProtocol))
    ?.slice(bearerProtocol.length)

const open = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.headers["upgrade"]?.toLowerCase() !== "websocket") return yield* Effect.fail(notAnUpgrade)
  const sockets = yield* LiveSockets
  const ending = Deferred.makeUnsafe<CloseEvent | undefined>()
  const stop = (): void => {
    const event = new CloseEvent(closeCodes.goingAway, "the server is stopping; connect again and resume")
    Deferred.doneUnsafe(ending, Effect.succeed(event))
  }
  const leave = sockets.enter(stop)
  if (leave === undefined) return yield* Effect.fail(full)
  yield* Effect.addFinalizer(() => Effect.sync(leave))
  const socket = yield* Effect.orDie(request.upgrade)
  const token = tokenOf(request.headers["sec-websocket-protocol"])
  // A handshake that is broken off, or a write into a closed socket, ends the session and nothing else.
  yield* Effect.ignore(session({ socket, transport: transportOf(request), token, ending }))
  return HttpServerResponse.empty()
}).pipe(Effect.scoped)

export const layer = HttpRouter.addAll([HttpRouter.route("GET", "/live", guardedRoute(open, "/live"))])
