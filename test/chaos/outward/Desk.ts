/**
 * Whoever decides what waits for approval, and asks for changes that do: by the id of what waits, so that a verdict whose answer
 * got lost is said again and not turned round. What was decided is kept, to be held against the journal.
 */
import type { Ask } from "./Standing.ts"

export type Verdict = "APPROVED" | "REJECTED"

const approvals = "/backoffice/v2/approvals"
const pageSize = 200

/** Every other one, by the last digit of its id. */
const verdictOn = (id: string): Verdict => (Number.parseInt(id.at(-1) ?? "0", 16) % 2 === 0 ? "APPROVED" : "REJECTED")

export class Desk {
  /** Of runs and of changes that were held. */
  readonly decisions = new Map<string, Verdict>()
  /** Changes that were asked for; each is held. */
  changes = 0
  readonly #ask: Ask
  readonly #underWay: Array<Promise<unknown>> = []

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** While other things go on. */
  begin(work: Promise<unknown>): void {
    // Whoever waits for it hears of its failure.
    work.catch(() => undefined)
    this.#underWay.push(work)
  }

  async over(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** Of her name, to one that she never had; held, and decided. */
  async change(contact: string): Promise<void> {
    this.changes += 1
    await this.#ask("PUT", `/backoffice/v2/contacts/${contact}`, { last_name: `Change ${this.changes}` })
    await this.decideAll()
  }

  /** All that waits now; how many that were. */
  async decideAll(): Promise<number> {
    const { content } = await this.#ask("GET", `${approvals}?state=PENDING&size=${pageSize}`)
    const waiting = content as ReadonlyArray<{ readonly id: string }>
    for (const { id } of waiting) {
      const verdict = verdictOn(id)
      this.decisions.set(id, verdict)
      await this.#ask("POST", `${approvals}/${id}/${verdict === "APPROVED" ? "approve" : "reject"}`, {})
    }
    return waiting.length
  }
}
