/**
 * The script of the demo: what happens in the shops and in the apps, second by second, and what must then be true. The
 * expectations are figures worked out by hand, not computed by what they check.
 */
import type { FeedEvent } from "#http/live/FeedEvents.ts"
import {
  type Basket,
  type BasketLine,
  type Euros,
  type PersonKey,
  type Product,
  shelf,
  type VenueKey
} from "./Household.ts"

/** What a contact shows at the till. */
export type Shown = "phone" | "card" | "loyalty card" | "wallet code" | "stranger's card"

export interface Sale {
  /** Of this script; the receipt number is made of it. */
  readonly receipt: number
  readonly at: VenueKey
  readonly buyer: PersonKey
  readonly shows: Shown
  readonly basket: Basket
  /** All of it by wallet, or nothing. */
  readonly allOrNothing?: boolean
}

/** Where the money of a purchase came from. */
export interface Payment {
  readonly shared?: Euros
  readonly own?: Euros
  readonly ownBread?: Euros
}

export type Action =
  | { readonly kind: "credit"; readonly to: PersonKey; readonly amount: Euros; readonly pocket: "open" | "bread" }
  | { readonly kind: "share"; readonly with: PersonKey; readonly monthly: Euros }
  | { readonly kind: "change limit"; readonly of: PersonKey; readonly monthly: Euros }
  | { readonly kind: "sale"; readonly sale: Sale; readonly paid: Payment; readonly repeatOf?: number }
  | {
      readonly kind: "refused sale"
      readonly sale: Sale
      readonly status: number
      readonly available?: Euros
      readonly reason?: string
    }
  | { readonly kind: "cancel"; readonly receipt: number }
  | {
      readonly kind: "race"
      readonly sales: readonly [Sale, Sale]
      readonly paid: Payment
      readonly available: Euros
      readonly reason: string
    }

/** What is in a wallet, and what was taken of this month's limit. */
export interface Standing {
  readonly open: Euros
  readonly bread: Euros
  readonly month?: { readonly used: Euros; readonly limit: Euros }
}
export type Standings = Readonly<Record<PersonKey, Standing>>

export interface Step {
  /** Seconds from the beginning; the first few are for reading who is who. */
  readonly at: number
  readonly title: string
  readonly action: Action
  /** What the apps must be told at once, by type. */
  readonly pushes: ReadonlyArray<readonly [PersonKey, FeedEvent["type"]]>
  /** What it leaves behind; a person who is not named is as before. */
  readonly leaves: Partial<Standings>
}

const of = (product: Product, quantity = 1): BasketLine => ({ product, quantity })

const drawn = (member: PersonKey) =>
  [
    ["maria", "wallet.debited"],
    ["maria", "community.draw_counted"],
    [member, "purchase.paid"]
  ] as const

const cake: Sale = { receipt: 3, at: "strovolos", buyer: "eleni", shows: "card", basket: [of(shelf.cake)] }
const pies: Sale = {
  receipt: 7,
  at: "ledra",
  buyer: "nikos",
  shows: "phone",
  basket: [of(shelf.halloumiPie, 2)],
  allOrNothing: true
}
const lastCoffees = { buyer: "eleni", basket: [of(shelf.coffee, 2), of(shelf.bread)], allOrNothing: true } as const

export const initially: Standings = {
  maria: { open: 0, bread: 0 },
  eleni: { open: 0, bread: 0 },
  nikos: { open: 0, bread: 4 }
}

