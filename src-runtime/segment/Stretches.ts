/**
 * What happened to contacts in one pass, in stretches that were brought about by the same: by one run of an automation, or by
 * one purchase. What changes with a stretch is put down to it.
 */
import type { Event } from "#domain/Event.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import { eventNameOf, purchaseOf } from "../journal/EventPlace.ts"
import { aggregateOfKind } from "../journal/Kinds.ts"
import type { Committed } from "../projection/Projection.ts"
import type { Touched } from "./LiveFacts.ts"

/** Events of a contact one after the other. */
export interface Stretch extends Touched {
  /** The type of the last one. */
  readonly because: string
  readonly cause: Cause | undefined
  /** By its place, the event that the others came along with; absent if there is more than one such. */
  readonly event: string | undefined
  /** Whether it is all that happened to her in this pass, and whether all of that has one cause. */
  readonly isWhole: boolean
  readonly isOfOneCause: boolean
}

/** What comes after so many is put down to nobody: each is judged on its own. */
const stretchesMax = 16

/** They come along with what brought them about, in the same commit. */
const alongTags: ReadonlySet<Event["_tag"]> = new Set<Event["_tag"]>([
  "InteractionStateChanged",
  "DrawUncounted",
  "TokenUsed",
  "TimerArmed"
])
const contactCode = aggregateOfKind("contact").code

const causeOf = ({ event }: Committed): Cause | undefined => ("cause" in event ? event.cause : undefined)
const purchaseIn = ({ row, event }: Committed): string | undefined => purchaseOf(row, event)

interface OfCause {
  readonly committed: Array<Committed>
  cause: Cause | undefined
}

const byCause = (committed: ReadonlyArray<Committed>): ReadonlyArray<OfCause> => {
  const found: Array<OfCause> = []
  for (const each of committed) {
    const cause = causeOf(each)
    const last = found.at(-1)
    if (last !== undefined && (last.cause?.runId === cause?.runId || found.length === stretchesMax)) {
      last.committed.push(each)
      if (last.cause?.runId !== cause?.runId) last.cause = undefined
    } else found.push({ committed: [each], cause })
  }
  return found
}

/** Where a purchase begins or ends is between two commits: nobody is judged as she never was. */
const byPurchase = (committed: ReadonlyArray<Committed>): ReadonlyArray<ReadonlyArray<Committed>> => {
  const found: Array<{ readonly purchase: string | undefined; readonly committed: Array<Committed> }> = []
  for (const each of committed) {
    const purchase = purchaseIn(each)
    const last = found.at(-1)
    const isAlong = purchase === undefined && alongTags.has(each.event._tag)
    if (last !== undefined && (isAlong || last.purchase === purchase)) last.committed.push(each)
    else found.push({ purchase, committed: [each] })
  }
  return found.map((each) => each.committed)
}

/** The first that tells of the purchase in her own stream; otherwise the only one that did not come along. */
const leaderOf = (committed: ReadonlyArray<Committed>): Committed | undefined => {
  const leading = committed.filter(({ event }) => !alongTags.has(event._tag))
  const ofPurchase = leading.filter((each) => purchaseIn(each) !== undefined)
  const [first] = ofPurchase
  if (first !== undefined) return ofPurchase.find(({ row }) => row.aggregate === contactCode) ?? first
  const those = leading.length === 0 ? committed : leading
  return those.length === 1 ? those[0] : undefined
}

export const stretchesOf = ({ business, contact, committed }: Touched): ReadonlyArray<Stretch> => {
  const causes = byCause(committed)
  let spare = stretchesMax - causes.length
  const found: Array<Pick<Stretch, "committed" | "cause" | "event">> = []
  for (const { committed: ofCause, cause } of causes) {
    const parts = byPurchase(ofCause)
    const alone = parts.slice(0, Math.min(spare, parts.length - 1))
    const rest = parts.slice(alone.length)
    spare -= alone.length
    for (const [index, part] of [...alone, rest.flat()].entries()) {
      const isOne = index < alone.length || rest.length === 1
      const leader = isOne ? leaderOf(part) : undefined
      found.push({ committed: part, cause, event: leader && eventNameOf(leader.row) })
    }
  }
  return found.map((stretch) => ({
    ...stretch,
    business,
    contact,
    because: stretch.committed.at(-1)?.event._tag ?? "",
    isWhole: found.length === 1,
    isOfOneCause: causes.length === 1
  }))
}
