/** What the actors of one key need of the runner that holds them: a clock, a lane, a journal to load from, and ears. */
import type { Business } from "#domain/organisation/Business.ts"
import type { Codec } from "../journal/Codec.ts"
import type { Submission } from "../journal/Committer.ts"
import type { Loaded, StreamRef } from "../journal/Journal.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import type { Group } from "./Group.ts"
import type { Pending } from "./Pending.ts"
import type { CommittedTurn } from "./Turn.ts"

export interface Host {
  readonly codec: Codec
  readonly sealer: Sealer["Service"]
  readonly now: () => number
  readonly business: (id: string) => Business | undefined
  /** False while the lane holds as many units as it may. */
  readonly hasRoom: () => boolean
  readonly whenRoom: (group: Group) => void
  readonly submit: (submission: Submission) => void
  readonly load: (
    business: string,
    key: string,
    streams: ReadonlyArray<StreamRef>,
    done: (loaded: Loaded | { readonly cause: unknown }) => void
  ) => void
  /** The command was left open: its reply comes with a later turn. */
  readonly leftOpen: (pending: Pending) => void
  readonly published: (turn: CommittedTurn) => void
  /** A turn threw, or what it decided can never be stored: logged, and a message is taken out of delivery. */
  readonly gaveUp: (pending: Pending, reason: string) => void
}
