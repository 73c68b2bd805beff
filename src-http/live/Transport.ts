/**
 * What the live door has to know of the connection under a WebSocket and Effect's `Socket` does not tell: whether what was
 * sent has left, whether the peer is still heard, and how to end it. The ping is a whole control frame of RFC 6455 between
 * two frames of the server, which never fragments or compresses its own.
 */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { IncomingMessage } from "node:http"

export interface Transport {
  /** More is buffered than the connection wants to have; `onDrain` tells when it has left. */
  readonly isFull: () => boolean
  readonly onDrain: (listener: () => void) => void
  /** Grows with everything that the peer sends, also with its pongs. */
  readonly bytesHeard: () => number
  readonly ping: () => void
  /** Ends the connection now; what has not left is lost. */
  readonly destroy: () => void
}

const pingFrame = Uint8Array.of(0x89, 0x00)

export const transportOf = (request: HttpServerRequest): Transport => {
  if (!(request.source instanceof IncomingMessage)) throw new Error("the live door stands on node:http")
  const { socket } = request.source
  return {
    isFull: () => socket.writableNeedDrain,
    onDrain: (listener) => void socket.on("drain", listener),
    bytesHeard: () => socket.bytesRead,
    ping: () => void (socket.writable && socket.write(pingFrame)),
    destroy: () => void socket.destroy()
  }
}
