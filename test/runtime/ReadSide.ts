/**
 * The read side over a database of its own: actors that write, views that follow, and words to fill them. A projector can
 * be started beside it any number of times, in a scope of its own, which is what killing one comes down to.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import * as Actors from "#runtime/actor/Actors.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as Catalogue from "#runtime/projection/Catalogue.ts"
import * as ContactDirectory from "#runtime/projection/ContactDirectory.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import * as History from "#runtime/projection/History.ts"
import type { Projection } from "#runtime/projection/Projection.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import { ReaderWaitMaxMs } from "#runtime/projection/WaitingReaders.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { businessId, contactId, openBusiness } from "./SampleCommands.ts"

export const projections = [ContactDirectory.contactDirectory, Catalogue.catalogue]

/** What a reader of a view waits here at most: only a fault lasts as long, however much else the machine does. */
const readerWaitMaxMs = 60_000
/** For what is to be refused: it waits no longer than it would elsewhere. */
export const withoutPatience = Effect.provideService(ReaderWaitMaxMs, 1_000)

/** Everything but a projector. */
export const writeSide = Layer.mergeAll(
  Actors.layer,
  DataKeys.layer,
  History.layer.pipe(Layer.provide(DataKeys.layer))
).pipe(
  Layer.provideMerge(
    Layer.merge(JournalPostgres.layer, Sealer.layer(Redacted.make("a master secret that is long enough")))
  ),
  Layer.provideMerge(TestDatabase.layer),
  Layer.provideMerge(Layer.succeed(ReaderWaitMaxMs, readerWaitMaxMs))
)

export const readSide = Layer.mergeAll(ContactDirectory.layer, Catalogue.layer, Projector.layer(projections)).pipe(
  Layer.provideMerge(writeSide)
)

/** Works with a projector that is dead afterwards. */
export const withProjector = <A, E, R>(
  use: (projector: Projector.Projector["Service"]) => Effect.Effect<A, E, R>,
  of: ReadonlyArray<Projection> = projections
) => Effect.flatMap(Projector.Projector, use).pipe(Effect.provide(Layer.fresh(Projector.layer(of)), { local: true }))

export const ask = (command: Actors.Ask) => Effect.flatMap(Actors.Actors, (actors) => actors.ask(command))

export const open = ask(openBusiness())

interface Person {
  readonly firstName?: string
  readonly lastName?: string
  readonly companyName?: string
  readonly email?: string
  /** E.164 without its plus. */
  readonly phone?: string
  readonly code?: string
  readonly loyaltyIdentifiers?: ReadonlyArray<string>
}

/** A registration under a number, with what a test needs to say of the person. */
export const person = (
  number: number,
  { phone, code = `C-${number}`, ...given }: Person = {},
  business = businessId
): Actors.Ask => {
  const { loyaltyIdentifiers = [], ...names } = given
  const isCompany = names.companyName !== undefined
  return {
    business,
    key: contactId(number),
    command: {
      _tag: "RegisterContact",
      contactId: contactId(number),
      type: isCompany ? "COMPANY" : "PERSON",
      profile: {
        ...(!isCompany && { firstName: "Eleni", lastName: "Georgiou" }),
        ...names,
        ...(phone !== undefined && {
          phone: { type: "MOBILE", countryCode: "CYP", number: phone.slice(3), e164: `+${phone}` }
        })
      },
      identity: {
        code,
        referralCode: `EL${String(number).padStart(4, "0")}`,
        walletCode: String(1e15 + number),
        loyaltyIdentifiers,
        cards: [],
        giftPasses: []
      }
    }
  }
}

/** All rows of the views, as text, so that two states of them can be compared row by row. */
export const viewRows = Effect.gen(function* () {
  const sql = yield* SqlClient
  const tables = ["contact_directory", "catalogue_product", "catalogue_classification"]
  const rows = yield* Effect.forEach(tables, (table) =>
    sql.unsafe<{ row: string }>(`SELECT '${table} ' || t::text AS row FROM ${table} t ORDER BY row`)
  )
  return rows.flat().map(({ row }) => row)
})
