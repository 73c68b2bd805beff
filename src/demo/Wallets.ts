/**
 * The wallets and limits as the API shows them. What a cancelled purchase gives back, and what a refused one returns,
 * reaches the owner's wallet a moment after the answer: so one waits for what must come, for a bounded time.
 */
import { listPeopleInBackOffice } from "#http/backoffice/ContactsApi.ts"
import { getWallet, listWalletJournals } from "#http/backoffice/WalletsApi.ts"
import type { WalletJournal } from "#http/resource/WalletEntry.ts"
import * as Effect from "effect/Effect"
import type { DemoStopped } from "./Client.ts"
import { type Euros, type PersonKey, personKeys } from "./Household.ts"
import { same, sumOf } from "./Money.ts"
import type { World } from "./Opening.ts"
import type { Standing, Standings } from "./Story.ts"

const settleTimeoutMs = 15_000
const pollIntervalMs = 20
const journalPageSize = "200"

/** Reads until it holds, or until it has had its time; what was read last. */
export const eventually = Effect.fnUntraced(function* <A>(
  read: Effect.Effect<A, DemoStopped>,
  holds: (value: A) => boolean
): Effect.fn.Return<A, DemoStopped> {
  const deadline = performance.now() + settleTimeoutMs
  let value = yield* read
  while (!holds(value) && performance.now() < deadline) {
    yield* Effect.sleep(pollIntervalMs)
    value = yield* read
  }
  return value
})

export const readStandings = Effect.fnUntraced(function* ({ client, shop, contacts }: World) {
  const params = { id: contacts.maria.id }
  const people = yield* client.get(listPeopleInBackOffice, shop, { params })
  const standings = yield* Effect.forEach(personKeys, (key) =>
    Effect.map(
      client.get(getWallet, shop, { params: { id: contacts[key].id } }),
      (wallet): readonly [PersonKey, Standing] => {
        const sharing = people.content.find(({ contact }) => contact.id === contacts[key].id)?.wallet_sharing
        const limit = sharing?.max_amount
        const month =
          limit === undefined ? {} : { month: { used: sumOf([limit, -(sharing?.remaining_amount ?? 0)]), limit } }
        return [key, { open: wallet.total_open, bread: wallet.total_commerce, ...month }]
      }
    )
  )
  return Object.fromEntries(standings) as Record<PersonKey, Standing>
})

export const isAs = (expected: Standings, actual: Standings): boolean =>
  personKeys.every((key) => {
    const [left, right] = [expected[key], actual[key]]
    return (
      same(left.open, right.open) &&
      same(left.bread, right.bread) &&
      same(left.month?.used ?? 0, right.month?.used ?? 0) &&
      same(left.month?.limit ?? 0, right.month?.limit ?? 0)
    )
  })

/** All that was ever booked in a wallet. */
export const readJournals = Effect.fnUntraced(function* ({ client, shop, contacts }: World, key: PersonKey) {
  const params = { id: contacts[key].id }
  const journals: Array<WalletJournal> = []
  let cursor: string | undefined
  do {
    const query = { size: journalPageSize, include_unallocated_credit: "true", ...(cursor !== undefined && { cursor }) }
    const page = yield* client.get(listWalletJournals, shop, { params, query })
    journals.push(...page.content)
    cursor = page.paging.next_cursor
  } while (cursor !== undefined)
  return journals
})

/** What is left of one credit. */
export const leftOf = (world: World, key: PersonKey, lotId: string): Effect.Effect<Euros | undefined, DemoStopped> =>
  Effect.map(readJournals(world, key), (journals) => journals.find(({ id }) => id === lotId)?.unallocated_amount)
