/** What is asked of an actor, and what comes back: a command on its way in, its answer, a state as it was read. */
import type { Answer } from "#domain/Answer.ts"
import type { Command } from "#domain/Command.ts"
import type { Trace } from "../observability/Trace.ts"

export interface Ask {
  readonly business: string
  /** The placement key: a contact id, or the business's own. */
  readonly key: string
  readonly command: Command
  /** Given by a caller who may repeat it; made up otherwise. */
  readonly id?: string
  /** Empty: the id was made up for this request, nobody can repeat it, and only the journal remembers it. */
  readonly fingerprint?: string
  /** Judged only at this sequence number of the first aggregate it needs (If-Match). */
  readonly expectedSeq?: number | undefined
  /** Dropped unexecuted once past it, epoch milliseconds. */
  readonly deadlineAt?: number
  /** It was asked before under this id, and may have been done: the journal is asked first. */
  readonly repeated?: boolean
  /** What it is part of, if that is traced. */
  readonly trace?: Trace | undefined
}

export interface Answered {
  readonly answer: Answer
  /** It was answered before; this is that answer. */
  readonly replayed: boolean
  /** Sequence number of the first aggregate judged, after the turn. */
  readonly seq: number
}

export interface View<State> {
  readonly state: State
  readonly seq: number
}
