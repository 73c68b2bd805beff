/**
 * What a seed stands for: when the story begins, who asks for what and when, and which faults strike. A plan is data, so
 * that a failing one can be made smaller. Each seed has a taste of its own: some faults and requests are left out of it
 * and the others come more often, for a world with everything in it never gets far in any direction.
 */
import { type Chance, chance } from "../chaos/Chance.ts"

export const operationKinds = [
  "credit",
  "debit",
  "purchase",
  "shared purchase",
  "cancel",
  "transfer",
  "read",
  "e-mail",
  "registration",
  "award",
  "reversal"
] as const
export type OperationKind = (typeof operationKinds)[number]

export interface Operation {
  readonly number: number
  readonly atMs: number
  readonly kind: OperationKind
  /** Who asks, by number. */
  readonly person: number
  /**
   * Who else is concerned: the receiver of a transfer, the purchase that is cancelled, the address that is wanted; the
   * purchase that an award is for, 0 for one that is for none; the award that is taken back.
   */
  readonly other: number
  readonly amount: number
  /** A purchase that takes nothing if it cannot have all. */
  readonly isAllOrNothing: boolean
  /** The client sends it twice, so much later. */
  readonly againAfterMs: number | undefined
  /** Under the same id somebody asks for another amount, so much later. */
  readonly alteredAfterMs: number | undefined
  /** Made durable first, judged later (202). */
  readonly isAccepted: boolean
  /** Only if nothing else has happened to the contact since (If-Match). */
  readonly isConditional: boolean
  /** Sent to a runner that may have been replaced. */
  readonly isStale: boolean
  /** Its id falls into the same place of the runner's memory of ids as others. */
  readonly isForgettable: boolean
}

export const faultKinds = [
  "a runner is killed",
  "another runner takes over",
  "some shards move",
  "a runner is frozen and thawed",
  "a commit is lost on its way",
  "the answer to a commit is lost",
  "a commit lands after it was given up",
  "a commit is slow",
  "the journal is unreachable",
  "an answer is lost",
  "a clock jumps",
  "two months pass",
  "a snapshot is saved",
  "a snapshot is torn",
  "a projector is killed"
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  readonly atMs: number
  readonly kind: FaultKind
  /** Chooses among those it may strike. */
  readonly pick: number
  readonly forMs: number
}

export interface Plan {
  readonly seed: number
  /** The wall clock when the story begins, epoch milliseconds. */
  readonly start: number
  readonly operations: ReadonlyArray<Operation>
  readonly faults: ReadonlyArray<Fault>
  /** Whether runners feed a view. */
  readonly hasView: boolean
  /** After the faults are over, all of it is asked for once more, and has to be answered soon. */
  readonly hasSecondWave: boolean
  /** 1 sends every message through the inbox. */
  readonly cascadeTurnsMax: number
}

/** Owner 1 shares with 2 and 3, owner 4 with 5; 6 lives alone. */
const members = [2, 3, 5]
const people = [1, 2, 3, 4, 5, 6]

const hourMs = 3_600_000
const starts: ReadonlyArray<number> = [
  // An afternoon; then instants shortly before something, in Nicosia: midnight, the end of a month, of a year, both
  // changes of the clock, and a leap day.
  Date.UTC(2026, 4, 12, 13, 0),
  Date.UTC(2026, 4, 12, 21, 0) - 3_000,
  Date.UTC(2026, 10, 30, 22, 0) - 3_000,
  Date.UTC(2026, 11, 31, 22, 0) - 3_000,
  Date.UTC(2026, 9, 25, 1, 0) - 3_000,
  Date.UTC(2027, 2, 28, 1, 0) - 3_000,
  Date.UTC(2028, 1, 28, 22, 0) - 3_000,
  // An hour before the end of a month, where a clock that jumps is in the next one.
  Date.UTC(2026, 10, 30, 22, 0) - hourMs / 2
]

const weights: Readonly<Record<OperationKind, number>> = {
  credit: 16,
  debit: 12,
  purchase: 8,
  "shared purchase": 26,
  cancel: 8,
  transfer: 14,
  read: 8,
  "e-mail": 5,
  registration: 3,
  award: 12,
  reversal: 4
}

/** Each is in with even chance, and there is at least one. */
const some = <A>(from: ReadonlyArray<A>, dice: Chance, probability: number): ReadonlyArray<A> => {
  const chosen = from.filter(() => dice.happens(probability))
  return chosen.length > 0 ? chosen : [dice.pick(from)]
}

