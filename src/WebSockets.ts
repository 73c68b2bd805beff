/** The WebSockets of the live door, by `ws`. */
import { LiveLimits } from "#http/live/LiveLimits.ts"
import { frameBytesMax } from "#http/live/Protocol.ts"
import { WebSockets } from "#http/live/WebSockets.ts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ServerOptions, WebSocketServer } from "ws"

/** The types of `ws` do not name it yet. */
interface Options extends ServerOptions {
  readonly closeTimeout: number
}

const make = Effect.map(LiveLimits, ({ closeGraceMs }) => {
  const options: Options = {
    noServer: true,
    // `LiveSockets` has them.
    clientTracking: false,
    // Its windows would cost a socket many times what everything else of it does.
    perMessageDeflate: false,
    maxPayload: frameBytesMax,
    closeTimeout: closeGraceMs
  }
  const server = new WebSocketServer(options)
  return WebSockets.of({
    handshake: (request, socket, head, opened) => server.handleUpgrade(request, socket, head, opened)
  })
})

export const layer: Layer.Layer<WebSockets> = Layer.effect(WebSockets, make)
