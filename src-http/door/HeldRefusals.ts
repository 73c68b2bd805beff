/**
 * Refusals of a late runner, held back for a moment. Whoever is refused at once asks again at once, and refusing alone can
 * keep a runner so busy that what it has accepted waits: its commits are answered on the same loop. A held refusal holds its
 * connection, so a crowd can ask only so often; a runner that is not late refuses at once, for that is what helps callers.
 */

/** How long a refusal is held, and how often it is looked for those that are due. */
const heldMs = 500
const lookIntervalMs = 20
/** Refusals held at once; further ones go out at once. */
const heldMax = 10_000

interface Held {
  readonly until: number
  readonly send: () => void
}

export class HeldRefusals {
  #line: Array<Held> = []
  #first = 0
  #look: NodeJS.Timeout | undefined

  /** All are held equally long, so they are due in the order in which they came. */
  hold(send: () => void): void {
    if (this.#line.length - this.#first >= heldMax) return send()
    this.#line.push({ until: performance.now() + heldMs, send })
    this.#look ??= setInterval(() => this.#sendDue(), lookIntervalMs)
  }

  /** All of them, now. */
  release(): void {
    this.#sendUntil(Number.POSITIVE_INFINITY)
  }

  #sendDue(): void {
    this.#sendUntil(performance.now())
  }

  #sendUntil(now: number): void {
    while ((this.#line[this.#first]?.until ?? Number.NaN) <= now) this.#line[this.#first++]?.send()
    if (this.#first * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#first)
      this.#first = 0
    }
    if (this.#line.length > 0) return
    clearInterval(this.#look)
    this.#look = undefined
  }
}
