/**
 * Who the demo is about: a bakery of two shops in Nicosia, its shelf, and a mother who shares her wallet with her two
 * children. All of it is invented. Phone numbers are of Cyprus's plan; card numbers are test numbers that no bank issues.
 */

/** Euros as people write them; whole cents are computed with. */
export type Euros = number

export type PersonKey = "maria" | "eleni" | "nikos"

export interface Person {
  readonly firstName: string
  readonly lastName: string
  readonly latinName: string
  readonly role: string
  /** E.164. */
  readonly phone: string
  readonly email: string
  readonly card?: string
  readonly loyaltyIdentifier?: string
}

export const people: Readonly<Record<PersonKey, Person>> = {
  maria: {
    firstName: "Μαρία",
    lastName: "Γεωργίου",
    latinName: "Maria Georgiou",
    role: "mother, owns the wallet",
    phone: "+35799314072",
    email: "maria.georgiou@example.cy"
  },
  eleni: {
    firstName: "Ελένη",
    lastName: "Γεωργίου",
    latinName: "Eleni Georgiou",
    role: "daughter, 19",
    phone: "+35796555012",
    email: "eleni.georgiou@example.cy",
    card: "5555555555554444",
    loyaltyIdentifier: "ZYM-004217"
  },
  nikos: {
    firstName: "Νίκος",
    lastName: "Γεωργίου",
    latinName: "Nikos Georgiou",
    role: "son, 15",
    phone: "+35797602381",
    email: "nikos.georgiou@example.cy",
    loyaltyIdentifier: "ZYM-004218"
  }
}
export const personKeys = ["maria", "eleni", "nikos"] as const satisfies ReadonlyArray<PersonKey>

/** A card that nobody of the shop's customers has. */
export const strangersCard = "4242424242424242"

export const business = {
  name: "Αρτοποιείο Παλιά Ζύμη",
  latinName: "Palia Zymi Bakery",
  currency: "EUR",
  country: "CYP",
  timeZone: "Asia/Nicosia"
} as const

export type VenueKey = "ledra" | "strovolos"

export interface Venue {
  readonly name: string
  readonly latinName: string
  /** What its receipt numbers begin with. */
  readonly till: string
}

export const venues: Readonly<Record<VenueKey, Venue>> = {
  ledra: { name: "Οδός Λήδρας", latinName: "Ledra Street", till: "LED1" },
  strovolos: { name: "Στρόβολος", latinName: "Strovolos", till: "STR1" }
}
export const venueKeys = ["ledra", "strovolos"] as const satisfies ReadonlyArray<VenueKey>

export interface Product {
  readonly sku: string
  readonly name: string
  readonly latinName: string
  readonly price: Euros
  readonly vatPercent: number
}

export const shelf = {
  bread: { sku: "PSOMI-01", name: "Χωριάτικο ψωμί", latinName: "village bread", price: 2.3, vatPercent: 5 },
  koulouri: { sku: "KOUL-01", name: "Κουλούρι", latinName: "koulouri", price: 1.2, vatPercent: 5 },
  olivePie: { sku: "PITA-01", name: "Ελιόπιτα", latinName: "olive pie", price: 1.9, vatPercent: 5 },
  halloumiPie: { sku: "PITA-02", name: "Χαλουμόπιτα", latinName: "halloumi pie", price: 2.1, vatPercent: 5 },
  flaouna: { sku: "FLAO-01", name: "Φλαούνα", latinName: "flaouna", price: 2.9, vatPercent: 5 },
  cake: { sku: "TORT-01", name: "Τούρτα γενεθλίων", latinName: "birthday cake", price: 18.6, vatPercent: 5 },
  coffee: { sku: "KAFE-01", name: "Φρέντο εσπρέσο", latinName: "freddo espresso", price: 3.2, vatPercent: 9 },
  lemonade: { sku: "ANAP-01", name: "Λεμονάδα", latinName: "lemonade", price: 2.1, vatPercent: 19 }
} as const satisfies Readonly<Record<string, Product>>

/** Money that buys these and nothing else. */
export const breadPool = { name: "Μόνο ψωμί", latinName: "bread only", skus: [shelf.bread.sku] }

export interface BasketLine {
  readonly product: Product
  readonly quantity: number
}
export type Basket = ReadonlyArray<BasketLine>
