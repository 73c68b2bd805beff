/**
 * How long connections may take: what is fixed for a server. A reference, so that a test need
 * not wait as long. What operators choose comes from settings.
 */
import * as Context from "effect/Context"

export interface DoorLimits {
  /** Connections beyond the bound that are told so at the same time; further ones are cut. */
  readonly farewellsMax: number
  /** From the connection, or the first byte, to the end of the head. */
  readonly headWithinMs: number
  /** From the first byte of the head to the end of the body; a batch has `quietMaxMs` for each of its lines instead. */
  readonly requestWithinMs: number
  /** A connection on which nothing moves, and a batch none of whose lines is answered, is ended after that. */
  readonly quietMaxMs: number
  /** How often it is looked for those that are late. */
  readonly lookIntervalMs: number
}

export const DoorLimits = Context.Reference<DoorLimits>("koinon/http/DoorLimits", {
  defaultValue: () => ({
    farewellsMax: 1_000,
    headWithinMs: 10_000,
    requestWithinMs: 30_000,
    quietMaxMs: 60_000,
    lookIntervalMs: 2_000
  })
})
