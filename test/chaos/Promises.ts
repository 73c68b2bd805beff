/**
 * What is promised whatever is killed, each with the number of things it was checked on. Pure: it compares what clients
 * were told with what the journal says.
 */
import type { Backlog } from "./Audit.ts"
import { effectsOf, type Fold, type Span } from "./Fold.ts"
import { replyFault } from "./Reply.ts"
import { describe, type Record as OperationRecord, verdictOf } from "./Operation.ts"

export const promises = {
  P1: "an answered command is there once, and repeated it gets the same answer",
  P2: "no command takes effect twice, and a refused one never",
  P3: "no wallet below zero, no month above its limit, at any prefix of the journal",
  P4: "money is conserved: credits less debits are what wallets and journeys hold",
  P5: "only the runner that holds a shard writes it, also one that was frozen and wakes",
  P6: "what was answered before another began on the same wallet stands before it",
  P7: "the same key for something else is refused, and changes nothing",
  P8: "accepted work finishes, in order: no message, transfer or command is left over",
  P9: "a view that is rebuilt from zero equals the live one",
  P10: "a shared purchase ends paid, or refused or cancelled with its draw returned",
  P11: "memory stays bounded",
  P12: "a runner that is told to stop does, and what it was answering is not lost",
  P14: "a torn row is refused or folded anew, never served",
  P15: "a stalled lane turns health red with its reason, and green again",
  P16: "no month goes above its limit at any prefix of the journal, wherever the clocks are set"
} as const

/** Rules about what leaves for the world, judged where a run looks at it. */
export const rules = {
  "AUT-1":
    "runs of one contact are done one after another, each action once, to the end or to an approval that is refused",
  "AUT-5": "a change that is held is done once if it is approved, and never if it is rejected",
  "AUT-6": "there is exactly one run for each version of an automation and event that calls for it",
  "AUT-11": "each webhook is signed and arrives, in order for its contact, numbered without a gap",
  "AUT-12": "a contact is written to once for each run, of an automation or of a plan",
  "CON-6": "each message ends once, sent or refused with its reason; sent again it is the same mail under the same id",
  "SEG-3": "a live segment holds exactly those whom its definition describes",
  "SEG-4": "joins and leaves add up to the members, and computed anew they are the same"
} as const
export type PromiseName = keyof typeof promises | keyof typeof rules

/** Not this run's to check, and where they are. */
export const elsewhere = {
  P13: "old events stay readable: test/domain/golden/GoldenEvents.test.ts",
  P17: "what was erased is gone: not applicable, there is no erasure yet; sealing at rest: test/runtime/StoredForm.test.ts"
} as const

export interface Finding {
  readonly promise: PromiseName
  readonly round: number
  readonly what: string
}

export interface Findings {
  readonly checked: Map<PromiseName, number>
  readonly found: Array<Finding>
}

export const noFindings = (): Findings => ({ checked: new Map(), found: [] })

const findingsToldMax = 20

export class Judge {
  readonly #findings: Findings
  readonly #round: number
  readonly #faultOf: typeof replyFault
  readonly #told = new Map<PromiseName, number>()

  /** `faultOf` says what is wrong with the answer to something that was done. */
  constructor(findings: Findings, round: number, faultOf: typeof replyFault = replyFault) {
    this.#findings = findings
    this.#round = round
    this.#faultOf = faultOf
  }

  /** All that is promised of the operations given, after everything has come to rest. */
  judge(records: ReadonlyArray<OperationRecord>, fold: Fold, backlog: Backlog): void {
    for (const record of records) this.#judgeEffects(record, fold)
    this.#judgeOrder(records, fold)
    this.#judgeAccepted(records, fold)
    this.#judgeBooks(fold)
    this.#judgeRest(fold, backlog)
    this.#judgePurchases(fold)
  }

  /** One check, with what is wrong if something is. */
  expect(promise: PromiseName, fault: string | undefined, things = 1): void {
    this.#count(promise, things)
    if (fault !== undefined) this.found(promise, fault)
  }

