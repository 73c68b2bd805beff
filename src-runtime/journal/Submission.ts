/**
 * What is submitted to the committer, and which submissions of a batch fall when the journal refuses it: the one at
 * fault, for its own reason, and those that stand on it. Nobody else does.
 */
import type { Trace } from "../observability/Trace.ts"
import type { Conflicts } from "./Journal.ts"
import { claimName, type CommandRow, type EventRow, streamName, type Unit } from "./Unit.ts"

export type UnitFailure =
  /** The command id is in the journal: the row tells its outcome. */
  | { readonly _tag: "Duplicate"; readonly row: CommandRow }
  /** Somebody else holds a value that the unit takes. */
  | { readonly _tag: "ClaimTaken"; readonly kind: string }
  /** The stream is longer than the unit thought: judge again on what is true. */
  | { readonly _tag: "Superseded" }
  /** It stood on a unit that failed, through no fault of its own: judge again on what is true. */
  | { readonly _tag: "Undermined" }
  /** The store will never take it. */
  | { readonly _tag: "Poisonous"; readonly state: string }
  /** The shard has another owner now. */
  | { readonly _tag: "Fenced" }

export interface Submission {
  /** Committed together or not at all. */
  readonly units: ReadonlyArray<Unit>
  /** Whose states the units were decided on. Submissions that share a group stand and fall together, in order. */
  readonly groups: ReadonlyArray<object>
  readonly committed: () => void
  /** The turn that it is of, where that is traced; its commit, once it is durable. */
  trace?: Trace | undefined
  /** `unit` is the one at fault, where one of its own is. */
  readonly failed: (failure: UnitFailure, unit?: Unit) => void
}

/** All that the submissions were decided on. */
export const groupsOf = (submissions: ReadonlyArray<Submission>): Set<object> =>
  new Set(submissions.flatMap(({ groups }) => groups))

const eventName = (event: EventRow): string => `${streamName(event)}/${event.seq}`

/** Whether a submission stands on something that went down; then all that it was decided on has gone down as well. */
export const wentDown = (down: Set<object>, { groups }: Submission): boolean => {
  if (down.size === 0 || !groups.some((group) => down.has(group))) return false
  for (const group of groups) down.add(group)
  return true
}

export interface Fallen {
  readonly submission: Submission
  readonly failure: UnitFailure
  /** The one at fault, if it is one of its own. */
  readonly unit?: Unit
}

/** Splits what may still be written from what stands on lost shards, and on what else has gone down. */
export const separateLost = (
  submissions: ReadonlyArray<Submission>,
  lost: ReadonlySet<number>,
  down = new Set<object>()
): { readonly standing: ReadonlyArray<Submission>; readonly fallen: ReadonlyArray<Fallen>; down: Set<object> } => {
  const standing: Array<Submission> = []
  const fallen: Array<Fallen> = []
  for (const submission of submissions) {
    if (submission.units.some(({ shard }) => lost.has(shard))) {
      for (const group of submission.groups) down.add(group)
      fallen.push({ submission, failure: { _tag: "Fenced" } })
    } else if (wentDown(down, submission)) fallen.push({ submission, failure: { _tag: "Undermined" } })
    else standing.push(submission)
  }
  return { standing, fallen, down }
}

/** Splits what may still commit from what cannot, and what was stacked on that. */
export const separate = (
  submissions: ReadonlyArray<Submission>,
  conflicts: Conflicts
): { readonly standing: ReadonlyArray<Submission>; readonly fallen: ReadonlyArray<Fallen>; down: Set<object> } => {
  const commands = new Set<string>()
  const claims = new Set<string>()
  const events = new Set(conflicts.events)
  const down = new Set<object>()

  const conflictOf = (unit: Unit): UnitFailure | undefined => {
    // The same id or value twice in one batch: the second one is judged again after the first has committed.
    if (unit.command !== undefined && commands.has(unit.command.id)) return { _tag: "Superseded" }
    // Judged on an old state, or on the same as another in this batch: what it wanted to take may be its own by now.
    if (unit.events.some((event) => events.has(eventName(event)))) return { _tag: "Superseded" }
    for (const claim of unit.takes) {
      const name = claimName(claim)
      if (conflicts.claims.has(name) || claims.has(name)) return { _tag: "ClaimTaken", kind: claim.kind }
    }
    return undefined
  }

  const verdictOn = (submission: Submission): Fallen | undefined => {
    // Whatever it stands on: after a restart many are repeated together, and all of them are answered together.
    for (const unit of submission.units) {
      const row = unit.command === undefined ? undefined : conflicts.commands.get(unit.command.id)
      if (row !== undefined) return { submission, failure: { _tag: "Duplicate", row }, unit }
    }
    if (wentDown(down, submission)) return { submission, failure: { _tag: "Undermined" } }
    for (const unit of submission.units) {
      const failure = conflictOf(unit)
      if (failure !== undefined) return { submission, failure, unit }
    }
    return undefined
  }

  const standing: Array<Submission> = []
  const fallen: Array<Fallen> = []
  for (const submission of submissions) {
    const verdict = verdictOn(submission)
    if (verdict !== undefined) {
      for (const group of submission.groups) down.add(group)
      fallen.push(verdict)
      continue
    }
    for (const unit of submission.units) {
      if (unit.command !== undefined) commands.add(unit.command.id)
      for (const claim of unit.takes) claims.add(claimName(claim))
      for (const event of unit.events) events.add(eventName(event))
    }
    standing.push(submission)
  }
  return { standing, fallen, down }
}
