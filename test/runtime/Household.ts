/**
 * An owner who shares her wallet and two members who spend from it, for tests of what one command sets off in several
 * actors: all of them in memory, or none, and what the commits that follow hold.
 */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { messageId } from "#runtime/actor/Naming.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import type { Batch, InboxRow } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { history, isAtRest, start } from "./Runners.ts"
import type { Runner, RunnerOptions } from "./Runners.ts"
import { businessId, commandId, contactId, credit, openBusiness, purchase, register, share } from "./SampleCommands.ts"
import { quiet, until } from "./Waiting.ts"

type Store = JournalMemory.Store

/** Contact 1 has 10.00 and shares them with contacts 2 and 3, who have nothing; all of them are in memory. */
export const household = Effect.fnUntraced(function* (options?: RunnerOptions) {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store, options)
  const { ask } = runner.actors
  for (const each of [openBusiness(), register(1), register(2), register(3)]) yield* ask(each)
  for (const each of [credit(1, 1_000n, "opening"), share(1, 2), share(1, 3)]) yield* ask(each)
  yield* until(() => isAtRest(store))
  return { store, runner }
})

/** The same household, and nobody of it in memory. */
export const coldHousehold = Effect.gen(function* () {
  const { store, runner } = yield* household()
  yield* runner.crash
  return { store, runner: yield* start(store) }
})

export const readContact = (runner: Runner, number: number) =>
  runner.actors.read(businessId, contactId(number), "contact")
export const readCommunity = (runner: Runner, owner: number) =>
  runner.actors.read(businessId, contactId(owner), "community")

/** Member 2 buys for 5.00, under an id that she may repeat. */
export const sharedPurchase = { ...purchase(2, 1, 500n), id: commandId(1), fingerprint: "one" }

/** The three wallets, as they are stored. */
export const balances = (store: Store) =>
  Effect.forEach([1, 2, 3], (number) =>
    Effect.map(history(store, "contact", contactId(number)), (entries) =>
      (entries.at(-1)?.state.lots ?? []).reduce((sum, lot) => sum + lot.remaining, 0n)
    )
  )

/** The message by which the owner's wallet is asked for that purchase. */
export const drawMessage = messageId(businessId, "draw-1/draw")

/** How a command ended; `undefined` also while it is open. */
export const outcomeOf = (store: Store, id: string): string | undefined => store.commands.get(id)?.outcome ?? undefined
export const openCommands = (store: Store): number =>
  [...store.commands.values()].filter(({ outcome }) => outcome === null).length

export const parkedMessages = (store: Store): ReadonlyArray<string> =>
  [...store.inbox.values()].flatMap((row) => (row.failure === undefined ? [] : [row.id]))

/** A message in the inbox, as another runner may have left it; the next sweep finds it. Returns its id. */
export const leaveMessage = (store: Store, name: string, number: number, command: object): string => {
  const id = messageId(businessId, name)
  const row: InboxRow = {
    id,
    business: businessId,
    key: contactId(number),
    shard: shardOf(contactId(number)),
    command: JSON.stringify(command, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
    deliverAt: 0,
    at: 0
  }
  store.inbox.set(id, row)
  return id
}

/** The inbox is looked at again. */
export const sweep = Effect.andThen(quiet, TestClock.adjust("1 second"))

/** What is sent from here on. */
export const commitsFrom = ({ connection }: Runner) => {
  const from = connection.sent.length
  return () => connection.sent.slice(from)
}

/** The first event of each unit. */
export const turnsOf = (batch: Batch | undefined) => batch?.units.map(({ events }) => events[0]?.type ?? "nothing")

/** What a commit leaves to be delivered; timers stand for later. */
export const messagesOf = (batch: Batch | undefined) =>
  (batch?.units ?? []).flatMap(({ inbox }) => inbox.filter((row) => row.deliverAt === 0))
