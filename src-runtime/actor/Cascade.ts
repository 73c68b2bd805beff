/**
 * What a turn sets off, as far as it can be judged at once. A message to an actor that is in memory takes its turn in the
 * same tick and commits together with the turn that sent it, all or nothing: a purchase drawn from another's wallet is
 * one commit instead of three, and no message waits that is done already. Its id is kept like any other command's, for
 * each is done once. Whatever cannot be judged at once stands in the inbox with its sender's commit and is delivered
 * after it (architecture decisions 5 and 6).
 *
 * The output gate holds: nothing of it is seen outside before that commit, and if it fails, all states that it was
 * decided on are dropped together.
 */
import * as Context from "effect/Context"
import type { Submission } from "../journal/Submission.ts"
import type { Unit } from "../journal/Unit.ts"
import type { Delivery } from "./Delivery.ts"
import type { Group } from "./Group.ts"
import type { Decided } from "./Host.ts"
import { messageOf } from "./Pending.ts"
import type { InboxItem } from "./Turn.ts"

/** Turns that commit together, at most; 1 sends every message through the inbox. */
export const CascadeTurnsMax = Context.Reference<number>("koinon/runtime/CascadeTurnsMax", {
  defaultValue: () => 16
})

interface Part {
  readonly decided: Decided
  unit: Unit
  inbox: ReadonlyArray<InboxItem>
}

/** A command that a later part of the same commit settles has its outcome from the start: there is no row to update yet. */
const settleWithin = (parts: ReadonlyArray<Part>): void => {
  const [first] = parts
  const command = first?.unit.command
  if (first === undefined || command?.outcome !== null) return
  for (const part of parts) {
    const settled = part.unit.settles.find(({ id }) => id === command.id)
    if (settled === undefined) continue
    part.unit = { ...part.unit, settles: part.unit.settles.filter((each) => each !== settled) }
    first.unit = { ...first.unit, command: { ...command, outcome: settled.outcome } }
  }
}

/** What a cascade has to know of the runner. */
export interface Surroundings {
  /** At least 1. */
  readonly turnsMax: number
  /** The group if it is in memory. */
  readonly groupOf: (business: string, key: string) => Group | undefined
  readonly delivery: Pick<Delivery, "sent" | "withdrawn" | "isOnTheWay">
  readonly holds: (shard: number) => boolean
}

/** Nobody waits for the outcome of a message. */
const unheard = (): undefined => undefined

/** The turn with those it sets off, as one submission. */
export const cascade = (decided: Decided, { turnsMax, groupOf, delivery, holds }: Surroundings): Submission => {
  const parts: Array<Part> = [{ decided, unit: decided.unit, inbox: decided.turn.inbox }]
  const judge = (item: InboxItem, from: string): Part | undefined => {
    const { business, key } = item.row
    // Messages from one to another keep their order.
    if (parts.length >= turnsMax || delivery.isOnTheWay(from, key)) return undefined
    const next = groupOf(business, key)?.judgeAtOnce(messageOf(item.row.id, item.command, false, unheard))
    return next === undefined ? undefined : { decided: next, unit: next.unit, inbox: next.turn.inbox }
  }
  const left: Array<readonly [row: InboxItem["row"], from: string]> = []
  for (const part of parts) {
    if (part.inbox.length === 0) continue
    const from = part.unit.key
    const sent = part.inbox.filter((item) => {
      if (item.isTimer) return true
      part.decided.turn.trace?.accompany(item.command)
      const next = judge(item, from)
      if (next !== undefined) {
        parts.push(next)
        return false
      }
      delivery.sent(item.row, from)
      left.push([item.row, from])
      return true
    })
    if (sent.length === part.inbox.length) continue
    part.inbox = sent
    part.unit = { ...part.unit, inbox: sent.map(({ row }) => row) }
  }
  if (parts.length > 1) settleWithin(parts)
  const submission: Submission = {
    trace: decided.turn.trace,
    units: parts.map(({ unit }) => unit),
    groups: parts.map(({ decided: { group } }) => group),
    committed: () => {
      // Everybody hears of all of it before anybody is answered.
      for (const { decided: each, inbox } of parts) each.published({ ...each.turn, inbox, trace: submission.trace })
      for (const { decided: each } of parts) each.answered()
    },
    failed: (failure, unit) => {
      for (const [row, from] of left) delivery.withdrawn(row, from)
      const isLost = failure._tag === "Fenced" && !holds(decided.unit.shard)
      const own = parts.length === 1 || unit === parts[0]?.unit || isLost
      // Judged again, it sends each message on its own way, so that a fault is found where it is.
      decided.failed(own ? failure : { _tag: "Superseded" })
      for (const { decided: each } of parts.slice(1)) each.failed(undefined)
    }
  }
  return submission
}
