/** What the turns of a runner cost and meet: how long one takes, how many wait at its key, which snapshots follow. */
import type { Pending } from "../actor/Pending.ts"
import type { Encoded } from "../actor/Turn.ts"
import { Histogram, secondsBounds } from "./Histogram.ts"

/** Up to the bound of a mailbox. */
const depthBounds = [0, 1, 2, 4, 8, 16, 32, 64, 128, 255] as const

export class TurnMeter {
  /** From judging a command to its unit being on its way. */
  readonly turnSeconds = new Histogram(secondsBounds)
  /** Commands that a command found before it at its key. */
  readonly mailboxDepths = new Histogram(depthBounds)
  /** Snapshots handed to the journal. */
  snapshots = 0

  /** A turn that began at `startedAt` (`performance.now()`) has decided. What comes of it belongs to its trace. */
  turned({ command, trace }: Pending, { outcome, turn }: Encoded, startedAt: number): void {
    this.turnSeconds.observe((performance.now() - startedAt) / 1000)
    if (trace === undefined) return
    const refusal = outcome?._tag === "Failure" ? { "koinon.refusal": outcome.failure._tag } : {}
    const attributes = {
      "koinon.command": command._tag,
      "koinon.shard": turn.shard,
      "koinon.events": turn.events.length
    }
    turn.trace = trace.child("turn", { ...attributes, ...refusal }, startedAt).end()
  }
}
