/**
 * The people of a run: households of an owner who shares her wallet and members who draw on it, made through the
 * back-office door, and what their tills, apps and back office ask for. Amounts are small against the number of requests
 * and about as much comes in as goes out, so that wallets are often empty and limits often reached.
 */
import { randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import type { Chance } from "./Chance.ts"
import { inParallel } from "./Client.ts"
import type { Bearer, Kind, Operation, Record as OperationRecord } from "./Operation.ts"
import type { Target } from "./Target.ts"

export interface Person extends Bearer {
  /** Of the owner whose wallet is shared with her. */
  readonly ownerId: string | undefined
}

/** An owner and up to three members. */
const householdSize = 4
const arrangingAtOnce = 8
const arrangeTimeoutMs = 60_000
const arrangeAgainMs = 100
const limitsInEuros = [30, 100, 400, 2_000]
const country = "CYP"
const currency = "EUR"
/** What purchases name, so that the catalogue has rows to be rebuilt (P9). */
const skus = 40
const classifications = 7
const firstPhone = 99_000_000

/** Who the people are, and what they ask for how often. */
export interface Population {
  /** What is known of the nth person beside her name and her phone. */
  readonly detailsOf: (nth: number) => Readonly<Record<string, unknown>>
  readonly weights: ReadonlyArray<readonly [kind: Kind, weight: number]>
}

const weights: Population["weights"] = [
  ["credit", 24],
  ["debit", 12],
  ["purchase", 12],
  ["shared purchase", 32],
  ["cancel", 8],
  ["transfer", 12],
  ["award", 8],
  ["reversal", 3]
]
const customers: Population = { detailsOf: () => ({}), weights }
/** One wallet and its household get that part of all requests. */
const hotShare = 0.15
const laterShare = 0.05
const centsForEach = 100

const textOf = (answer: unknown, ...names: ReadonlyArray<string>): string => {
  let value: unknown = answer
  for (const name of names) {
    value = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
  }
  if (typeof value === "string" && value !== "") return value
  throw new Error(`${names.join(".")} is missing in ${JSON.stringify(answer).slice(0, 300)}`)
}

/** Where it is put off, by a machine that does much else, it is asked again under the same key. */
const arrange = async (target: Target, path: string, body: object): Promise<unknown> => {
  const key = randomUUID()
  const deadline = performance.now() + arrangeTimeoutMs
  while (true) {
    const answer = await fetch(`${target.door()}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", api_key: target.apiKey, "idempotency-key": key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(arrangeTimeoutMs)
    })
    const text = await answer.text()
    const isPutOff = answer.status === 202 || answer.status === 503 || text.includes("KOINON.STILL_RUNNING")
    if (answer.ok && !isPutOff) return text === "" ? {} : JSON.parse(text)
    if (!isPutOff || performance.now() > deadline) {
      throw new Error(`POST ${path} answered ${answer.status} ${text.slice(0, 500)}`)
    }
    await pause(arrangeAgainMs)
  }
}

const awardsOf = (contactId: string): string => `/backoffice/v2/contacts/${contactId}/awards`

export class World {
  readonly people: ReadonlyArray<Person>
  readonly #storeId: string
  readonly #chance: Chance
  readonly #population: Population
  readonly #members: ReadonlyArray<Person>
  readonly #hot: ReadonlyArray<Person>
  readonly #cancellable: Array<{ readonly id: string; readonly contactId: string }> = []
  /** Those of a purchase go with that. */
  readonly #reversible: Array<{ readonly id: string; readonly contactId: string }> = []
  #count = 0
  #registered = 0

  constructor(people: ReadonlyArray<Person>, storeId: string, chance: Chance, population: Population) {
    this.people = people
    this.#storeId = storeId
    this.#chance = chance
    this.#population = population
    this.#members = people.filter(({ ownerId }) => ownerId !== undefined)
    const hotOwner = people[0]?.id
    this.#hot = people.filter(({ id, ownerId }) => id === hotOwner || ownerId === hotOwner)
  }

  /** The next request of somebody. */
  next(): Operation {
    const kind = this.#kind()
    const mark = this.#mark()
    const prefersLater = this.#chance.happens(laterShare)
    const request = this.#request(kind, mark)
    return request === undefined ? this.next() : { mark, kind, prefersLater, ...request }
  }

  /** Something for each of them, so that no shard of theirs is left out. */
  forEach(people: ReadonlyArray<Person>): ReadonlyArray<Operation> {
    return people.map((person) => {
      const mark = this.#mark()
      return { mark, kind: "credit", ...this.#journal("CREDIT", mark, centsForEach, person) }
    })
  }

  /** What was posted may be cancelled later, and what was given taken back. */
  posted({ operation: { kind }, answer }: OperationRecord): void {
    if ((kind !== "award" && !kind.endsWith("purchase")) || answer?.status !== 201) return
    const said = JSON.parse(answer.body)
    const made = { id: textOf(said, "id"), contactId: textOf(said, "contact", "id") }
    if (kind !== "award") this.#cancellable.push(made)
    else if (said.purchase_id === undefined) this.#reversible.push(made)
  }

  #mark(): string {
    return `chaos-${++this.#count}-${this.#chance.integer(0, 2 ** 31).toString(36)}`
  }

  #kind(): Kind {
    const { weights } = this.#population
    let rest = this.#chance.next() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [kind, weight] of weights) {
      rest -= weight
      if (rest < 0) return kind
    }
    return "credit"
  }

  #person(from: ReadonlyArray<Person>): Person {
    const hot = this.#hot.filter((person) => from.includes(person))
    return this.#chance.pick(hot.length > 0 && this.#chance.happens(hotShare) ? hot : from)
  }

  #request(kind: Kind, mark: string): Omit<Operation, "mark" | "kind"> | undefined {
    switch (kind) {
      case "credit":
        return this.#journal("CREDIT", mark, this.#chance.integer(100, 2_500))
      case "debit":
        return this.#journal("DEBIT", mark, this.#chance.integer(100, 2_000))
      case "purchase":
        return this.#purchase(this.#person(this.people.filter(({ ownerId }) => ownerId === undefined)), mark)
      case "shared purchase":
        return this.#purchase(this.#person(this.#members), mark)
      case "cancel": {
        const at = this.#chance.integer(0, this.#cancellable.length - 1)
        const [purchase] = this.#cancellable.splice(at, 1)
        if (purchase === undefined) return undefined
        return { path: `/backoffice/v2/purchases/${purchase.id}/cancel`, body: "", purchaseId: purchase.id }
      }
      case "award":
        return this.#award(mark)
      case "reversal": {
        const [award] = this.#reversible.splice(this.#chance.integer(0, this.#reversible.length - 1), 1)
        if (award === undefined) return undefined
        const path = `${awardsOf(award.contactId)}/${award.id}/actions`
        return { path, body: JSON.stringify({ action: "REVERSE" }), awardId: award.id }
      }
      case "transfer":
        return this.#transfer(mark)
      case "registration": {
        const body = { type: "PERSON", first_name: "Νίκος", last_name: mark }
        const details = this.#population.detailsOf(this.people.length + this.#registered++)
        return { path: "/backoffice/v2/contacts", body: JSON.stringify({ ...body, ...details }) }
      }
    }
  }

  #journal(action: "CREDIT" | "DEBIT", mark: string, cents: number, person?: Person) {
    const { id } = person ?? this.#person(this.people)
    const body = JSON.stringify({ action, amount: cents / 100, currency_code: currency, notes: mark })
    return { path: `/backoffice/v2/wallets/${id}/journals`, body }
  }

  /** Half of them ask for a part, half for all of it; half of them will have all or nothing. */
  #purchase(buyer: Person, mark: string) {
    const cents = this.#chance.integer(50, 3_000)
    const spend = this.#chance.happens(0.5) ? { amount: this.#chance.integer(1, cents) / 100 } : {}
    const body = JSON.stringify({
      contact: { id: buyer.id },
      organisation: { id: this.#storeId },
      reference_number: mark,
      transaction_amounts: { total: cents / 100 },
      currency_code: currency,
      products: [
        {
          product_sku: { sku: `SKU-${cents % skus}`, name: `Product ${cents % skus}` },
          quantity: 1,
          total_amount: cents / 100
        }
      ],
      classification: { name: `Kind ${cents % classifications}` },
      spend_request: { ...spend, restrict_fully_covered: this.#chance.happens(0.5) }
    })
    return { path: "/backoffice/v2/purchases", body }
  }

  /** Half of them for a purchase that may be cancelled later: an amount, or a part of it. */
  #award(mark: string) {
    const cents = this.#chance.integer(1, 500)
    const purchase = this.#chance.happens(0.5) ? this.#cancellable.at(-1) : undefined
    const contactId = purchase?.contactId ?? this.#person(this.people).id
    const worth = purchase !== undefined && cents % 2 === 0 ? { percent: cents / 10 } : { amount: cents / 100 }
    const body = { name: mark, ...worth, ...(purchase !== undefined && { purchase_id: purchase.id }) }
    return { path: awardsOf(contactId), body: JSON.stringify(body) }
  }

  #transfer(mark: string) {
    const origin = this.#person(this.people)
    const others = this.people.filter((person) => person !== origin)
    const namesItself = this.#chance.happens(0.5)
    const body = JSON.stringify({
      ...(namesItself ? { id: randomUUID() } : {}),
      origin: { wallet_id: origin.id },
      destination: { wallet_id: this.#person(others).id },
      amount: this.#chance.integer(10, 1_000) / 100,
      notes: mark
    })
    return { path: "/self-service/v2/transfers", body, bearer: origin, namesItself }
  }
}

