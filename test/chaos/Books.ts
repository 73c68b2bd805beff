/**
 * A second set of books, kept from the amounts in the events alone: what came in and went out (P4), and for each draw and
 * each transfer what is under way (P10). It shares no code with the wallets that it is compared with.
 */
import type { Event } from "#domain/Event.ts"

/** One draw on a shared wallet, or one transfer: every amount is entered once at most. */
interface Journey {
  sent: bigint
  arrived: bigint
  givenUp: bigint
  returned: bigint
}

/** Where a transfer went, and its place among all that was sent and all that arrived. */
interface Route {
  readonly from: string
  readonly sent: number
  readonly to: string | undefined
  readonly arrived: number
}

type Leg = keyof Journey

export class Books {
  credits = 0n
  debits = 0n
  readonly draws = new Map<string, Journey & { readonly purchaseId: string; counted: bigint }>()
  readonly transfers = new Map<string, Journey>()
  readonly #routes = new Map<string, Route>()
  #entries = 0
  /** What each member has drawn in each month at each owner's, by `owner/member/month`. */
  readonly months = new Map<string, bigint>()

  /** Money that has left one wallet and reached neither a payment nor another wallet. */
  get inTransit(): bigint {
    let total = 0n
    for (const journey of [...this.draws.values(), ...this.transfers.values()]) {
      total += journey.sent - journey.arrived + journey.givenUp - journey.returned
    }
    return total
  }

  /** Returns what cannot be, in words. */
  enter(streamId: string, event: Event): string | undefined {
    switch (event._tag) {
      case "FundsCredited":
        if (event.reason === "TRANSFER") {
          this.#leg(streamId, event.transferId, "arrived")
          return this.#transfer(event.transferId, "arrived", event.amount)
        }
        this.credits += event.amount
        return
      case "FundsDebited": {
        const { drawId, purchaseId } = event
        if (event.reason === "TRANSFER") {
          this.#leg(streamId, event.transferId, "sent")
          return this.#transfer(event.transferId, "sent", event.amount)
        }
        if (event.reason === "WALLET_SHARING") return this.#draw(drawId, purchaseId, "sent", event.amount)
        this.debits += event.amount
        return
      }
      case "FundsReturned": {
        const { drawId, purchaseId } = event
        if (event.reason === "TRANSFER") return this.#transfer(event.transferId, "returned", event.amount)
        return this.#draw(drawId, purchaseId, "returned", event.amount)
      }
      case "PurchasePaid":
      case "PurchaseReversed": {
        const { own, shared, purchaseId } = event
        const isPaid = event._tag === "PurchasePaid"
        const amount = (own?.amount ?? 0n) + (shared?.amount ?? 0n)
        if (isPaid) this.debits += amount
        else this.credits += amount
        if (shared === undefined) return
        return this.#draw(shared.drawId, purchaseId, isPaid ? "arrived" : "givenUp", shared.amount)
      }
      case "DrawCounted":
      case "DrawUncounted":
        return this.#count(streamId, event)
      default:
        return
    }
  }

  /** What one wallet sent another arrives in the order in which it was sent (P8). Each stream was entered in its order. */
  overtakings(): ReadonlyArray<string> {
    const faults: Array<string> = []
    const last = new Map<string, readonly [id: string, arrived: number]>()
    const routes = [...this.#routes].toSorted(([, left], [, right]) => left.sent - right.sent)
    for (const [id, { from, to, sent, arrived }] of routes) {
      if (to === undefined || sent === 0) continue
      const [before, place] = last.get(`${from}/${to}`) ?? ["", 0]
      if (arrived < place) faults.push(`transfer ${id} was sent after ${before} and arrived before it`)
      last.set(`${from}/${to}`, [id, arrived])
    }
    return faults
  }

  /** Its two ends are in different shards, so either may be entered first. */
  #leg(wallet: string, id: string | undefined, leg: "sent" | "arrived"): void {
    if (id === undefined) return
    this.#entries += 1
    const route = this.#routes.get(id) ?? { from: "", sent: 0, to: undefined, arrived: 0 }
    const known = leg === "sent" ? { from: wallet, sent: this.#entries } : { to: wallet, arrived: this.#entries }
    this.#routes.set(id, { ...route, ...known })
  }

  #count(ownerId: string, event: Extract<Event, { readonly _tag: "DrawCounted" | "DrawUncounted" }>) {
    const { drawId, memberId, month, amount } = event
    const draw = this.draws.get(drawId)
    if (draw === undefined) return `draw ${drawId} is counted before it is debited`
    const change = event._tag === "DrawCounted" ? amount : -amount
    draw.counted += change
    if (draw.counted < 0n || draw.counted > draw.sent) return `draw ${drawId} is counted as ${draw.counted}`
    const name = `${ownerId}/${memberId}/${month}`
    this.months.set(name, (this.months.get(name) ?? 0n) + change)
    return
  }

  #draw(drawId: string | undefined, purchaseId: string | undefined, leg: Leg, amount: bigint): string | undefined {
    if (drawId === undefined || purchaseId === undefined) return "it names no draw or no purchase"
    const draw = this.draws.get(drawId) ?? { sent: 0n, arrived: 0n, givenUp: 0n, returned: 0n, counted: 0n, purchaseId }
    if (draw.purchaseId !== purchaseId) return `draw ${drawId} is of ${draw.purchaseId} and of ${purchaseId}`
    this.draws.set(drawId, draw)
    return travel(draw, leg, amount, `draw ${drawId}`)
  }

  #transfer(transferId: string | undefined, leg: Leg, amount: bigint): string | undefined {
    if (transferId === undefined) return "it names no transfer"
    const transfer = this.transfers.get(transferId) ?? { sent: 0n, arrived: 0n, givenUp: 0n, returned: 0n }
    this.transfers.set(transferId, transfer)
    return travel(transfer, leg, amount, `transfer ${transferId}`)
  }
}

const travel = (journey: Journey, leg: Leg, amount: bigint, name: string): string | undefined => {
  if (journey[leg] !== 0n) return `${name} has ${leg} twice`
  journey[leg] = amount
  return undefined
}
