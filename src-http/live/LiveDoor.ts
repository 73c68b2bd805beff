/**
 * `GET /live`: lets a WebSocket in if there is room, and refuses what is none politely. The rest is `LiveSession.ts`.
 * A WebSocket is taken as Node hands it over, before the library makes a request of it, which would stay as long as the
 * socket does: a fiber, a scope, a map of every service and the handshake's headers are most of what an idle socket costs.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { pathOf } from "../door/Answering.ts"
import { type BoundedServer, CurrentServer } from "../door/Connections.ts"
import { guardedRoute } from "../door/Door.ts"
import { fault } from "../door/Fault.ts"
import { desk } from "./LiveAnswers.ts"
import { LiveSession } from "./LiveSession.ts"
import { bearerProtocol } from "./Protocol.ts"
import { WebSockets } from "./WebSockets.ts"

const path = "/live"

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

/** Takes the WebSockets that there is room for, as long as the scope lasts. */
const open = Effect.fnUntraced(function* (server: BoundedServer) {
  const sharedDesk = yield* desk
  const { sockets } = sharedDesk
  const { handshake } = yield* WebSockets
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      server.takeUpgrade = (request, socket, head) => {
        if (request.method !== "GET" || pathOf(request.url ?? "") !== path || !sockets.hasRoom()) return false
        const token = tokenOf(request.headers["sec-websocket-protocol"])
        handshake(request, socket, head, (webSocket) => void new LiveSession(sharedDesk, webSocket, socket, token))
        return true
      }
    }),
    () =>
      Effect.sync(() => {
        server.takeUpgrade = undefined
      })
  )
})

/** What was not taken: it is no WebSocket, or there is no room for it. */
const refusal = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  Effect.fail(headers["upgrade"]?.toLowerCase() === "websocket" ? full : notAnUpgrade)
)

export const layer = Layer.mergeAll(
  HttpRouter.addAll([HttpRouter.route("GET", path, guardedRoute(refusal, path))]),
  Layer.effectDiscard(Effect.flatMap(CurrentServer, (server) => (server === undefined ? Effect.void : open(server))))
)
