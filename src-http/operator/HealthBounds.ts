/** How long something may last before readiness turns red. Together with one answer they stay below the 30 s of P15. */
import * as Context from "effect/Context"

export interface HealthBounds {
  /** A commit under way for longer is a stall. */
  readonly laneStallMaxMs: number
  /** Due work that waits longer has been forgotten, or cannot be done. */
  readonly inboxAgeMaxMs: number
  /** A view may be so far behind the journal. */
  readonly projectionLagMaxMs: number
  /** A queue of the outbox may settle nothing for so long, although something of it is due. */
  readonly outboxStillMaxMs: number
  /** What does not answer by then does not answer. */
  readonly answerWithinMs: number
  /** Answers are at most so old. */
  readonly keptMs: number
}

export const HealthBounds = Context.Reference<HealthBounds>("koinon/http/HealthBounds", {
  defaultValue: () => ({
    laneStallMaxMs: 2_000,
    inboxAgeMaxMs: 10_000,
    projectionLagMaxMs: 10_000,
    outboxStillMaxMs: 25_000,
    answerWithinMs: 1_500,
    keptMs: 500
  })
})
