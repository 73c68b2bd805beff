/**
 * The journal folded by the domain's own aggregates, event by event, and what has to hold after each of them: dense
 * sequences, no wallet below zero, no month above its limit (P3). Beside it stands a second set of books that knows
 * only amounts (P4, P10), and the effects of each operation by its mark (P1, P2).
 */
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Event } from "#domain/Event.ts"
import type { PurchaseState } from "#domain/purchase/PurchaseState.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { aggregateOfCode } from "#runtime/journal/Kinds.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import { Books } from "./Books.ts"
import type { Record as OperationRecord } from "./Operation.ts"

/** Where in the order of one key an operation did something. */
export interface Span {
  readonly key: string
  readonly first: number
  readonly last: number
}

export interface Effects {
  /** How often what was asked for has happened: once for an operation that is done, never for a refused one. */
  count: number
  readonly spans: Array<Span>
}

/** What an answer has to say, by what the journal says. */
export interface Told {
  readonly id: string
  /** Of a purchase: what was paid from wallets. */
  readonly spent?: bigint
}

interface Stream {
  readonly key: string
  seq: number
  state: unknown
}

const streamOf = (kind: string, id: string): string => `${kind}/${id}`
const findingsMax = 50

export class Fold {
  readonly books = new Books()
  /** What did not hold, in words. */
  readonly faults: Array<string> = []
  /** Months above their limits, in words (P16). */
  readonly monthFaults: Array<string> = []
  countedDraws = 0
  readonly purchases = new Map<string, PurchaseState>()
  events = 0
  readonly #streams = new Map<string, Stream>()
  readonly #offsets = new Map<number, number>()
  readonly #effects = new Map<string, Effects>()
  /** By the mark of an operation: the journals, purchases and transfers that bear it. */
  readonly #ids = new Map<string, Set<string>>()
  readonly #told = new Map<string, Told>()

  offsetOf(shard: number): number {
    return this.#offsets.get(shard) ?? 0
  }

  /** What an operation did, by its mark; a cancel's is `cancelOf` its purchase. */
  effectsOf(mark: string): Effects {
    const all = [...(this.#ids.get(mark) ?? [])].flatMap((id) => this.#effects.get(id) ?? [])
    return { count: all.reduce((sum, { count }) => sum + count, 0), spans: all.flatMap(({ spans }) => spans) }
  }

  toldOf(mark: string): Told | undefined {
    return this.#told.get(mark)
  }

  /** Every contact and what its wallet holds. */
  *wallets(): Iterable<readonly [contactId: string, minor: bigint]> {
    for (const [name, { state }] of this.#streams) {
      if (name.startsWith("contact/")) yield [name.slice("contact/".length), balance((state as ContactState).lots)]
    }
  }

  /** What a member may draw in a month, by `owner/member/month`; absent is without limit. */
  limitOf(name: string): bigint | undefined {
    const [ownerId = "", memberId] = name.split("/")
    const community = this.#streams.get(streamOf("community", ownerId))?.state as CommunityState | undefined
    return community?.relations.find((relation) => relation.memberId === memberId)?.terms.walletSharing.maxAmount
  }

  /** The next event of its shard. */
  take(row: EventRow, event: Event): void {
    this.events += 1
    if (row.offset !== this.offsetOf(row.shard) + 1) {
      this.#fault(`shard ${row.shard} goes from offset ${this.offsetOf(row.shard)} to ${row.offset}`)
    }
    this.#offsets.set(row.shard, row.offset)
    const aggregate = aggregateOfCode(row.aggregate)
    const name = streamOf(aggregate.kind, row.id)
    const stream = this.#streams.get(name) ?? { key: row.key, seq: 0, state: aggregate.initial }
    if (row.seq !== stream.seq + 1) this.#fault(`${name} goes from ${stream.seq} to ${row.seq}`)
    if (row.key !== stream.key) this.#fault(`${name} moves from key ${stream.key} to ${row.key}`)
    stream.seq = row.seq
    this.#streams.set(name, stream)
    try {
      stream.state = aggregate.evolve(stream.state, event)
    } catch (cause) {
      this.#fault(`${name}/${row.seq} ${event._tag} cannot be folded: ${String(cause)}`)
      return
    }
    this.#checkState(name, row, stream.state)
    this.#keepBooks(row, event)
    this.#countEffect(row, event, stream.state)
  }

  #fault(text: string): void {
    if (this.faults.length < findingsMax) this.faults.push(text)
  }

  /** P3, at this prefix of the journal. */
  #checkState(name: string, row: EventRow, state: unknown): void {
    if (name.startsWith("contact/")) {
      for (const lot of (state as ContactState).lots) {
        if (lot.remaining < 0n) this.#fault(`${name}/${row.seq} leaves lot ${lot.lotId} at ${lot.remaining}`)
      }
    } else if (name.startsWith("community/")) {
      for (const { memberId, terms, used } of (state as CommunityState).relations) {
        const max = terms.walletSharing.maxAmount
        if (used.amount < 0n || (max !== undefined && used.amount > max)) {
          this.#fault(`${name}/${row.seq}: ${memberId} has used ${used.amount} of ${max} in ${used.month}`)
        }
      }
    } else if (name.startsWith("purchase/")) {
      const purchase = state as PurchaseState
      this.purchases.set(row.id, purchase)
      const kept = purchase.state === "CANCELLED" && purchase.awards?.find(({ reversed }) => reversed === undefined)
      if (kept) this.#fault(`${name}/${row.seq} is cancelled, and award ${kept.awardId} stays given`)
    }
  }

