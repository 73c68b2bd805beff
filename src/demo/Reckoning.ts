/**
 * The end of the story: who spent what from whose wallet, and the proof that no cent was made or lost. All of it is read
 * from the API at the end, not remembered from the way there.
 */
import * as Effect from "effect/Effect"
import type { Play } from "./Actions.ts"
import { check } from "./Actions.ts"
import { type PersonKey, personKeys } from "./Household.ts"
import { bare, money, same, sumOf } from "./Money.ts"
import { padEnd, padStart, type Line, type Screen } from "./Screen.ts"
import { nameOf } from "./Sentences.ts"
import * as Till from "./Till.ts"
import { readJournals, readStandings } from "./Wallets.ts"

const indent = " ".repeat(8)

const columns = ["Purchases", "Basket", "Μαρία's wallet", "Own wallet", "Own bread", "Cash"] as const
const nameCells = 8

const tableOf = (
  screen: Screen,
  rows: ReadonlyArray<readonly [string, ReadonlyArray<string>]>
): ReadonlyArray<string> => {
  const line = (name: string, cells: ReadonlyArray<string>): string =>
    `${indent}${padEnd(name, nameCells)}${cells.map((cell, at) => padStart(cell, (columns[at] ?? "").length + 2)).join("")}`
  return [screen.paint("bold", line("", columns)), ...rows.map(([name, cells]) => line(name, cells))]
}

const spendings = Effect.fnUntraced(function* ({ world, posted }: Play) {
  const purchases = yield* Till.readAll(
    world,
    [...posted.values()].map(({ id }) => id)
  )
  return purchases.map((purchase) => {
    const buyer = personKeys.find((key) => world.contacts[key].id === purchase.contact.id) ?? "maria"
    const { total } = purchase.transaction_amounts
    const cash = sumOf([total, -purchase.rewards.spend])
    return { buyer, state: purchase.state, total, cash, ...Till.paymentOf(purchase) }
  })
})
type Spending = Effect.Success<ReturnType<typeof spendings>>[number]

const rowOf = (all: ReadonlyArray<Spending>): ReadonlyArray<string> => {
  const standing = all.filter(({ state }) => state === "POSTED")
  const amount = (of: (spending: Spending) => number): string => bare(sumOf(standing.map(of)))
  return [
    String(standing.length),
    amount(({ total }) => total),
    amount(({ shared }) => shared),
    amount(({ own }) => own),
    amount(({ ownBread }) => ownBread),
    amount(({ cash }) => cash)
  ]
}

export const reckon = Effect.fnUntraced(function* (play: Play, screen: Screen) {
  const { world } = play
  const spent = yield* spendings(play)
  const of = (key: PersonKey) => spent.filter(({ buyer }) => buyer === key)
  yield* screen.say(
    { text: "" },
    { text: "Who spent what, from whose wallet (EUR, cancelled purchases left out)", tone: "bold" }
  )
  yield* screen.print(
    tableOf(screen, [...personKeys.map((key) => [nameOf(key), rowOf(of(key))] as const), ["together", rowOf(spent)]])
  )

  const journals = (yield* Effect.forEach(personKeys, (key) => readJournals(world, key))).flat()
  const amountOf = (type: "CREDIT" | "DEBIT"): number =>
    sumOf(journals.filter((journal) => journal.type === type).map(({ amount }) => amount))
  const standings = yield* readStandings(world)
  const balances = sumOf(personKeys.flatMap((key) => [standings[key].open, standings[key].bread]))
  const lots = sumOf(journals.map(({ unallocated_amount }) => unallocated_amount ?? 0))
  const putIn = sumOf(
    journals.filter(({ transaction_type }) => transaction_type === "MANUAL_JOURNAL").map(({ amount }) => amount)
  )
  const paid = sumOf(
    spent.filter(({ state }) => state === "POSTED").flatMap(({ shared, own, ownBread }) => [shared, own, ownBread])
  )
  const [credits, debits] = [amountOf("CREDIT"), amountOf("DEBIT")]
  const proof = (text: string, holds: boolean): ReadonlyArray<Line> => [
    { mark: holds ? "✓" : "✗", markTone: holds ? "good" : "bad", text },
    ...check(play, holds, `this does not add up: ${text}`)
  ]
  yield* screen.say(
    { text: "" },
    { text: `The proof, from the ${journals.length} journals of the three wallets`, tone: "bold" },
    ...proof(
      `Σ credits ${bare(credits)} − Σ debits ${bare(debits)} = Σ balances ${money(balances)}`,
      same(sumOf([credits, -debits]), balances)
    ),
    ...proof(`Σ of what is left in the lots ${bare(lots)} = Σ balances ${money(balances)}`, same(lots, balances)),
    ...proof(
      `put in ${bare(putIn)} − spent at the tills ${bare(paid)} = Σ balances ${money(balances)}`,
      same(sumOf([putIn, -paid]), balances)
    )
  )
})