const makePerson = async (
  target: Target,
  index: number,
  ownerId: string | undefined,
  { detailsOf }: Population
): Promise<Person> => {
  const number = String(firstPhone + index)
  const made = await arrange(target, "/backoffice/v2/contacts", {
    type: "PERSON",
    first_name: "Ελένη",
    last_name: `Χριστοδούλου ${index}`,
    phone: { type: "MOBILE", country_code: country, number },
    ...detailsOf(index)
  })
  const id = textOf(made, "id")
  const walletId = textOf(made, "wallet", "id")
  if (walletId !== id) throw new Error(`contact ${id} has wallet ${walletId}: they are meant to have one id`)
  const access = await arrange(target, `/backoffice/v2/contacts/${id}/access_token`, {})
  return { id, token: textOf(access, "access_token"), ownerId }
}

/** Makes `keys` people, in households that share the owner's wallet with different limits. */
export const settle = async (
  target: Target,
  keys: number,
  chance: Chance,
  population: Population = customers
): Promise<World> => {
  const households = Array.from({ length: Math.max(1, Math.ceil(keys / householdSize)) }, (_, index) => index)
  const people: Array<Person> = []
  await inParallel(households, arrangingAtOnce, async (household) => {
    const first = household * householdSize
    const owner = await makePerson(target, first, undefined, population)
    people.push(owner)
    for (let index = first + 1; index < Math.min(first + householdSize, Math.max(keys, 2)); index++) {
      people.push(await makePerson(target, index, owner.id, population))
      await arrange(target, `/backoffice/v2/contacts/${owner.id}/people`, {
        phone: { country_code: country, number: String(firstPhone + index) },
        wallet_sharing: { is_enabled: true, method: "AUTO", max_amount: limitsInEuros[index % limitsInEuros.length] }
      })
    }
  })
  return new World(people, target.storeId, chance, population)
}
