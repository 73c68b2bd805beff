/**
 * The client-named commands that this runner has seen lately: a repetition is answered from here without a turn. Only a
 * cache: what it forgot, the journal's unique command id finds at the commit.
 */
import { isTransient } from "#domain/Refusal.ts"
import * as Result from "effect/Result"
import type { Reply } from "./Pending.ts"
import { CommandIdReused, StillRunning } from "./RuntimeRefusal.ts"

/** Commands remembered; the oldest leaves first. */
const recentMax = 20_000

interface Known {
  readonly fingerprint: string
  /** `undefined` while it is being worked on. */
  readonly reply: Reply | undefined
}

export class RecentCommands {
  readonly #known = new Map<string, Known>()

  /** The reply to a repetition, or `undefined` for a new command, which is then being worked on. */
  begin(id: string, fingerprint: string): Reply | undefined {
    const known = this.#known.get(id)
    if (known === undefined) {
      this.#known.set(id, { fingerprint, reply: undefined })
      return undefined
    }
    if (known.fingerprint !== fingerprint) return { _tag: "Failed", refusal: new CommandIdReused() }
    return known.reply ?? { _tag: "Failed", refusal: new StillRunning({ commandId: id }) }
  }

  /** Only outcomes are final: a command that failed in the runtime may be tried again. */
  end(id: string, fingerprint: string, reply: Reply): void {
    if (reply._tag === "Failed" || (Result.isFailure(reply.outcome) && isTransient(reply.outcome.failure))) {
      this.#known.delete(id)
      return
    }
    this.#known.set(id, { fingerprint, reply: { ...reply, replayed: true } })
    while (this.#known.size > recentMax) {
      const oldest = this.#known.keys().next()
      if (oldest.done === true) return
      this.#known.delete(oldest.value)
    }
  }
}
