/**
 * Members by hand: contacts who were named in a file join as imported and stay until they are removed, whatever the rule
 * says (SEG-6). A contact is named by id, code, e-mail or phone, and found in the directory of her own business.
 */
import { claimOf } from "#domain/contact/Claims.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { shardOf } from "../actor/Placement.ts"
import { recordset } from "../projection/Projection.ts"
import * as ProjectionCursors from "../projection/ProjectionCursors.ts"
import * as InForce from "./InForce.ts"
import * as Judging from "./Judging.ts"
import type { LiveFacts } from "./LiveFacts.ts"
import { liveSegmentsName } from "./LiveSegments.ts"
import * as Membership from "./Membership.ts"
import type { SegmentChangeSink } from "./SegmentChange.ts"
import type { Store } from "./LateStore.ts"

/** Contacts of one transaction. */
const contactsAtOnce = 1_000

export type ReferenceKind = "id" | "code" | "email" | "phone"

export interface Reference {
  readonly kind: ReferenceKind
  /** A phone number in E.164. */
  readonly value: string
}

export type ImportVerdict = "ADDED" | "ALREADY_IMPORTED" | "NOT_FOUND" | "AMBIGUOUS"

export interface Imported {
  readonly verdict: ImportVerdict
  readonly contact?: string
}

const columns = { id: "contact::text", code: "code_key", email: "email", phone: "phone_e164" } as const
const findContacts = (kind: ReferenceKind): string =>
  `SELECT r.value, d.contact FROM json_to_recordset($1::json) AS r(value text) JOIN contact_directory d ` +
  (kind === "id"
    ? "ON d.business = $2::uuid AND d.contact = r.value::uuid"
    : `ON d.business = $2::uuid AND d.${columns[kind]} = r.value`)
const isPending = "SELECT 1 FROM segment_state WHERE business = $1::uuid AND segment = $2::uuid"

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const keyOf = ({ kind, value }: Reference): string => {
  if (kind === "id") return value.toLowerCase()
  return claimOf(kind, value).value
}

interface Options {
  readonly sql: SqlClient
  readonly store: Store
  readonly inForce: InForce.InForce
  readonly facts: LiveFacts
  readonly sinks: ReadonlyArray<SegmentChangeSink>
  readonly now: () => number
}

export const make = ({ sql, store, inForce, facts, sinks, now }: Options) => {
  const cursors = ProjectionCursors.make(sql)

  /** By kind and key: who answers to it. */
  const find = Effect.fnUntraced(function* (business: string, references: ReadonlyArray<Reference>) {
    const found = new Map<string, Set<string>>()
    for (const kind of ["id", "code", "email", "phone"] as const) {
      const keys = new Set(references.filter((each) => each.kind === kind).map(keyOf))
      const values = [...keys].filter((value) => kind !== "id" || uuid.test(value)).map((value) => ({ value }))
      if (values.length === 0) continue
      const rows = yield* sql.unsafe<{ value: string; contact: string }>(findContacts(kind), [
        recordset(values),
        business
      ])
      for (const { value, contact } of rows) {
        const name = `${kind} ${value}`
        const known = found.get(name)
        if (known === undefined) found.set(name, new Set([contact]))
        else known.add(contact)
      }
    }
    return (reference: Reference): ReadonlyArray<string> => [
      ...(found.get(`${reference.kind} ${keyOf(reference)}`) ?? [])
    ]
  })

  /** Makes the contacts imported members, or no longer; says who was neither before. */
  const mark = Effect.fnUntraced(function* (
    business: string,
    segment: string,
    contacts: ReadonlyArray<string>,
    byImport: boolean
  ) {
    yield* Membership.lockContacts(sql, [business], contacts.map(shardOf))
    // Noted by the projection when it was saved; deleted meanwhile, nothing is kept of it.
    if ((yield* sql.unsafe(isPending, [business, segment])).length === 0) return new Set<string>()
    const standings = yield* Membership.standingsOf(
      sql,
      contacts.map((contact) => ({ business, contact }))
    )
    const at = now()
    const moves = contacts.flatMap((contact): ReadonlyArray<Membership.Move> => {
      const before = standings.get(Membership.placeOf(business, contact))?.get(segment) ?? Membership.outside
      if (before.byImport === byImport) return []
      const after = { ...before, byImport, since: Membership.isIn(before) ? before.since : at }
      const reason = byImport ? "IMPORT" : "REMOVAL"
      return [{ business, segment, contact, before, after, reason, at }]
    })
    yield* Membership.write(sql, sinks, moves)
    // What is remembered of how contacts stand is not so any more.
    yield* InForce.raise(sql, business)
    const set = (yield* inForce.of(sql, [business])).get(business)
    const concerned = set?.drawnBy([segment])
    const moved = moves.filter(({ before, after }) => Membership.isIn(before) !== Membership.isIn(after))
    if (set !== undefined && concerned !== undefined && concerned.size > 0 && moved.length > 0) {
      // Whoever lives elsewhere was judged there on what the store may still be waiting for.
      yield* store.caughtUp(yield* cursors.load(liveSegmentsName))
      const known = yield* facts.peek(
        business,
        moved.map(({ contact }) => contact)
      )
      yield* Judging.judge(
        sql,
        sinks,
        facts,
        known.map((each) => ({ known: each, set, concerned, at, reason: "SEGMENT", because: segment }))
      )
    }
    return new Set(moves.map(({ contact }) => contact))
  })

  const inTransaction = (business: string, segment: string, contacts: ReadonlyArray<string>, byImport: boolean) =>
    Effect.onError(sql.withTransaction(mark(business, segment, contacts, byImport)), () =>
      Effect.sync(() => {
        inForce.forget(business)
        contacts.forEach((contact) => facts.forget(business, contact))
      })
    )

  return {
    /**
     * One verdict for each row of references, in their order. The first names the contact; another that names somebody else
     * leaves open who is meant (CIM-4). The directory holds what has to be seen.
     */
    add: Effect.fnUntraced(function* (
      business: string,
      segment: string,
      rows: ReadonlyArray<ReadonlyArray<Reference>>
    ) {
      const verdicts: Array<Imported> = []
      for (let from = 0; from < rows.length; from += contactsAtOnce) {
        const some = rows.slice(from, from + contactsAtOnce)
        const answering = yield* find(business, some.flat())
        const named = some.map(([first, ...others]) => {
          const meant = first === undefined ? [] : answering(first)
          const strangers = others.map(answering).filter((found) => !found.some((contact) => meant.includes(contact)))
          return meant.length === 0 ? meant : [...meant, ...strangers.flat()]
        })
        const contacts = new Set(named.flatMap((found) => (found.length === 1 ? found : [])))
        const added = contacts.size === 0 ? contacts : yield* inTransaction(business, segment, [...contacts], true)
        for (const found of named) {
          const [contact] = found
          if (contact === undefined) verdicts.push({ verdict: "NOT_FOUND" })
          else if (found.length > 1) verdicts.push({ verdict: "AMBIGUOUS" })
          // Named twice, she is added once.
          else verdicts.push({ contact, verdict: added.delete(contact) ? "ADDED" : "ALREADY_IMPORTED" })
        }
      }
      return verdicts
    }),
    /** Says whether she had been imported. */
    remove: Effect.fnUntraced(function* (business: string, segment: string, contact: string) {
      return (yield* inTransaction(business, segment, [contact], false)).size > 0
    })
  }
}
