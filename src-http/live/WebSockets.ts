/** WebSockets as the live door needs them: a handshake, then frames. Which library speaks them is chosen in `src`. */
import * as Context from "effect/Context"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"

export interface WebSocket {
  readonly isPaused: boolean
  send(text: string): void
  ping(): void
  /** Nothing more is read until `resume`. */
  pause(): void
  resume(): void
  /** Says why, and ends the connection when the peer has closed as well: not later than `LiveLimits` allow. */
  close(code: number, reason: string): void
  /** Ends the connection now; what has not left is lost. */
  terminate(): void
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): unknown
  /** An error is of what the peer sent; the socket closes by itself. */
  on(event: "close" | "error", listener: () => void): unknown
}

export class WebSockets extends Context.Service<
  WebSockets,
  {
    /** Calls `opened` before it returns, or answers what is wrong with the request and never does. */
    readonly handshake: (
      request: IncomingMessage,
      socket: Socket,
      head: Buffer,
      opened: (webSocket: WebSocket) => void
    ) => void
  }
>()("koinon/http/WebSockets") {}
