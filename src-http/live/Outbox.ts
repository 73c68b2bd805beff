/**
 * What is on its way to one socket: frames leave in order as fast as the connection takes them, and what it does not take
 * waits here, bounded in number and bytes. A reader who lets it overflow is slow: nothing more is kept for it.
 */
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import type { WebSocket } from "./WebSockets.ts"

/** Frames that wait for one socket, at most. */
export const outboxFramesMax = 1_024
/** Characters in them, at most. */
const outboxCharactersMax = 1024 * 1024
/** With fewer waiting, a page of what was missed can be taken in. */
const roomyFramesMax = 256

export class Outbox {
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  readonly #overflowed: () => void
  #waiting: Array<string> = []
  #characters = 0
  #closed = false
  #whenRoomy: Array<() => void> = []

  /** `socket` is the connection under the `webSocket`, which does not tell whether what was sent has left. */
  constructor(webSocket: WebSocket, socket: Socket, overflowed: () => void) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#overflowed = overflowed
  }

  push(text: string): void {
    if (this.#closed) return
    if (this.#waiting.length === 0 && !this.#socket.writableNeedDrain) return this.#webSocket.send(text)
    if (this.#waiting.length >= outboxFramesMax || this.#characters + text.length > outboxCharactersMax) {
      this.close()
      return this.#overflowed()
    }
    if (this.#waiting.push(text) === 1) this.#socket.once("drain", () => this.#drain())
    this.#characters += text.length
  }

  /** Nothing more is sent; what waits is dropped. */
  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#characters = 0
    this.#wake()
  }

  /** Succeeds when a page of what was missed can be taken in, and when nothing is sent any more. */
  get roomy(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.#isRoomy()) return resume(Effect.void)
      this.#whenRoomy.push(() => resume(Effect.void))
    })
  }

  #isRoomy(): boolean {
    return this.#closed || this.#waiting.length < roomyFramesMax
  }

  #drain(): void {
    let sent = 0
    for (const text of this.#waiting) {
      if (this.#socket.writableNeedDrain) break
      this.#webSocket.send(text)
      this.#characters -= text.length
      sent += 1
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent)
    if (this.#waiting.length > 0) this.#socket.once("drain", () => this.#drain())
    if (this.#isRoomy()) this.#wake()
  }

  #wake(): void {
    const waiting = this.#whenRoomy
    this.#whenRoomy = []
    for (const resume of waiting) resume()
  }
}
