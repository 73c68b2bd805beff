/**
 * Opens the shop and brings the household in: a business of its own, so that a server that is in use keeps what it has to
 * itself and the demo can be played on it as often as one likes.
 */
import * as Business from "#http/backoffice/BusinessApi.ts"
import * as Contacts from "#http/backoffice/ContactsApi.ts"
import { postWalletJournal } from "#http/backoffice/WalletsApi.ts"
import * as Effect from "effect/Effect"
import { App } from "./Apps.ts"
import type { Caller, Client, DemoStopped } from "./Client.ts"
import {
  breadPool,
  business,
  people,
  type PersonKey,
  personKeys,
  type VenueKey,
  venueKeys,
  venues
} from "./Household.ts"
import { initially } from "./Story.ts"

export interface Contact {
  readonly id: string
  readonly walletCode: string
  /** What her app calls with. */
  readonly app: Caller
  /** Her app's socket; absent where there is no live door. */
  readonly live: App | undefined
}

export interface World {
  readonly client: Client
  /** The shop's tills and back office. */
  readonly shop: Caller
  readonly contacts: Readonly<Record<PersonKey, Contact>>
  readonly venues: Readonly<Record<VenueKey, string>>
  readonly breadPoolId: string
  /** Why no app is told anything; absent when all are. */
  readonly silence: string | undefined
}

const record = <Key extends string, A>(keys: ReadonlyArray<Key>, values: ReadonlyArray<A>): Record<Key, A> =>
  Object.fromEntries(keys.map((key, index) => [key, values[index]])) as Record<Key, A>

const openShop = Effect.fnUntraced(function* (client: Client, serviceOwner: Caller) {
  const { name, currency: currency_code, country, timeZone: time_zone } = business
  const opened = yield* client.get(Business.createOrganisation, serviceOwner, {
    body: { type: "BUSINESS", name, currency_code, country, time_zone }
  })
  const shop: Caller = { apiKey: opened.secret_key ?? "" }
  const merchant = yield* client.get(Business.createOrganisation, shop, { body: { type: "MERCHANT", name } })
  const ids = yield* Effect.forEach(venueKeys, (key) =>
    client.get(Business.createOrganisation, shop, {
      body: { type: "VENUE", name: venues[key].name, parent_id: merchant.id }
    })
  )
  const pool = yield* client.get(Business.createCommercePool, shop, {
    body: { name: breadPool.name, products: breadPool.skus.map((sku) => ({ sku })) }
  })
  return {
    shop,
    venues: record(
      venueKeys,
      ids.map(({ id }) => id)
    ),
    breadPoolId: pool.id
  }
})

const registerPerson = Effect.fnUntraced(function* (client: Client, shop: Caller, key: PersonKey) {
  const { firstName, lastName, phone, email, card, loyaltyIdentifier } = people[key]
  const { id, wallet } = yield* client.get(Contacts.createContact, shop, {
    body: {
      type: "PERSON",
      first_name: firstName,
      last_name: lastName,
      language_code: "el",
      email,
      phone: { type: "MOBILE", country_code: business.country, number: phone },
      ...(card !== undefined && { cards: [{ number: card }] }),
      ...(loyaltyIdentifier !== undefined && { loyalty_identifiers: [loyaltyIdentifier] })
    }
  })
  const { access_token } = yield* client.get(Contacts.issueAccessToken, shop, { params: { id }, body: {} })
  return { id, walletCode: wallet.code, token: access_token }
})

const openApps = (
  url: string,
  registered: Readonly<Record<PersonKey, { readonly id: string; readonly token: string }>>
) =>
  Effect.forEach(personKeys, (key) => {
    const { id, token } = registered[key]
    return App.open(url, token, [`contact/${id}`, ...(key === "maria" ? [`community/${id}`] : [])])
  }).pipe(
    Effect.map((apps) => ({ live: record<PersonKey, App | undefined>(personKeys, apps), silence: undefined })),
    Effect.catch((stopped: DemoStopped) =>
      Effect.succeed({
        live: record<PersonKey, App | undefined>(personKeys, []),
        silence: `the apps are told nothing: ${stopped.message}`
      })
    )
  )

/** `serviceOwner` may open businesses; a key of another kind is refused, and with it the demo. */
export const open = Effect.fnUntraced(function* (client: Client, serviceOwner: Caller) {
  const opened = yield* openShop(client, serviceOwner)
  const { shop, breadPoolId } = opened
  const registered = record(personKeys, yield* Effect.forEach(personKeys, (key) => registerPerson(client, shop, key)))
  for (const key of personKeys) {
    const { bread } = initially[key]
    if (bread === 0) continue
    yield* client.get(postWalletJournal, shop, {
      params: { id: registered[key].id },
      body: { action: "CREDIT", amount: bread, currency_code: business.currency, commerce_pool_id: breadPoolId }
    })
  }
  const { live, silence } = yield* openApps(client.url, registered)
  const contacts = record(
    personKeys,
    personKeys.map((key): Contact => {
      const { id, walletCode, token } = registered[key]
      return { id, walletCode, app: { token }, live: live[key] }
    })
  )
  return { client, ...opened, contacts, silence } satisfies World
})
