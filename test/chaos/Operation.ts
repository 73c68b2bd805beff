/**
 * One thing that a client asks for, and what it was told. An operation carries a mark that ends up in the events it
 * causes (a receipt's reference number, a journal's notes, an award's name, a new contact's last name), so that its effects are counted without knowing how Koinon
 * derives its ids.
 */
export type Kind =
  | "credit"
  | "debit"
  | "purchase"
  | "shared purchase"
  | "cancel"
  | "transfer"
  | "registration"
  | "award"
  | "reversal"

/** Who asks with a token of her own. It is replaced when it has expired. */
export interface Bearer {
  readonly id: string
  token: string
}

export interface Operation {
  /** Also its Idempotency-Key, unless it names itself. */
  readonly mark: string
  /** Its body has an id that makes it repeatable. */
  readonly namesItself?: boolean
  readonly kind: Kind
  readonly path: string
  readonly body: string
  /** A contact who asks herself; absent for the back office. */
  readonly bearer?: Bearer
  /** The purchase that is cancelled. */
  readonly purchaseId?: string
  /** The award that is taken back. */
  readonly awardId?: string
  /** Its first request asks to be answered before it is done (202). */
  readonly prefersLater?: boolean
}

export interface Exchange {
  readonly status: number
  readonly body: string
  readonly replayed: boolean
}

/**
 * What an exchange says about the fate of the operation: it took effect, it was refused for good, or nobody knows and it
 * has to be asked again with the same key.
 */
export type Verdict = "done" | "refused" | "unknown"

/** Problems after which the same request with the same key may still take effect. */
const undecided = /"error":"KOINON\.(STILL_RUNNING|BUSY|DEADLINE_PASSED|MOVED|UNAVAILABLE|NOT_ANSWERED_IN_TIME)"/

export const verdictOf = (exchange: Exchange | undefined): Verdict => {
  if (exchange === undefined || exchange.status >= 500 || exchange.status === 429) return "unknown"
  if (exchange.status >= 200 && exchange.status < 300) return exchange.status === 202 ? "unknown" : "done"
  return undecided.test(exchange.body) ? "unknown" : "refused"
}

/** An operation with all that its clients saw. Times are of one monotonic clock, in milliseconds. */
export interface Record {
  readonly operation: Operation
  readonly round: number
  readonly invokedAt: number
  /** When the first answer that says its fate came back. */
  returnedAt: number
  /** That answer. */
  answer: Exchange | undefined
  /** When it was accepted before it was done. */
  acceptedAt: number | undefined
  sent: number
  /** Answers that differ from the first, and answers that should not exist. */
  readonly oddities: Array<string>
}

export const describe = ({ status, body }: Exchange): string => `${status} ${body.slice(0, 600)}`

/** Takes in one more answer to the operation. */
export const note = (record: Record, exchange: Exchange | undefined): Verdict => {
  record.sent += 1
  const verdict = verdictOf(exchange)
  if (exchange === undefined) return verdict
  if (exchange.status === 500 || exchange.status === 401) record.oddities.push(`it was answered ${describe(exchange)}`)
  if (exchange.status === 202) record.acceptedAt ??= performance.now()
  if (verdict === "unknown") return verdict
  const first = record.answer
  if (first === undefined) {
    record.answer = exchange
    record.returnedAt = performance.now()
  } else if (first.status !== exchange.status || first.body !== exchange.body) {
    record.oddities.push(`first it was answered ${describe(first)}, then ${describe(exchange)}`)
  }
  return verdict
}
