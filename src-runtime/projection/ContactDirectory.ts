/**
 * The contact directory: every contact of a business with what people search by. It is the one view that holds personal
 * data in the clear; it follows the journal (see `Projector.waitFor`), can be rebuilt from it, and erasing a contact has
 * to delete her row. Lists come in keyset order, so that a cursor misses and repeats nothing while contacts arrive.
 */
import { claimOf } from "#domain/contact/Claims.ts"
import { displayName } from "#domain/contact/Profile.ts"
import type { Identity, Profile } from "#domain/contact/Profile.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage, type SortColumn } from "./Listing.ts"
import type { Page, PageRequest } from "./Paging.ts"
import { type Committed, type Projection, recordset } from "./Projection.ts"
import { digitsOf, searchQuery, sortKey, wordsOf } from "./SearchWords.ts"
import type { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

export interface DirectoryContact {
  readonly contactId: string
  readonly type: "PERSON" | "COMPANY"
  readonly code: string
  readonly referralCode: string
  readonly walletCode: string
  readonly displayName: string
  readonly firstName?: string
  readonly middleName?: string
  readonly lastName?: string
  readonly companyName?: string
  readonly email?: string
  /** As it was given, and in E.164. */
  readonly phone?: { readonly number: string; readonly e164: string }
  readonly loyaltyIdentifiers: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly registeredAt: number
  readonly updatedAt: number
}

export interface DirectoryQuery extends PageRequest {
  readonly business: string
  /** The beginnings of words of names, e-mail, phone, code, wallet code or loyalty identifiers; all have to be there. */
  readonly search?: string | undefined
  readonly email?: string | undefined
  /** E.164. */
  readonly phone?: string | undefined
  readonly code?: string | undefined
  readonly type?: "PERSON" | "COMPANY" | undefined
  readonly sort: "CREATED_DATE" | "NAME" | "CODE"
}

export class ContactDirectory extends Context.Service<
  ContactDirectory,
  {
    readonly list: (query: DirectoryQuery) => Effect.Effect<Page<DirectoryContact>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/ContactDirectory") {}

interface Row {
  readonly business: string
  readonly contact: string
  readonly type: string
  readonly code: string
  readonly referral_code: string
  readonly wallet_code: string
  readonly display_name: string
  readonly first_name: string | null
  readonly middle_name: string | null
  readonly last_name: string | null
  readonly company_name: string | null
  readonly email: string | null
  readonly phone_number: string | null
  readonly phone_e164: string | null
  readonly loyalty_identifiers: ReadonlyArray<string>
  readonly registered_at: number | bigint
  readonly updated_at: number | bigint
}

const columnTypes = {
  business: "uuid",
  contact: "uuid",
  type: "text",
  code: "text",
  referral_code: "text",
  wallet_code: "text",
  display_name: "text",
  first_name: "text",
  middle_name: "text",
  last_name: "text",
  company_name: "text",
  email: "text",
  phone_number: "text",
  phone_e164: "text",
  loyalty_identifiers: "text[]",
  registered_at: "bigint",
  updated_at: "bigint"
} satisfies Record<keyof Row, string>

const columns = Object.keys(columnTypes)
const columnList = columns.join(", ")
const definitions = Object.entries(columnTypes).map(([name, type]) => `${name} ${type}`)

const upsert =
  `INSERT INTO contact_directory (${columnList}, name_key, code_key, words) ` +
  `SELECT ${columnList}, name_key, code_key, array_to_tsvector(words) FROM json_to_recordset($1::json) ` +
  `AS r(${definitions.join(", ")}, name_key text, code_key text, words text[]) ` +
  "ON CONFLICT (business, contact) DO UPDATE SET " +
  [...columns, "name_key", "code_key", "words"].map((column) => `${column} = excluded.${column}`).join(", ")

const ofProfile = (profile: Profile) => ({
  display_name: displayName(profile),
  first_name: profile.firstName ?? null,
  middle_name: profile.middleName ?? null,
  last_name: profile.lastName ?? null,
  company_name: profile.companyName ?? null,
  email: profile.email ?? null,
  phone_number: profile.phone?.number ?? null,
  phone_e164: profile.phone?.e164 ?? null
})

const ofIdentity = ({ code, referralCode, walletCode, loyaltyIdentifiers }: Identity) => ({
  code,
  referral_code: referralCode,
  wallet_code: walletCode,
  loyalty_identifiers: loyaltyIdentifiers
})

/** The row after an event; events of a contact who is not there say nothing that could be listed. */
const evolve = (row: Row | undefined, { event, row: { business, key } }: Committed): Row | undefined => {
  switch (event._tag) {
    case "ContactRegistered": {
      const { type, profile, identity, at } = event
      const dates = { registered_at: at, updated_at: at }
      return { business, contact: key, type, ...ofProfile(profile), ...ofIdentity(identity), ...dates }
    }
    case "ContactUpdated":
      return row && { ...row, ...ofProfile(event.profile), updated_at: event.at }
    case "IdentifiersAdded":
      return row && { ...row, ...ofIdentity(event.identity), updated_at: event.at }
    default:
      return row
  }
}

const codeKey = (code: string): string => claimOf("code", code).value

/** What the row is found and sorted by, made of what it shows. */
const indexed = (row: Row) => ({
  ...row,
  name_key: sortKey(row.display_name),
  code_key: codeKey(row.code),
  words: wordsOf(
    row.display_name,
    row.first_name,
    row.middle_name,
    row.last_name,
    row.company_name,
    row.email,
    row.code,
    row.referral_code,
    row.wallet_code,
    ...row.loyalty_identifiers,
    digitsOf(row.phone_e164),
    digitsOf(row.phone_number)
  )
})

export const contactDirectory: Projection = {
  name: "contact_directory",
  types: ["ContactRegistered", "ContactUpdated", "IdentifiersAdded"],
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE contact_directory")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const rows = new Map<string, Row>()
    const unseen = new Set(events.map(({ row }) => row.key))
    for (const { event, row } of events) if (event._tag === "ContactRegistered") unseen.delete(row.key)
    if (unseen.size > 0) {
      const known = yield* sql.unsafe<Row>(
        `SELECT ${columnList} FROM contact_directory WHERE (business, contact) IN ` +
          "(SELECT business, contact FROM json_to_recordset($1::json) AS r(business uuid, contact uuid))",
        [recordset(events.map(({ row }) => ({ business: row.business, contact: row.key })))]
      )
      for (const row of known) rows.set(row.contact, row)
    }
    for (const committed of events) {
      const row = evolve(rows.get(committed.row.key), committed)
      if (row !== undefined) rows.set(committed.row.key, row)
    }
    if (rows.size > 0) yield* sql.unsafe(upsert, [recordset([...rows.values()].map(indexed))])
  })
}

