/**
 * Does what a step of the story says, through the door that whoever does it would use, and compares the answer with what
 * the story expects. What differs is noted; the story goes on.
 */
import { postWalletJournal } from "#http/backoffice/WalletsApi.ts"
import type { Purchase } from "#http/resource/Purchase.ts"
import * as People from "#http/selfservice/PeopleApi.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Answered, DemoStopped, Problem } from "./Client.ts"
import { business, people, type PersonKey } from "./Household.ts"
import { bare, money, same, sumOf } from "./Money.ts"
import type { World } from "./Opening.ts"
import type { Line } from "./Screen.ts"
import { nameOf, paymentOf, refusalOf, saleOf, timeOf } from "./Sentences.ts"
import type { Action, Payment, Sale, Standings } from "./Story.ts"
import * as Till from "./Till.ts"
import { eventually, leftOf } from "./Wallets.ts"

type Of<Kind extends Action["kind"]> = Extract<Action, { readonly kind: Kind }>
type Lines = ReadonlyArray<Line>

/** What the play has come to. */
export interface Play {
  readonly world: World
  /** By receipt. */
  readonly posted: Map<number, Purchase>
  readonly relationships: Map<PersonKey, string>
  /** Of what happened from the story. */
  readonly differences: Array<string>
  /** What the story says of the wallets, so far. */
  standings: Standings
}

const done = (text: string): Line => ({ mark: "✓", markTone: "good", text })
const counter = (sale: Sale): Line => ({ text: saleOf(sale) })

/** Notes what is not so, for the screen and for the end. */
export const check = ({ differences }: Play, holds: boolean, what: string): Lines => {
  if (holds) return []
  differences.push(what)
  return [{ mark: "≠", markTone: "bad", text: what, tone: "bad" }]
}

const refused = ({ status, error }: Problem, elapsedMs: number): Line => ({
  mark: "✗",
  markTone: "bad",
  text: `refused: ${status} ${error} ${timeOf(elapsedMs)}`,
  tone: "bad"
})

const credit = Effect.fnUntraced(function* ({ world }: Play, { to, amount, pocket }: Of<"credit">) {
  yield* world.client.get(postWalletJournal, world.shop, {
    params: { id: world.contacts[to].id },
    body: {
      action: "CREDIT",
      amount,
      currency_code: business.currency,
      ...(pocket === "bread" && { commerce_pool_id: world.breadPoolId })
    }
  })
  return [done(pocket === "bread" ? `${money(amount)}, for bread alone` : money(amount))]
})

const share = Effect.fnUntraced(function* (play: Play, { with: member, monthly }: Of<"share">) {
  const { client, contacts } = play.world
  const { firstName: first_name, lastName: last_name, phone } = people[member]
  const { maria, [member]: invited } = contacts
  const { id } = yield* client.get(People.invitePerson, maria.app, {
    params: { id: maria.id },
    body: {
      phone: { country_code: business.country, number: phone },
      contact: { first_name, last_name },
      wallet_sharing: { is_enabled: true, method: "AUTO", max_amount: monthly }
    }
  })
  yield* client.get(People.answerInvitation, invited.app, {
    params: { id: invited.id, relationship_id: id },
    body: { action: "ACCEPT" }
  })
  play.relationships.set(member, id)
  if (invited.live !== undefined) yield* invited.live.follow(`community/${maria.id}`)
  return [done(`${nameOf(member)} may take up to ${money(monthly)} a month from ${nameOf("maria")}'s wallet`)]
})

const changeLimit = Effect.fnUntraced(function* ({ world, relationships }: Play, { of, monthly }: Of<"change limit">) {
  const { maria } = world.contacts
  yield* world.client.get(People.updatePerson, maria.app, {
    params: { id: maria.id, relationship_id: relationships.get(of) ?? "" },
    body: { wallet_sharing: { is_enabled: true, method: "AUTO", max_amount: monthly } }
  })
  return [done(`${nameOf(of)} may take up to ${money(monthly)} a month from now on`)]
})

/** A purchase that was posted, and paid as the story expects. */
const posted = (play: Play, sale: Sale, expected: Payment, { outcome, elapsedMs }: Answered<Purchase>): Lines => {
  const what = `receipt ${sale.receipt} was to be paid: ${paymentOf(sale.buyer, expected, 0)}`
  if (Result.isFailure(outcome)) return [refused(outcome.failure, elapsedMs), ...check(play, false, what)]
  const purchase = outcome.success
  const rest = sumOf([Till.totalOf(sale.basket), -purchase.rewards.spend])
  return [
    done(`paid: ${paymentOf(sale.buyer, Till.paymentOf(purchase), rest)} ${timeOf(elapsedMs)}`),
    ...check(play, Till.isPaidAs(purchase, expected), what)
  ]
}