  #count(promise: PromiseName, things = 1): void {
    this.#findings.checked.set(promise, (this.#findings.checked.get(promise) ?? 0) + things)
  }

  /** One cause may break very many: of each promise so many are told by one judge. */
  found(promise: PromiseName, what: string): void {
    const told = (this.#told.get(promise) ?? 0) + 1
    this.#told.set(promise, told)
    if (told > findingsToldMax) return
    this.#findings.found.push({ promise, round: this.#round, what })
  }

  /** P1, P2: done is once, refused is never. */
  #judgeEffects(record: OperationRecord, fold: Fold): void {
    const { operation, answer } = record
    const name = `${operation.kind} ${operation.mark}`
    const count = effectsOf(record, fold).count
    if (record.acceptedAt !== undefined || operation.kind === "transfer" || operation.kind === "shared purchase")
      this.#count("P8")
    if (count > 1) this.found("P2", `${name} took effect ${count} times`)
    if (answer === undefined) {
      this.found(
        record.acceptedAt !== undefined ? "P8" : "P1",
        `${name} was sent ${record.sent} times and never answered`
      )
      return
    }
    this.#count("P1")
    this.#count("P2")
    for (const oddity of record.oddities) this.found("P1", `${name}: ${oddity}`)
    const isDone = verdictOf(answer) === "done"
    if (isDone && count === 0) this.found("P1", `${name} was answered ${describe(answer)} and left no trace`)
    const reply = isDone ? this.#faultOf(operation, answer.body, fold.toldOf(operation.mark)) : undefined
    if (reply !== undefined) this.found("P1", `${name} was answered ${describe(answer)}, but ${reply}`)
    if (!isDone && count !== 0) this.found("P2", `${name} was answered ${describe(answer)} and took effect`)
  }

  /** P6, as far as it can be seen from outside: real time is respected on every key. */
  #judgeOrder(records: ReadonlyArray<OperationRecord>, fold: Fold): void {
    const byKey = new Map<string, Array<{ readonly record: OperationRecord; readonly span: Span }>>()
    for (const record of records) {
      if (record.answer === undefined) continue
      for (const span of effectsOf(record, fold).spans) {
        const all = byKey.get(span.key) ?? []
        all.push({ record, span })
        byKey.set(span.key, all)
      }
    }
    for (const all of byKey.values()) {
      const begun = all.toSorted((left, right) => left.record.invokedAt - right.record.invokedAt)
      const returned = all.toSorted((left, right) => left.record.returnedAt - right.record.returnedAt)
      let next = 0
      let latest: (typeof all)[number] | undefined
      for (const one of begun) {
        for (let other = returned[next]; other !== undefined; other = returned[++next]) {
          if (other.record.returnedAt >= one.record.invokedAt) break
          if (latest === undefined || other.span.last > latest.span.last) latest = other
        }
        this.#count("P6")
        if (latest !== undefined && latest.span.last >= one.span.first) {
          const [earlier, later] = [latest.record.operation, one.record.operation]
          this.found("P6", `${later.kind} ${later.mark} began after ${earlier.mark} and stands before it`)
        }
      }
    }
  }

  /** P8: of what was accepted for one wallet, what came first is done first. */
  #judgeAccepted(records: ReadonlyArray<OperationRecord>, fold: Fold): void {
    const last = new Map<string, { readonly mark: string; readonly acceptedAt: number; readonly offset: number }>()
    const accepted = records.filter(
      ({ acceptedAt, operation: { kind } }) => acceptedAt !== undefined && kind.endsWith("it")
    )
    for (const record of accepted.toSorted((left, right) => left.invokedAt - right.invokedAt)) {
      const [span] = effectsOf(record, fold).spans
      if (span === undefined || record.acceptedAt === undefined) continue
      const { mark } = record.operation
      const before = last.get(span.key)
      const isOvertaken = before !== undefined && before.acceptedAt < record.invokedAt && before.offset > span.first
      this.expect("P8", isOvertaken ? `${mark} was accepted after ${before.mark} and done before it` : undefined)
      last.set(span.key, { mark, acceptedAt: record.acceptedAt, offset: span.first })
    }
  }

  /** P3, P4 and P16: what the fold saw at each event, and what the sums say now. */
  #judgeBooks(fold: Fold): void {
    this.#findings.checked.set("P3", fold.events)
    for (const fault of fold.faults.splice(0)) this.found("P3", fault)
    this.#findings.checked.set("P16", fold.countedDraws)
    for (const fault of fold.monthFaults.splice(0)) this.found("P16", fault)
    let held = 0n
    for (const [contactId, minor] of fold.wallets()) {
      held += minor
      if (minor < 0n) this.found("P3", `the wallet of ${contactId} holds ${minor}`)
    }
    const { credits, debits, inTransit } = fold.books
    this.#count("P4")
    if (credits - debits !== held + inTransit) {
      this.found("P4", `${credits} came in and ${debits} went out, but ${held} are held and ${inTransit} under way`)
    }
    for (const [name, used] of fold.books.months) {
      const max = fold.limitOf(name)
      if (used < 0n || (max !== undefined && used > max)) this.found("P3", `${name}: ${used} of ${max} were drawn`)
    }
  }

  /** P8. */
  #judgeRest(fold: Fold, { due, parked, open }: Backlog): void {
    if (due > 0) this.found("P8", `${due} messages are due and not done`)
    if (parked > 0) this.found("P8", `${parked} messages were parked: their turn threw`)
    if (open > 0) this.found("P8", `${open} commands were never settled`)
    for (const fault of fold.books.overtakings()) this.found("P8", fault)
    for (const [id, { sent, arrived, returned }] of fold.books.transfers) {
      if (sent !== arrived + returned)
        this.found("P8", `transfer ${id}: ${sent} sent, ${arrived} arrived, ${returned} back`)
    }
  }

  /** P10. */
  #judgePurchases(fold: Fold): void {
    const { draws } = fold.books
    const paidBy = new Map<string, string>()
    this.#findings.checked.set("P10", draws.size)
    for (const [id, { state, shared }] of fold.purchases) {
      if (state === "OPEN" || state === "ABSENT") this.found("P10", `purchase ${id} is ${state}`)
      if (shared === undefined) continue
      paidBy.set(shared.drawId, id)
      const drawn = draws.get(shared.drawId)?.sent ?? 0n
      if (drawn !== shared.amount) this.found("P10", `purchase ${id} was paid ${shared.amount} of a draw of ${drawn}`)
    }
    for (const [drawId, draw] of draws) {
      const state = fold.purchases.get(draw.purchaseId)?.state ?? "unknown"
      const isPaid = paidBy.get(drawId) === draw.purchaseId && state === "POSTED"
      const left = draw.sent - draw.returned
      if (left !== (isPaid ? draw.sent : 0n)) {
        this.found(
          "P10",
          `purchase ${draw.purchaseId} is ${state}, and of draw ${drawId} ${left} of ${draw.sent} stay spent`
        )
      }
      if (draw.counted !== left)
        this.found("P10", `draw ${drawId} of ${left} is counted as ${draw.counted} in its month`)
    }
  }
}