const drawOperations = (dice: Chance, count: number, overMs: number): ReadonlyArray<Operation> => {
  const kinds = some(operationKinds, dice, 0.8).flatMap((kind) => Array.from({ length: weights[kind] }, () => kind))
  const hot = dice.pick(people)
  const hotShare = dice.pick([0, 0.3, 0.8])
  const oddity = dice.pick([0.05, 0.2])
  const after = (): number | undefined => (dice.happens(oddity) ? dice.integer(0, 400) : undefined)
  const purchases: Array<{ readonly number: number; readonly person: number }> = []
  const awards: typeof purchases = []
  const person = (from: ReadonlyArray<number>): number =>
    from.includes(hot) && dice.happens(hotShare) ? hot : dice.pick(from)
  const times = Array.from({ length: count }, () => dice.integer(0, overMs)).toSorted((a, b) => a - b)
  return times.map((atMs, index): Operation => {
    const number = index + 1
    const drawn = dice.pick(kinds)
    const cancelled = drawn === "cancel" ? purchases.splice(dice.integer(0, purchases.length - 1), 1)[0] : undefined
    const reversed = drawn === "reversal" ? awards.splice(dice.integer(0, awards.length - 1), 1)[0] : undefined
    const undone = cancelled ?? reversed
    const kind = (drawn === "cancel" || drawn === "reversal") && undone === undefined ? "credit" : drawn
    const asks = undone?.person ?? person(kind === "shared purchase" ? members : people)
    if (kind === "purchase" || kind === "shared purchase") purchases.push({ number, person: asks })
    const awarded = kind === "award" ? (purchases.findLast((each) => each.person === asks)?.number ?? 0) : undefined
    // One of a purchase goes with that.
    if (awarded === 0) awards.push({ number, person: asks })
    const isJournal = kind === "credit" || kind === "debit"
    const isAccepted = (isJournal || kind === "purchase" || kind === "shared purchase") && dice.happens(oddity)
    return {
      number,
      atMs,
      kind,
      // One in four is there already.
      person: kind === "registration" && number % 4 > 0 ? 100 + number : asks,
      other:
        undone?.number ??
        awarded ??
        (kind === "transfer" ? dice.pick(people.filter((each) => each !== asks)) : dice.integer(1, 3)),
      amount: dice.integer(10, kind === "credit" ? 900 : 700),
      isAllOrNothing: dice.happens(0.5),
      againAfterMs: after(),
      alteredAfterMs: (isJournal || kind === "transfer") && !isAccepted ? after() : undefined,
      isAccepted,
      isConditional: kind === "credit" && !isAccepted && dice.happens(oddity),
      isStale: dice.happens(0.15),
      isForgettable: dice.happens(0.3)
    }
  })
}

const drawFaults = (dice: Chance, count: number, overMs: number, hasView: boolean): ReadonlyArray<Fault> => {
  const kinds = some(faultKinds, dice, 0.5).filter((kind) => hasView || kind !== "a projector is killed")
  if (kinds.length === 0) return []
  return Array.from({ length: count }, () => dice.integer(0, overMs))
    .toSorted((a, b) => a - b)
    .map((atMs) => ({ atMs, kind: dice.pick(kinds), pick: dice.next(), forMs: dice.pick([20, 200, 1_500, 4_000]) }))
}

const secondWaveFrom = 1_000

/** The same requests once more under numbers of their own, without anything odd about them. */
export const secondWave = (operations: ReadonlyArray<Operation>): ReadonlyArray<Operation> =>
  operations.map((operation) => {
    const { kind, number, person, other } = operation
    return {
      ...operation,
      number: number + secondWaveFrom,
      person: kind === "registration" ? person + secondWaveFrom : person,
      other:
        kind === "cancel" || kind === "reversal" || (kind === "award" && other > 0) ? other + secondWaveFrom : other,
      againAfterMs: undefined,
      alteredAfterMs: undefined,
      isConditional: false,
      isStale: false
    }
  })

/** With `hasSecondWave` it is about liveness: what comes after the faults. */
export const planOf = (seed: number, hasSecondWave = false): Plan => {
  const dice = chance(seed)
  const count = dice.pick([20, 25, 30, 60])
  const overMs = count * dice.pick([5, 40, 120])
  const hasView = dice.happens(0.25)
  return {
    seed,
    start: dice.pick(starts),
    operations: drawOperations(dice, count, overMs),
    faults: drawFaults(dice, dice.pick([0, 2, 5, 10, 20]), overMs, hasView),
    hasView,
    hasSecondWave,
    cascadeTurnsMax: dice.pick([1, 16, 16])
  }
}
