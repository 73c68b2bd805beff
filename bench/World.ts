/**
 * The business, wallets and communities that are measured, and how they get into an empty data directory: through the
 * same actors that serve them later, so that what is measured reads only what Koinon itself wrote. Every id is a
 * function of a number.
 */
import type { Command } from "#domain/Command.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import type { Reply } from "#runtime/actor/Pending.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as SealerLive from "#runtime/privacy/Sealer.ts"
import * as Database from "#runtime/storage/Database.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { BenchFailed } from "./Peer.ts"

type Ask = Actors.Ask
type Actors = Actors.Actors["Service"]

/** Far more than any run can take. */
const openingBalance = 1_000_000_000_000n
const seedsInFlight = 512
const settleTimeoutMs = 30_000
const settlePollMs = 5

const numbered = (family: string, number: number): string =>
  `${family}-0000-4000-8000-${String(number).padStart(12, "0")}`

export const businessId = numbered("b0000000", 1)
export const venueId = numbered("e0000000", 2)
/** By the twelve digits of its number. */
export const contactIdOf = (digits: string): string => `c0000000-0000-4000-8000-${digits}`
export const contactId = (number: number): string => contactIdOf(String(number).padStart(12, "0"))
export const loyaltyIdentifier = (number: number): string => `LOYAL-${number}`
/** A made-up card of 16 digits. */
export const cardNumber = (number: number): string => `4000${String(number).padStart(12, "0")}`

/** Contacts by number: wallets of their own first, then households of one owner and three members each. */
export const wallets = 1_000
const households = 250
const membersEach = 3
const people = wallets + households * (1 + membersEach)
const ownerOf = (household: number): number => wallets + household
export const members = Array.from({ length: households * membersEach }, (_, index) => ({
  number: wallets + households + index,
  owner: ownerOf(index % households)
}))

export const ofContact = (number: number, command: Command): Ask => ({
  business: businessId,
  key: contactId(number),
  command
})

const openBusiness: Ask = {
  business: businessId,
  key: businessId,
  command: {
    _tag: "OpenBusiness",
    businessId,
    name: "Zygos Bakeries",
    serviceOwnerId: numbered("50000000", 1),
    serviceOwnerName: "Koinon",
    currency: "EUR",
    country: "CYP",
    timeZone: "Asia/Nicosia",
    settings: { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" },
    apiKeys: [],
    organisations: [
      { id: numbered("e0000000", 1), type: "MERCHANT", name: "Zygos North", parentId: businessId },
      { id: venueId, type: "VENUE", name: "Ledra Street", parentId: numbered("e0000000", 1) }
    ]
  }
}

const register = (sealer: Sealer["Service"], number: number): Ask =>
  ofContact(number, {
    _tag: "RegisterContact",
    contactId: contactId(number),
    type: "PERSON",
    profile: {
      firstName: "Ελένη",
      lastName: "Γεωργίου",
      email: `eleni.${number}@example.com`,
      phone: {
        type: "MOBILE",
        countryCode: "CYP",
        number: `99${String(number).padStart(6, "0")}`,
        e164: `+35799${String(number).padStart(6, "0")}`
      }
    },
    identity: {
      code: `C-${number}`,
      referralCode: number.toString(36).toUpperCase().padStart(6, "0"),
      walletCode: String(1e15 + number),
      loyaltyIdentifiers: [loyaltyIdentifier(number)],
      cards: [{ hash: Buffer.from(sealer.keyedHash(businessId, "card_number", cardNumber(number))).toString("hex") }],
      giftPasses: []
    }
  })

const fund = (number: number): Ask =>
  ofContact(number, {
    _tag: "PostJournal",
    entryId: numbered("f0000000", number),
    action: "CREDIT",
    amount: openingBalance,
    currency: "EUR"
  })

/** Brings the first so many contacts into memory: a measure of actors that are at work begins with it. */
export const wake = Effect.fnUntraced(function* (count: number) {
  const actors = yield* Actors.Actors
  yield* Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (number) => actors.read(businessId, contactId(number), "contact"),
    { concurrency: seedsInFlight, discard: true }
  )
})

/** What makes a contact one that can be debited. */
export const commandsOfContact = (sealer: Sealer["Service"], number: number): ReadonlyArray<Command> => [
  register(sealer, number).command,
  fund(number).command
]

