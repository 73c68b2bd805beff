/** A command that is in the journal already: its first outcome is its only one (P2, P7). */
import type { Codec } from "../journal/Codec.ts"
import type { Loaded } from "../journal/Journal.ts"
import type { CommandRow } from "../journal/Unit.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import type { Reply } from "./Pending.ts"
import { ActorUnavailable, CommandIdReused, StillRunning } from "./RuntimeRefusal.ts"

/** The stored outcome of a command as the reply to its repetition. */
export const replayOf = (
  host: { readonly codec: Codec; readonly sealer: Sealer["Service"] },
  row: CommandRow,
  fingerprint: string,
  loaded: Loaded | { readonly cause: unknown }
): Reply => {
  if (row.fingerprint !== fingerprint) return { _tag: "Failed", refusal: new CommandIdReused() }
  if (row.outcome === null) return { _tag: "Failed", refusal: new StillRunning({ commandId: row.id }) }
  if ("cause" in loaded) return { _tag: "Failed", refusal: new ActorUnavailable({ cause: loaded.cause }) }
  try {
    const key = loaded.dataKey === undefined ? undefined : host.sealer.unwrap(row.business, row.key, loaded.dataKey)
    return { _tag: "Outcome", outcome: host.codec.readOutcome(row.outcome, key, row.id), replayed: true, seq: 0 }
  } catch (cause) {
    // Altered, or sealed with a key that is gone.
    return { _tag: "Failed", refusal: new ActorUnavailable({ cause }) }
  }
}
