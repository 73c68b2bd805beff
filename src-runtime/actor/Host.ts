/** What the actors of one key need of the runner that holds them: a clock, a lane, a journal to load from, and ears. */
import type { Business } from "#domain/organisation/Business.ts"
import type { Codec } from "../journal/Codec.ts"
import type { Loaded, StreamRef } from "../journal/Journal.ts"
import type { Submission, UnitFailure } from "../journal/Submission.ts"
import type { TurnMeter } from "../observability/TurnMeter.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import type { Group } from "./Group.ts"
import type { Pending } from "./Pending.ts"
import type { CommittedTurn, Encoded } from "./Turn.ts"

/** A turn whose states have advanced and whose unit is on its way to the journal. */
export interface Decided extends Encoded {
  readonly group: Group
  /** Called after the commit, with the turn as it was committed; then `answered`. */
  readonly published: (turn: CommittedTurn) => void
  readonly answered: () => void
  /** Without a failure: the command is judged again by whoever sent it, and is forgotten here. */
  readonly failed: (failure: UnitFailure | undefined) => void
}

export interface Host {
  readonly codec: Codec
  readonly sealer: Sealer["Service"]
  readonly now: () => number
  readonly meter: TurnMeter
  readonly business: (id: string) => Business | undefined
  /** False while the lane holds as many units as it may. */
  readonly hasRoom: () => boolean
  readonly whenRoom: (group: Group) => void
  /** Hands a turn to the lane; with `spreading`, together with those of its messages that can be judged at once. */
  readonly submit: (decided: Decided, spreading: boolean) => void
  readonly commit: (submission: Submission) => void
  readonly load: (
    business: string,
    key: string,
    streams: ReadonlyArray<StreamRef>,
    done: (loaded: Loaded | { readonly cause: unknown }) => void
  ) => void
  /** The command was left open: its reply comes with a later turn of the same key, unless that is days away. */
  readonly leftOpen: (pending: Pending, group: Group, isParked: boolean) => void
  readonly published: (turn: CommittedTurn) => void
  /** Answers those whose commands an earlier turn left open. */
  readonly settle: (settlements: CommittedTurn["settles"]) => void
  /** A turn threw, or what it decided can never be stored: logged, and a message is taken out of delivery. */
  readonly gaveUp: (pending: Pending, reason: string) => void
}