const share = (owner: number, member: number): Ask =>
  ofContact(owner, {
    _tag: "InvitePerson",
    relationshipId: numbered("a0000000", member),
    memberId: contactId(member),
    memberType: "PERSON",
    joinsAtOnce: true,
    terms: {
      isAdmin: false,
      permissions: [],
      // A limit, so that there is one to be counted against; too high to be met.
      walletSharing: { isEnabled: true, method: "AUTO", poolIds: [], maxAmount: openingBalance }
    }
  })

/** What went wrong with a command, if anything did. */
export const failureOf = (reply: Reply): string | undefined => {
  if (reply._tag === "Failed") return reply.refusal._tag
  return Result.isFailure(reply.outcome) ? reply.outcome.failure._tag : undefined
}

const askAll = (actors: Actors, asks: ReadonlyArray<Ask>) =>
  Effect.forEach(
    asks,
    (ask) =>
      Effect.mapError(actors.ask(ask), ({ _tag }) => new BenchFailed({ message: `${ask.command._tag}: ${_tag}` })),
    { concurrency: seedsInFlight, discard: true }
  )

export const registerAndFund = Effect.fnUntraced(function* (from: number, count: number) {
  const actors = yield* Actors.Actors
  const sealer = yield* Sealer
  const numbers = Array.from({ length: count }, (_, index) => from + index)
  yield* askAll(
    actors,
    numbers.map((number) => register(sealer, number))
  )
  yield* askAll(actors, numbers.map(fund))
})

export const open = Effect.gen(function* () {
  yield* askAll(yield* Actors.Actors, [openBusiness])
})

/** Everybody joins a household; over when each member knows it. */
const formHouseholds = Effect.gen(function* () {
  const actors = yield* Actors.Actors
  yield* askAll(
    actors,
    members.map(({ owner, number }) => share(owner, number))
  )
  const hasHeard = (number: number) =>
    actors.read(businessId, contactId(number), "contact").pipe(
      Effect.repeat({ until: ({ state }) => state.memberships.length > 0, schedule: Schedule.spaced(settlePollMs) }),
      Effect.timeout(settleTimeoutMs),
      Effect.mapError(() => new BenchFailed({ message: `contact ${number} never heard of her community` }))
    )
  yield* Effect.forEach(members, ({ number }) => hasHeard(number), { discard: true })
})

/** The runtime over a database that is there. Fresh each time: nothing is in memory yet. */
export const runtime = (masterSecret: string) =>
  Layer.fresh(
    Actors.layer.pipe(
      Layer.provideMerge(Layer.fresh(JournalPostgres.layer)),
      Layer.provideMerge(SealerLive.layer(Redacted.make(masterSecret)))
    )
  )

/** A database, migrated. */
const storageAt = Effect.fnUntraced(function* (source: Database.Settings["source"]) {
  const context = yield* Layer.build(Layer.fresh(Database.layer({ source })))
  yield* Effect.provide(
    Effect.flatMap(PgClient.PgClient, (sql) => Migrations.run(sql, new URL("../migrations/", import.meta.url))),
    context
  )
  return context
})

/** The embedded database of a data directory, migrated. */
export const database = Effect.fnUntraced(function* (dataDirectory: string) {
  const server = yield* PostgresServer.start({ dataDirectory })
  return { server, context: yield* storageAt({ server }) }
})

/** What of the database's settings decides how durable a commit is. */
export const settingsQuery = `SELECT ${[
  "server_version",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "wal_sync_method"
]
  .map((name) => `current_setting('${name}') AS ${name}`)
  .join(", ")}`

const notSetUp = (error: { readonly message: string }) =>
  new BenchFailed({ message: `the data could not be set up: ${error.message}` })

/** Fills the data directory of a server that is not yet started. */
export const seed = (dataDirectory: string, masterSecret: string) =>
  Effect.gen(function* () {
    const { context } = yield* database(dataDirectory)
    const seeding = Effect.gen(function* () {
      yield* open
      yield* registerAndFund(0, people)
      yield* formHouseholds
    })
    yield* Effect.provide(seeding, runtime(masterSecret).pipe(Layer.provide(Layer.succeedContext(context))))
  }).pipe(Effect.scoped, Effect.mapError(notSetUp))

/** Fills an outside database with the wallets, nothing else. */
export const seedAt = (url: Redacted.Redacted, masterSecret: string) =>
  Effect.gen(function* () {
    const context = yield* storageAt({ url })
    const seeding = Effect.andThen(open, registerAndFund(0, wallets))
    yield* Effect.provide(seeding, runtime(masterSecret).pipe(Layer.provide(Layer.succeedContext(context))))
  }).pipe(Effect.scoped, Effect.mapError(notSetUp))
