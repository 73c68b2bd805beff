/**
 * What a turn may decide, and what it is told. A decision is a value: the runtime makes all of it durable in one
 * commit, or none of it, and only then lets any of it leave (the output gate, architecture decision 3).
 *
 * Nothing here knows a clock, an identifier generator or a database: time and ids arrive with the command or the turn.
 */
import type * as Result from "effect/Result"
import type { Answer } from "../Answer.ts"
import type { Command } from "../Command.ts"
import type { Event } from "../Event.ts"
import type { Refusal } from "../Refusal.ts"
import type { Business } from "../organisation/Business.ts"

/** The facts a decision may rest on besides the state. */
export interface Turn {
  /** The instant of the turn, epoch milliseconds; never earlier than the previous turn of the same key. */
  readonly at: number
  /** The placement key that is judged at: the contact's id, or the business's. */
  readonly key: string
  /** The id of the command being judged: unique per business, stable over retries. */
  readonly commandId: string
  /** The reference data of the business: currency, time zone, organisations, pools, settings. */
  readonly business: Business
}

/** A value that at most one contact of the scope may hold; compared by keyed hash, never stored in the clear. */
export interface Claim {
  /** What the value is: `email`, `phone`, `code`, … Two kinds never collide. */
  readonly kind: string
  /** The value, already normalised (UNQ-3). */
  readonly value: string
  /** `network` claims are unique over all businesses (IDN-2), the others within one. */
  readonly scope: "business" | "network"
}

/** A command for another placement key: durable with this decision, delivered after it, at least once. */
export interface Message {
  /** Stable over replays: the receiver does each id once. */
  readonly id: string
  /** The placement key (contact id) that the command is for. */
  readonly to: string
  readonly command: Command
}

/** A command to this same key at an exact instant; survives restarts. A later one of the same name does not replace it. */
export interface Timer {
  readonly name: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly command: Command
}

/** The final word on a command that an earlier turn left open. */
export interface Settlement {
  readonly commandId: string
  readonly outcome: Result.Result<Answer, Refusal>
}

export interface Decision {
  readonly events: ReadonlyArray<Event>
  /** `undefined` leaves the command open: a later turn settles it. */
  readonly answer: Answer | undefined
  readonly takes?: ReadonlyArray<Claim>
  readonly releases?: ReadonlyArray<Claim>
  readonly messages?: ReadonlyArray<Message>
  readonly timers?: ReadonlyArray<Timer>
  readonly settles?: ReadonlyArray<Settlement>
  /** The command is left open for days: nobody waits for its end, everybody may look it up. */
  readonly parked?: true
}

export type Judgement = Result.Result<Decision, Refusal>