  #keepBooks(row: EventRow, event: Event): void {
    const fault = this.books.enter(row.id, event)
    if (fault !== undefined) this.#fault(`${row.id}/${row.seq} ${event._tag}: ${fault}`)
    if (event._tag !== "DrawCounted") return
    this.countedDraws += 1
    const name = `${row.id}/${event.memberId}/${event.month}`
    const [used, max] = [this.books.months.get(name) ?? 0n, this.limitOf(name)]
    if (max === undefined || used <= max || this.monthFaults.length >= findingsMax) return
    this.monthFaults.push(`${row.id}/${row.seq}: ${event.memberId} has drawn ${used} of ${max} in ${event.month}`)
  }

  #countEffect(row: EventRow, event: Event, state: unknown): void {
    switch (event._tag) {
      case "FundsCredited":
      case "FundsDebited":
      case "FundsReturned": {
        const { reason } = event
        if (reason === "MANUAL_JOURNAL") {
          this.#effect(event.notes, event.notes, row, 1)
          const id = event._tag === "FundsCredited" ? event.lotId : event.entryId
          if (event.notes !== undefined && !this.#told.has(event.notes)) this.#told.set(event.notes, { id })
        } else if (reason === "WALLET_SHARING") {
          // What comes back may do so long after the answer.
          if (event._tag === "FundsDebited") this.#effect(undefined, event.purchaseId, row, 0)
        } else if (reason === "TRANSFER") {
          const notes = "notes" in event ? event.notes : undefined
          if (notes !== undefined) this.#told.set(notes, { id: event.transferId ?? "" })
          const count = event._tag === "FundsDebited" ? 1 : event._tag === "FundsReturned" ? -1 : 0
          this.#effect(notes, event.transferId, row, count)
        }
        return
      }
      case "PurchaseOpened":
      case "PurchasePosted":
      case "PurchaseRefused": {
        const { receipt, own, shared } = state as PurchaseState
        const mark = receipt?.referenceNumber
        if (mark !== undefined) {
          this.#told.set(mark, { id: row.id, spent: (own?.amount ?? 0n) + (shared?.amount ?? 0n) })
        }
        return this.#effect(mark, row.id, row, event._tag === "PurchasePosted" ? 1 : 0)
      }
      case "ContactRegistered": {
        const mark = event.profile.lastName
        if (mark !== undefined) this.#told.set(mark, { id: row.id })
        return this.#effect(mark, registrationOf(row.id), row, 1)
      }
      case "AwardGiven":
        this.#told.set(event.award.name, { id: event.award.awardId })
        return this.#effect(event.award.name, awardOf(row.id), row, 1)
      case "AwardReversed":
        return this.#effect(reversalOf(row.id), reversalOf(row.id), row, 1)
      case "PurchaseCancelled":
        return this.#effect(cancelOf(row.id), cancelOf(row.id), row, 1)
      default:
        return
    }
  }

  /** Counts under the id that its events share; the mark is on one of them only, and may be read later. */
  #effect(mark: string | undefined, id: string | undefined, row: EventRow, count: number): void {
    if (id === undefined) return
    if (mark !== undefined) this.#ids.set(mark, (this.#ids.get(mark) ?? new Set()).add(id))
    const effects = this.#effects.get(id) ?? { count: 0, spans: [] }
    effects.count += count
    const index = effects.spans.findIndex(({ key }) => key === row.key)
    const first = effects.spans[index]?.first ?? row.offset
    effects.spans[index < 0 ? effects.spans.length : index] = { key: row.key, first, last: row.offset }
    this.#effects.set(id, effects)
  }
}

/** Beside the cancels, transfers, awards and journals of the same id. */
const registrationOf = (contactId: string): string => `registration/${contactId}`
const cancelOf = (purchaseId: string): string => `cancel/${purchaseId}`
const awardOf = (awardId: string): string => `award/${awardId}`
const reversalOf = (awardId: string): string => `reversal/${awardId}`

/** What an operation did, whatever it was answered. */
export const effectsOf = ({ operation }: OperationRecord, fold: Fold): Effects => {
  const { kind, mark, purchaseId = "", awardId = "" } = operation
  if (kind === "cancel") return fold.effectsOf(cancelOf(purchaseId))
  return fold.effectsOf(kind === "reversal" ? reversalOf(awardId) : mark)
}
