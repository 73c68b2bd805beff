/** How the demo says things: what is on the counter, what was answered and why, and what an app was told. */
import type { FeedEvent } from "#http/live/FeedEvents.ts"
import type { Problem } from "./Client.ts"
import { type Basket, type Euros, people, type PersonKey, personKeys, strangersCard, venues } from "./Household.ts"
import { money, same, sumOf } from "./Money.ts"
import type { World } from "./Opening.ts"
import type { Payment, Sale, Standing, Standings } from "./Story.ts"
import { totalOf } from "./Till.ts"

/** After what it took, in one piece with it. */
export const timeOf = (elapsedMs: number): string => `·\u00a0${Math.max(1, Math.round(elapsedMs))}\u00a0ms`

export const nameOf = (key: PersonKey): string => people[key].firstName

export const cardShown = (card: string): string => `card ···· ${card.slice(-4)}`
/** As it is written in Cyprus: the country's code, then two and six digits. */
export const phoneShown = (e164: string): string => `${e164.slice(0, 4)} ${e164.slice(4, 6)} ${e164.slice(6)}`

const shownOf = ({ buyer, shows }: Sale): string => {
  const { phone, card = "", loyaltyIdentifier = "" } = people[buyer]
  switch (shows) {
    case "phone":
      return `phone ${phoneShown(phone)}`
    case "card":
      return cardShown(card)
    case "loyalty card":
      return `loyalty card ${loyaltyIdentifier}`
    case "wallet code":
      return "wallet code"
    case "stranger's card":
      return cardShown(strangersCard)
  }
}

const basketOf = (basket: Basket): string =>
  basket.map(({ product, quantity }) => `${quantity} × ${product.name}`).join(", ")

export const saleOf = (sale: Sale): string => {
  const wish = sale.allOrNothing === true ? ", all of it by wallet or nothing" : ""
  return `${venues[sale.at].name}, ${shownOf(sale)}: ${basketOf(sale.basket)} = ${money(totalOf(sale.basket))}${wish}`
}

export const paymentOf = (buyer: PersonKey, { shared = 0, own = 0, ownBread = 0 }: Payment, rest: number): string =>
  [
    shared === 0 ? "" : `${money(shared)} from ${nameOf("maria")}'s wallet`,
    ownBread === 0 ? "" : `${money(ownBread)} of ${nameOf(buyer)}'s bread money`,
    own === 0 ? "" : `${money(own)} from ${nameOf(buyer)}'s own wallet`,
    rest === 0 ? "" : `${money(rest)} is left to pay in cash`
  ]
    .filter((part) => part !== "")
    .join(", ")

const shortfallOf = (reason: unknown, shared: Euros, buyer: PersonKey, standings: Standings): string => {
  const { used, limit } = standings[buyer].month ?? { used: 0, limit: 0 }
  const gives = `${nameOf("maria")}'s wallet gives ${money(shared)}`
  switch (reason) {
    case "limit_reached":
      return `${gives}, because ${money(used)} of ${nameOf(buyer)}'s ${money(limit)} a month are used`
    case "no_funds":
      return `${gives}, because that is all that is left in it`
    default:
      return `${gives} (${String(reason)})`
  }
}

const ownOf = (buyer: PersonKey, { open, bread }: Standing): string => {
  if (open === 0 && bread === 0) return `${nameOf(buyer)}'s own wallet is empty`
  return bread > 0 && open === 0
    ? `the ${money(bread)} of ${nameOf(buyer)}'s own wallet buy bread only`
    : `${nameOf(buyer)}'s own wallet has ${money(open)}`
}

/** Why a sale was not covered, from the reason in the answer and what everybody can see of the wallets. */
export const refusalOf = ({ parameters }: Problem, buyer: PersonKey, standings: Standings): string => {
  const { shared, shared_reason } = parameters
  if (typeof shared !== "number") return "No purchase was posted, and nothing was taken."
  return `Why: ${shortfallOf(shared_reason, shared, buyer, standings)}; ${ownOf(buyer, standings[buyer])}.`
}

/** What an app makes of a push. Only what the story waits for is put into words. */
export const pushOf = (event: FeedEvent, { contacts }: World, standings: Standings): string => {
  const who = (id: string): string => {
    const key = personKeys.find((each) => contacts[each].id === id)
    return key === undefined ? "somebody" : nameOf(key)
  }
  switch (event.type) {
    case "wallet.credited":
      return `+${money(event.amount)}, ${money(event.balance)} in the wallet`
    case "wallet.debited":
      return `−${money(event.amount)} for ${who(event.counterpart_id ?? "")}, ${money(event.balance)} left`
    case "wallet.returned":
      return `+${money(event.amount)} is back, ${money(event.balance)} left`
    case "purchase.paid": {
      const { own, shared, total } = event
      const paid = sumOf([own?.amount ?? 0, shared?.amount ?? 0])
      const whole = same(paid, total) ? "" : ` of ${money(total)}`
      if (shared === undefined) return `paid ${money(paid)}${whole}`
      const part = same(shared.amount, paid) ? "all" : money(shared.amount)
      return `paid ${money(paid)}${whole}, ${part} of it by ${who(shared.community_id)}`
    }
    case "purchase.refused":
      return "a purchase was refused"
    case "purchase.cancelled":
      return "the purchase is cancelled"
    case "contact.membership_changed":
      return `${who(event.community_id)} invites you to share her wallet`
    case "community.person_accepted":
      return `${who(event.person_id)} has accepted`
    case "community.person_updated": {
      const key = personKeys.find((each) => contacts[each].id === event.person_id)
      const limit = key === undefined ? undefined : standings[key].month?.limit
      return limit === undefined ? "what you share has changed" : `you may now take ${money(limit)} a month`
    }
    case "community.draw_counted":
    case "community.draw_uncounted":
      return `${who(event.person_id)}'s month has ${money(event.remaining ?? 0)} left`
    default:
      return event.type
  }
}