/** A refusal with the status and, where it is about money, the numbers and the reason that the story expects. */
const declined = (play: Play, action: Omit<Of<"refused sale">, "kind">, answered: Answered<unknown>): Lines => {
  const { sale, status, available, reason } = action
  const { outcome, elapsedMs } = answered
  const numbers = available === undefined ? "" : `, ${bare(available)} available, ${reason ?? ""}`
  const what = `receipt ${sale.receipt} was to be refused: ${status}${numbers}`
  if (Result.isSuccess(outcome)) return check(play, false, what)
  const { parameters, detail } = outcome.failure
  const isAboutMoney =
    parameters["requested"] === Till.totalOf(sale.basket) &&
    parameters["available"] === available &&
    parameters["shared_reason"] === reason
  return [
    refused(outcome.failure, elapsedMs),
    { text: `“${detail}”` },
    { text: refusalOf(outcome.failure, sale.buyer, play.standings), tone: "warm" },
    ...check(play, outcome.failure.status === status && (available === undefined || isAboutMoney), what)
  ]
}

const sell = Effect.fnUntraced(function* (play: Play, { sale, paid, repeatOf }: Of<"sale">) {
  const answered = yield* Till.post(play.world, sale)
  const lines = [counter(sale), ...posted(play, sale, paid, answered)]
  if (Result.isFailure(answered.outcome)) return lines
  const purchase = answered.outcome.success
  if (repeatOf === undefined) {
    play.posted.set(sale.receipt, purchase)
    return lines
  }
  const isThatOne = play.posted.get(repeatOf)?.id === purchase.id
  const told: Line = { text: "It is the same purchase and the same answer: nothing is taken twice.", tone: "warm" }
  return [...lines, told, ...check(play, isThatOne, `receipt ${repeatOf} was to be one purchase, and is two`)]
})

const decline = Effect.fnUntraced(function* (play: Play, action: Of<"refused sale">) {
  const answered = yield* Till.post(play.world, action.sale)
  return [counter(action.sale), ...declined(play, action, answered)]
})

const cancel = Effect.fnUntraced(function* (play: Play, { receipt }: Of<"cancel">) {
  const { world } = play
  const purchase = play.posted.get(receipt)
  const lot = purchase?.spend_breakdown[0]
  if (purchase === undefined || lot === undefined) return check(play, false, `receipt ${receipt} was not paid`)
  const before = yield* leftOf(world, "maria", lot.lot_id)
  const { outcome, elapsedMs } = yield* Till.cancel(world, purchase.id)
  if (Result.isFailure(outcome)) {
    return [refused(outcome.failure, elapsedMs), ...check(play, false, `receipt ${receipt} was to be cancelled`)]
  }
  play.posted.set(receipt, outcome.success)
  const whole = sumOf([before ?? 0, purchase.rewards.spend])
  const isBack = (left: number | undefined): boolean => left !== undefined && same(left, whole)
  const after = yield* eventually(leftOf(world, "maria", lot.lot_id), isBack)
  return [
    done(`cancelled ${timeOf(elapsedMs)}`),
    {
      text: `${money(lot.amount)} are back in the very lot they came from: it had ${money(before ?? 0)} left, it has ${money(after ?? 0)}`
    },
    ...check(play, isBack(after), `${money(whole)} were to be left in the lot that paid receipt ${receipt}`)
  ]
})

/** Both at once; which of the two is first is chance, that there is one is not. */
const race = Effect.fnUntraced(function* (play: Play, { sales, paid, available, reason }: Of<"race">) {
  const answers = yield* Effect.forEach(
    sales,
    (sale) => Effect.map(Till.post(play.world, sale), (answered) => ({ sale, answered })),
    { concurrency: "unbounded" }
  )
  const covered = answers.filter(({ answered }) => Result.isSuccess(answered.outcome))
  const others = answers.filter(({ answered }) => Result.isFailure(answered.outcome))
  for (const { sale, answered } of covered) {
    if (Result.isSuccess(answered.outcome)) play.posted.set(sale.receipt, answered.outcome.success)
  }
  return [
    ...sales.map(counter),
    ...covered.flatMap(({ sale, answered }) => posted(play, sale, paid, answered)),
    ...others.flatMap(({ sale, answered }) => declined(play, { sale, status: 400, available, reason }, answered)),
    ...(covered.length === 1
      ? [{ text: "Exactly one of the two is covered, whichever was first.", tone: "warm" as const }]
      : []),
    ...check(play, covered.length === 1, `one of two was to be covered, and ${covered.length} were`)
  ]
})

/** What is to be seen of it. */
export const perform = (play: Play, action: Action): Effect.Effect<Lines, DemoStopped> => {
  switch (action.kind) {
    case "credit":
      return credit(play, action)
    case "share":
      return share(play, action)
    case "change limit":
      return changeLimit(play, action)
    case "sale":
      return sell(play, action)
    case "refused sale":
      return decline(play, action)
    case "cancel":
      return cancel(play, action)
    case "race":
      return race(play, action)
  }
}
