/**
 * Drives load through a fixed number of slots and says what came of it. In a closed loop each slot sends again as soon as
 * it is answered: that finds the rate. In an open loop sends are due at a fixed rate whatever the answers do, and a
 * latency counts from the instant at which its send was due, so that a stall is paid for by all who had to wait for it
 * (no coordinated omission). The first failure ends the run: what fails is not measured.
 */

export interface Load {
  readonly durationMs: number
  /** Open loop at this rate; absent: closed loop. */
  readonly ratePerSecond?: number
}

export interface Observation {
  /** Answers within the window, and per second of it. */
  readonly completed: number
  readonly ratePerSecond: number
  /** All answers, those after the window too. */
  readonly answered: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Sends one request on a slot; `done` is called once, with what went wrong if something did. */
export type Send = (slot: number, done: (failure?: string) => void) => void

/** How often the open loop looks whether a send is due; a latency holds at most this much of the generator. */
const tickMs = 1
/** Answers may come this long after the window; an open loop that has fallen behind further cannot hold its rate. */
const drainTimeoutMs = 15_000

export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

class Latencies {
  #values = new Float64Array(65_536)
  #count = 0

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = value
  }

  sorted(): Float64Array {
    return this.#values.subarray(0, this.#count).toSorted()
  }
}

export const drive = (slots: number, load: Load, send: Send): Promise<Observation> =>
  new Promise((resolve, reject) => {
    const { durationMs, ratePerSecond } = load
    const latencies = new Latencies()
    /** The longest free is next: a server closes connections of which nothing is heard for seconds. */
    const free = Array.from({ length: slots }, (_, slot) => slot)
    const startedAt = performance.now()
    const endsAt = startedAt + durationMs
    const intervalMs = ratePerSecond === undefined ? undefined : 1000 / ratePerSecond
    const sendsMax = intervalMs === undefined ? Number.POSITIVE_INFINITY : Math.ceil(durationMs / intervalMs)
    let sent = 0
    let answered = 0
    let completed = 0
    let failure: string | undefined
    let pumping = false
    let settled = false

    /** When the next send is due; in a closed loop that is now. */
    const dueAt = (now: number): number => (intervalMs === undefined ? now : startedAt + sent * intervalMs)
    const mayGoOn = (now: number): boolean =>
      failure === undefined && sent < sendsMax && (intervalMs !== undefined || now < endsAt)

    const finish = (): void => {
      if (settled) return
      settled = true
      clearInterval(ticker)
      clearTimeout(deadline)
      if (failure !== undefined) return reject(new Error(failure))
      const sorted = latencies.sorted()
      resolve({
        completed,
        ratePerSecond: (completed * 1000) / durationMs,
        answered,
        p50Ms: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        maxMs: sorted.at(-1) ?? 0
      })
    }

    const sendOn = (slot: number, intendedAt: number): void => {
      sent += 1
      send(slot, (failed) => {
        const now = performance.now()
        answered += 1
        if (now < endsAt) completed += 1
        latencies.add(now - intendedAt)
        failure ??= failed
        free.push(slot)
        pump()
      })
    }

    /** Flat rather than recursive, for an answer may come while its request is still being sent. */
    const pump = (): void => {
      if (pumping) return
      pumping = true
      for (;;) {
        const now = performance.now()
        const intendedAt = dueAt(now)
        if (free.length === 0 || !mayGoOn(now) || intendedAt > now) break
        sendOn(free.shift() as number, intendedAt)
      }
      pumping = false
      if (answered === sent && !mayGoOn(performance.now())) finish()
    }

    const deadline = setTimeout(() => {
      failure ??= `${sent - answered} requests were still unanswered ${drainTimeoutMs / 1000} s after the end`
      finish()
    }, durationMs + drainTimeoutMs)
    const ticker = setInterval(pump, tickMs)
    pump()
  })
