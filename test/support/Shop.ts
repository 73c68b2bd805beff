/**
 * A shop's people and purchases for tests of the doors, made through the back-office door of a running server, so that
 * nothing is tested that a client could not do. Every phone and e-mail address is new; cards pass the check digit.
 */
import { allShards } from "#runtime/actor/Placement.ts"
import * as Effect from "effect/Effect"
import { randomBytes, randomInt, randomUUID } from "node:crypto"
import type { Response, TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]

export interface Person {
  /** Of the contact, and of the wallet. */
  readonly id: string
  readonly code: string
  readonly walletCode: string
  readonly token: string
  readonly phone: string
  readonly email: string
}

const phonesMax = 1_000_000
let phone = randomInt(phonesMax)

/** Made for the test to go on; what it is about is asked for without this. */
export const made = Effect.fnUntraced(function* (asked: Effect.Effect<Response>) {
  const response = yield* asked
  if (response.status >= 300) {
    return yield* Effect.die(new Error(`it answered ${response.status} ${JSON.stringify(response.body)}`))
  }
  return response.body
})

export const person = Effect.fnUntraced(function* (
  server: Server,
  fields: Readonly<Record<string, unknown>> = {},
  key: string = server.apiKey
) {
  phone = (phone + 1) % phonesMax
  const number = `99${String(phone).padStart(6, "0")}`
  const email = `eleni.${randomBytes(6).toString("hex")}@example.com`
  const body = {
    type: "PERSON",
    first_name: "Ελένη",
    last_name: "Χριστοδούλου",
    email,
    phone: { type: "MOBILE", country_code: "CYP", number },
    ...fields
  }
  const { id, code, wallet } = yield* made(server.request("POST", "/backoffice/v2/contacts", body, { api_key: key }))
  const path = `/backoffice/v2/contacts/${id}/access_token`
  const { access_token: token } = yield* made(server.request("POST", path, {}, { api_key: key }))
  return { id, code, walletCode: wallet.code, token, phone: `+357${number}`, email } satisfies Person
})

export const credit = (server: Server, { id }: Pick<Person, "id">, amount: number, poolId?: string) =>
  made(
    server.request("POST", `/backoffice/v2/wallets/${id}/journals`, {
      action: "CREDIT",
      amount,
      currency_code: "EUR",
      ...(poolId !== undefined && { commerce_pool_id: poolId })
    })
  )

/** A member who may draw on the owner's wallet at once. */
export const share = (server: Server, owner: Person, member: Person, wallet: Readonly<Record<string, unknown>> = {}) =>
  made(
    server.request("POST", `/backoffice/v2/contacts/${owner.id}/people`, {
      contact: { id: member.id },
      wallet_sharing: { is_enabled: true, method: "AUTO", ...wallet }
    })
  )

export const pool = Effect.fnUntraced(function* (server: Server, fields: Readonly<Record<string, unknown>> = {}) {
  const { id } = yield* made(server.request("POST", "/backoffice/v2/commerce_pools", { name: "Coffee", ...fields }))
  return id as string
})

/** A receipt of 10.00, of which all is to be paid from the wallet unless something else is said. */
export const receipt = (
  server: Server,
  who: Pick<Person, "id"> | undefined,
  fields: Readonly<Record<string, unknown>> = {}
) => ({
  ...(who !== undefined && { contact: { id: who.id } }),
  organisation: { id: server.storeId },
  reference_number: `R-${randomUUID()}`,
  transaction_amounts: { net: 8.4, tax: 1.6, total: 10 },
  currency_code: "EUR",
  spend_request: { restrict_fully_covered: true },
  ...fields
})

/** Another business of the same service owner, with its keys. */
export const otherBusiness = Effect.fnUntraced(function* (server: Server) {
  const opened = yield* made(
    server.request("POST", "/backoffice/v2/organisations", {
      type: "BUSINESS",
      name: "Another business",
      currency_code: "EUR",
      country: "GRC",
      time_zone: "Europe/Athens"
    })
  )
  return {
    id: opened.id as string,
    secretKey: opened.secret_key as string,
    publishableKey: opened.publishable_key as string
  }
})

/** A card number that nobody has yet. */
export const cardNumber = (): string => {
  const digits = `453201${String(randomInt(1_000_000_000)).padStart(9, "0")}`
  const sum = digits
    .split("")
    .toReversed()
    .reduce((total, digit, place) => {
      const value = Number(digit) * (place % 2 === 0 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}

/** Events that are stored, in all: what a refused request must not change. */
export const stored = (server: Server): number =>
  allShards.reduce((total, shard) => total + server.actors.committedOffset(shard), 0)