export const story: ReadonlyArray<Step> = [
  {
    at: 6,
    title: "Μαρία tops up her wallet",
    action: { kind: "credit", to: "maria", amount: 60, pocket: "open" },
    pushes: [["maria", "wallet.credited"]],
    leaves: { maria: { open: 60, bread: 0 } }
  },
  {
    at: 9,
    title: "The shop gives Μαρία money that buys bread only",
    action: { kind: "credit", to: "maria", amount: 10, pocket: "bread" },
    pushes: [["maria", "wallet.credited"]],
    leaves: { maria: { open: 60, bread: 10 } }
  },
  {
    at: 13,
    title: "Μαρία shares her wallet with Ελένη, who accepts in her app",
    action: { kind: "share", with: "eleni", monthly: 50 },
    pushes: [
      ["eleni", "contact.membership_changed"],
      ["maria", "community.person_accepted"]
    ],
    leaves: { eleni: { open: 0, bread: 0, month: { used: 0, limit: 50 } } }
  },
  {
    at: 17,
    title: "… and with Νίκος, who may take less",
    action: { kind: "share", with: "nikos", monthly: 20 },
    pushes: [
      ["nikos", "contact.membership_changed"],
      ["maria", "community.person_accepted"]
    ],
    leaves: { nikos: { open: 0, bread: 4, month: { used: 0, limit: 20 } } }
  },
  {
    at: 21,
    title: "Ελένη buys breakfast; the till knows her phone",
    action: {
      kind: "sale",
      sale: {
        receipt: 1,
        at: "ledra",
        buyer: "eleni",
        shows: "phone",
        basket: [of(shelf.flaouna, 2), of(shelf.coffee, 2)]
      },
      paid: { shared: 12.2 }
    },
    pushes: drawn("eleni"),
    leaves: { maria: { open: 47.8, bread: 10 }, eleni: { open: 0, bread: 0, month: { used: 12.2, limit: 50 } } }
  },
  {
    at: 25,
    title: "Μαρία pays with her wallet code: bread money for the bread first",
    action: {
      kind: "sale",
      sale: {
        receipt: 2,
        at: "ledra",
        buyer: "maria",
        shows: "wallet code",
        basket: [of(shelf.bread, 2), of(shelf.coffee)]
      },
      paid: { own: 3.2, ownBread: 4.6 }
    },
    pushes: [["maria", "purchase.paid"]],
    leaves: { maria: { open: 44.6, bread: 5.4 } }
  },
  {
    at: 29,
    title: "Ελένη orders a birthday cake and shows her card",
    action: { kind: "sale", sale: cake, paid: { shared: 18.6 } },
    pushes: drawn("eleni"),
    leaves: { maria: { open: 26, bread: 5.4 }, eleni: { open: 0, bread: 0, month: { used: 30.8, limit: 50 } } }
  },
  {
    at: 33,
    title: "The till heard no answer and sends the same receipt again",
    action: { kind: "sale", sale: cake, paid: { shared: 18.6 }, repeatOf: 3 },
    pushes: [],
    leaves: {}
  },
  {
    at: 37,
    title: "Νίκος treats his friends",
    action: {
      kind: "sale",
      sale: {
        receipt: 4,
        at: "strovolos",
        buyer: "nikos",
        shows: "phone",
        basket: [of(shelf.halloumiPie, 3), of(shelf.lemonade, 2), of(shelf.flaouna)]
      },
      paid: { shared: 13.4 }
    },
    pushes: drawn("nikos"),
    leaves: { maria: { open: 12.6, bread: 5.4 }, nikos: { open: 0, bread: 4, month: { used: 13.4, limit: 20 } } }
  },
  {
    at: 41,
    title: "A tourist's card: the till asks whose it is",
    action: {
      kind: "refused sale",
      sale: { receipt: 5, at: "ledra", buyer: "maria", shows: "stranger's card", basket: [of(shelf.flaouna)] },
      status: 404
    },
    pushes: [],
    leaves: {}
  },
  {
    at: 45,
    title: "The party is off: the cake is cancelled",
    action: { kind: "cancel", receipt: 3 },
    pushes: [
      ["eleni", "purchase.cancelled"],
      ["maria", "wallet.returned"],
      ["maria", "community.draw_uncounted"]
    ],
    leaves: { maria: { open: 31.2, bread: 5.4 }, eleni: { open: 0, bread: 0, month: { used: 12.2, limit: 50 } } }
  },
  {
    at: 49,
    title: "Νίκος reaches his limit: what is left of it, then his own bread money, pays a part",
    action: {
      kind: "sale",
      sale: {
        receipt: 6,
        at: "strovolos",
        buyer: "nikos",
        shows: "loyalty card",
        basket: [of(shelf.bread), of(shelf.olivePie, 2), of(shelf.flaouna), of(shelf.koulouri)]
      },
      paid: { shared: 6.6, ownBread: 2.3 }
    },
    pushes: drawn("nikos"),
    leaves: { maria: { open: 24.6, bread: 5.4 }, nikos: { open: 0, bread: 1.7, month: { used: 20, limit: 20 } } }
  },
  {
    at: 53,
    title: "Νίκος comes back and has no coins: all by wallet, or nothing",
    action: { kind: "refused sale", sale: pies, status: 400, available: 0, reason: "limit_reached" },
    pushes: [["nikos", "purchase.refused"]],
    leaves: {}
  },
  {
    at: 58,
    title: "Μαρία raises his limit in her app",
    action: { kind: "change limit", of: "nikos", monthly: 30 },
    pushes: [["nikos", "community.person_updated"]],
    leaves: { nikos: { open: 0, bread: 1.7, month: { used: 20, limit: 30 } } }
  },
  {
    at: 61,
    title: "The till tries the same receipt again, and now it is covered",
    action: { kind: "sale", sale: pies, paid: { shared: 4.2 } },
    pushes: drawn("nikos"),
    leaves: { maria: { open: 20.4, bread: 5.4 }, nikos: { open: 0, bread: 1.7, month: { used: 24.2, limit: 30 } } }
  },
  {
    at: 65,
    title: "Ελένη has only her loyalty card with her",
    action: {
      kind: "sale",
      sale: {
        receipt: 8,
        at: "strovolos",
        buyer: "eleni",
        shows: "loyalty card",
        basket: [of(shelf.olivePie, 2), of(shelf.coffee)]
      },
      paid: { shared: 7 }
    },
    pushes: drawn("eleni"),
    leaves: { maria: { open: 13.4, bread: 5.4 }, eleni: { open: 0, bread: 0, month: { used: 19.2, limit: 50 } } }
  },
  {
    at: 69,
    title: "Two tills, the same second, the last euros: Ελένη's phone here, the card she lent there",
    action: {
      kind: "race",
      sales: [
        { receipt: 9, at: "ledra", shows: "phone", ...lastCoffees },
        { receipt: 10, at: "strovolos", shows: "card", ...lastCoffees }
      ],
      paid: { shared: 8.7 },
      available: 4.7,
      reason: "no_funds"
    },
    pushes: [...drawn("eleni"), ["eleni", "purchase.refused"]],
    leaves: { maria: { open: 4.7, bread: 5.4 }, eleni: { open: 0, bread: 0, month: { used: 27.9, limit: 50 } } }
  }
]