const shown = (row: Row): DirectoryContact => ({
  contactId: row.contact,
  type: row.type as DirectoryContact["type"],
  code: row.code,
  referralCode: row.referral_code,
  walletCode: row.wallet_code,
  displayName: row.display_name,
  ...(row.first_name !== null && { firstName: row.first_name }),
  ...(row.middle_name !== null && { middleName: row.middle_name }),
  ...(row.last_name !== null && { lastName: row.last_name }),
  ...(row.company_name !== null && { companyName: row.company_name }),
  ...(row.email !== null && { email: row.email }),
  ...(row.phone_e164 !== null && { phone: { number: row.phone_number ?? row.phone_e164, e164: row.phone_e164 } }),
  loyaltyIdentifiers: row.loyalty_identifiers,
  registeredAt: Number(row.registered_at),
  updatedAt: Number(row.updated_at)
})

const byContact: SortColumn<Row> = { column: "contact", type: "uuid", valueOf: (row) => row.contact }
const sorts: Record<DirectoryQuery["sort"], SortColumn<Row>> = {
  CREATED_DATE: { column: "registered_at", type: "bigint", valueOf: (row) => Number(row.registered_at) },
  NAME: { column: "name_key", type: "text", valueOf: (row) => sortKey(row.display_name) },
  CODE: { column: "code_key", type: "text", valueOf: (row) => codeKey(row.code) }
}

/** Nothing but spaces asks for nothing; a search that holds no word finds nobody. */
const searchCondition = (search: string | undefined): ReadonlyArray<Condition> => {
  if (search === undefined || search.trim() === "") return []
  const words = searchQuery(search)
  return [words === undefined ? ["false"] : ["words @@ ?::tsquery", words]]
}

const conditionsOf = ({ business, search, email, phone, code, type }: DirectoryQuery): ReadonlyArray<Condition> => [
  ["business = ?", business],
  ...(email === undefined ? [] : [["email = ?", claimOf("email", email).value] as const]),
  ...(phone === undefined ? [] : [["phone_e164 = ?", claimOf("phone", phone).value] as const]),
  ...(code === undefined ? [] : [["code_key = ?", codeKey(code)] as const]),
  ...(type === undefined ? [] : [["type = ?", type] as const]),
  ...searchCondition(search)
]

export const layer: Layer.Layer<ContactDirectory, never, SqlClient> = Layer.effect(
  ContactDirectory,
  Effect.map(SqlClient, (sql) =>
    ContactDirectory.of({
      list: Effect.fn("ContactDirectory.list")(function* (query) {
        const page = yield* readPage<Row>(sql, {
          table: "contact_directory",
          columns: columnList,
          conditions: conditionsOf(query),
          sort: [sorts[query.sort], byContact],
          request: query
        })
        return { ...page, rows: page.rows.map(shown) }
      })
    })
  )
)
