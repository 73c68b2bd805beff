/**
 * The output gate of one group: what is said about a state waits until every unit that this state stands on is durable, or
 * has failed. In the order in which it was said.
 */
export class OutputGate {
  #submitted = 0
  #inFlight = 0
  #waiting: Array<{ readonly submitted: number; readonly say: () => void }> = []

  /** Units on their way to the journal. */
  get inFlight(): number {
    return this.#inFlight
  }

  get isQuiet(): boolean {
    return this.#waiting.length === 0
  }

  /** A unit is on its way. */
  entered(): void {
    this.#submitted += 1
    this.#inFlight += 1
  }

  /** A unit has ended; those on their way before it have as well. */
  left(): void {
    this.#inFlight -= 1
    const settled = this.#submitted - this.#inFlight
    while ((this.#waiting[0]?.submitted ?? Number.POSITIVE_INFINITY) <= settled) this.#waiting.shift()?.say()
  }

  /** At once if nothing is on its way. */
  after(say: () => void): void {
    if (this.#inFlight === 0) say()
    else this.#waiting.push({ submitted: this.#submitted, say })
  }
}
