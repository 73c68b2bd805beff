/**
 * What is on its way to one socket: frames leave in order as fast as the connection takes them, and what it does not take
 * waits here, bounded in number and bytes. A reader who lets it overflow is slow: nothing more is kept for it.
 */
import * as Effect from "effect/Effect"
import type { Transport } from "./Transport.ts"

/** Frames that wait for one socket, at most. */
export const outboxFramesMax = 1_024
/** Characters in them, at most. */
const outboxCharactersMax = 1024 * 1024
/** With fewer waiting, a page of what was missed can be taken in. */
const roomyFramesMax = 256

export class Outbox {
  readonly #transport: Transport
  readonly #send: (text: string) => void
  readonly #overflowed: () => void
  #waiting: Array<string> = []
  #characters = 0
  #closed = false
  #whenRoomy: Array<() => void> = []

  constructor(transport: Transport, send: (text: string) => void, overflowed: () => void) {
    this.#transport = transport
    this.#send = send
    this.#overflowed = overflowed
    transport.onDrain(() => this.#drain())
  }

  push(text: string): void {
    if (this.#closed) return
    if (this.#waiting.length === 0 && !this.#transport.isFull()) return this.#send(text)
    if (this.#waiting.length >= outboxFramesMax || this.#characters + text.length > outboxCharactersMax) {
      this.close()
      return this.#overflowed()
    }
    this.#waiting.push(text)
    this.#characters += text.length
  }

  /** Nothing more is sent; what waits is dropped. */
  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#characters = 0
    this.#wake()
  }

  readonly roomy: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.#isRoomy()) return resume(Effect.void)
    this.#whenRoomy.push(() => resume(Effect.void))
  })

  #isRoomy(): boolean {
    return this.#closed || this.#waiting.length < roomyFramesMax
  }

  #drain(): void {
    let sent = 0
    for (const text of this.#waiting) {
      if (this.#transport.isFull()) break
      this.#send(text)
      this.#characters -= text.length
      sent += 1
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent)
    if (this.#isRoomy()) this.#wake()
  }

  #wake(): void {
    const waiting = this.#whenRoomy
    this.#whenRoomy = []
    for (const resume of waiting) resume()
  }
}
