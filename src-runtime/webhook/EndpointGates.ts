/**
 * Keeps one bad endpoint from being in the way of the others: no endpoint has more than its share of the calls under way,
 * one that fails again and again is left alone for a while and then tried by one call. By runner, in memory.
 */
import * as Effect from "effect/Effect"

/** Calls under way to one endpoint, and deliveries that wait for one of those to end. */
const underWayMax = 64
const waitersMax = 128
/** They wait so long, and come again later. */
const waitMaxMs = 1_000
/** Failures in a row after which it is left alone, and for how long: doubled with each call after it that fails. */
const failuresMax = 10
const closedFirstMs = 1_000
const closedMostMs = 60_000
/** Endpoints remembered. */
const gatesMax = 10_000

interface Gate {
  underWay: number
  failures: number
  closedUntil: number
  readonly waiters: Set<() => void>
}

export class EndpointGates {
  readonly #gates = new Map<string, Gate>()

  /** `undefined`: go, and `leave` or `turnBack` afterwards. Else when to come again. */
  enter(endpoint: string, now: number, chance: number): Effect.Effect<number | undefined> {
    const gate = this.#gateOf(endpoint)
    if (now < gate.closedUntil) return Effect.succeed(Math.round(gate.closedUntil + chance * closedFirstMs))
    const later = Math.round(now + waitMaxMs * (1 + chance))
    const tried = (): number | undefined => {
      if (gate.underWay >= (gate.failures >= failuresMax ? 1 : underWayMax)) return later
      gate.underWay += 1
      return undefined
    }
    const first = tried()
    // Where calls fail there is nothing to wait for.
    if (first === undefined || gate.failures > 0 || gate.waiters.size >= waitersMax) return Effect.succeed(first)
    const called = Effect.callback<void>((resume) => {
      const go = (): void => resume(Effect.void)
      gate.waiters.add(go)
      return Effect.sync(() => void gate.waiters.delete(go))
    })
    return Effect.map(Effect.timeoutOption(called, waitMaxMs), tried)
  }

  leave(endpoint: string, succeeded: boolean, now: number): void {
    const gate = this.#gateOf(endpoint)
    gate.underWay -= 1
    // Calls that were under way when it was closed say nothing new.
    if (!succeeded && now < gate.closedUntil) return
    gate.failures = succeeded ? 0 : gate.failures + 1
    if (gate.failures >= failuresMax) {
      gate.closedUntil = now + Math.min(closedMostMs, closedFirstMs * 2 ** Math.min(10, gate.failures - failuresMax))
    }
    this.#wakeNext(gate)
  }

  /** Without a call. */
  turnBack(endpoint: string): void {
    const gate = this.#gateOf(endpoint)
    gate.underWay -= 1
    this.#wakeNext(gate)
  }

  #wakeNext(gate: Gate): void {
    const [next] = gate.waiters
    if (next === undefined || gate.failures > 0) return
    gate.waiters.delete(next)
    next()
  }

  #gateOf(endpoint: string): Gate {
    let gate = this.#gates.get(endpoint)
    if (gate === undefined) {
      if (this.#gates.size >= gatesMax) this.#clear()
      gate = { underWay: 0, failures: 0, closedUntil: 0, waiters: new Set() }
      this.#gates.set(endpoint, gate)
    }
    return gate
  }

  #clear(): void {
    for (const [endpoint, { underWay }] of this.#gates) if (underWay === 0) this.#gates.delete(endpoint)
  }
}
