/**
 * Segments for those who read them and act on them. Who is in a live one is right for everything that was committed, and
 * every instant that had come, before the call (SEG-3); the others are right as of their last refresh. Everything is asked
 * within one business; a segment of another is one that nobody is in.
 */
import type { ConditionSets } from "#domain/segment/Condition.ts"
import type { SetExplained } from "#domain/segment/Explain.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { shardOf } from "../actor/Placement.ts"
import { contactDirectory } from "../projection/ContactDirectory.ts"
import { readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { Projector } from "../projection/Projector.ts"
import { type CursorInvalid, NoLongerKept, ProjectionBehind, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { PastLooks } from "./PastLooks.ts"
import { HistoricalFacts } from "./HistoricalFacts.ts"
import type { Imported, Reference } from "./Imports.ts"
import { LiveMembership } from "./LiveMembership.ts"
import { liveSegmentsName } from "./LiveSegments.ts"
import * as MemberSheet from "./MemberSheet.ts"
import * as MemberLists from "./MemberLists.ts"
import type { MemberOf, SegmentStatus } from "./MemberLists.ts"
import * as Preview from "./Preview.ts"
import type { SegmentChange } from "./SegmentChange.ts"
import { SegmentStore } from "./SegmentStore.ts"

export interface Member extends Omit<MemberOf, "segmentId"> {
  readonly contact: string
  /** As the directory has it; absent for one who is not there. */
  readonly displayName?: string
}

/** Contacts with the names that the directory has for them. */
export interface NamedGroup {
  readonly count: number
  readonly sample: ReadonlyArray<{ readonly contact: string; readonly displayName?: string }>
}

export interface Look {
  /** Absent: now. */
  readonly at?: number | undefined
  readonly sampleSize: number
}

type Unread = ProjectionBehind | ViewUnavailable
type Unkept = Unread | NoLongerKept
export type Explanation = ReadonlyArray<SetExplained>

export class Segments extends Context.Service<
  Segments,
  {
    readonly isMember: (business: string, segment: string, contact: string) => Effect.Effect<boolean, Unread>
    /** Epoch milliseconds; `undefined`: she is not in it. */
    readonly memberSince: (
      business: string,
      segment: string,
      contact: string
    ) => Effect.Effect<number | undefined, Unread>
    /** As of an instant that has passed (SEG-7). */
    readonly wasMember: (
      business: string,
      segment: string,
      contact: string,
      at: number
    ) => Effect.Effect<boolean, Unkept>
    readonly segmentsOf: (business: string, contact: string) => Effect.Effect<ReadonlyArray<MemberOf>, Unread>
    readonly members: (
      business: string,
      segment: string,
      page: PageRequest
    ) => Effect.Effect<Page<Member>, CursorInvalid | Unread>
    /** From its beginning, or after a position. Of what is no longer kept the beginning tells who was in by then. */
    readonly changes: (
      business: string,
      segment: string,
      after: number,
      rowsMax: number
    ) => Effect.Effect<ReadonlyArray<SegmentChange>, Unkept>
    readonly status: (business: string, segment: string) => Effect.Effect<SegmentStatus, Unread>
    /** Asked for, durably; it is computed by the runner that holds the business. */
    readonly refresh: (business: string, segment: string) => Effect.Effect<void, Unread>
    readonly preview: (business: string, sets: ConditionSets, look: Look) => Effect.Effect<NamedGroup, Unkept>
    readonly difference: (
      business: string,
      first: ConditionSets,
      second: ConditionSets,
      look: Look
    ) => Effect.Effect<{ readonly [Part in keyof Preview.Difference]: NamedGroup }, Unkept>
    /** `undefined`: there is no such contact. */
    readonly why: (
      business: string,
      sets: ConditionSets,
      contact: string
    ) => Effect.Effect<Explanation | undefined, Unread>
    /** One verdict for each row, in their order; of several references in a row the first is meant, and all have to agree. */
    readonly importMembers: (
      business: string,
      segment: string,
      rows: ReadonlyArray<ReadonlyArray<Reference>>
    ) => Effect.Effect<ReadonlyArray<Imported>, Unread>
    /** The members as a file for people, in steps; that it can be read is known before the first of them. */
    readonly csv: (sheet: MemberSheet.Sheet) => Effect.Effect<Stream.Stream<string, Unread>, Unread>
    readonly workbook: (sheet: MemberSheet.Sheet) => Effect.Effect<Uint8Array, Unread | MemberSheet.WorkbookTooLong>
    /** Whether a workbook can be made of the members as they are now. */
    readonly fitsWorkbook: (sheet: MemberSheet.Sheet) => Effect.Effect<boolean, Unread>
    /** Says whether she had been imported. */
    readonly removeMember: (business: string, segment: string, contact: string) => Effect.Effect<boolean, Unread>
  }
>()("koinon/runtime/Segments") {}

interface MemberRow {
  readonly contact: string
  readonly by_rule: boolean
  readonly by_import: boolean
  readonly since: bigint
  readonly display_name: string | null
}

const askRefresh =
  "UPDATE segment_state SET asked = 'DEMAND', asks = asks + 1, asked_at = $3::bigint, retry_at = NULL " +
  "WHERE business = $1::uuid AND segment = $2::uuid"
const readNames =
  "SELECT contact, display_name FROM contact_directory WHERE business = $1::uuid AND contact = ANY ($2::uuid[])"

const unread = (cause: unknown): Unread =>
  cause instanceof ProjectionBehind || cause instanceof ViewUnavailable
    ? cause
    : new ViewUnavailable({ view: "Segments", cause })
const view = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Unread> => Effect.mapError(effect, unread)
const past = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Unkept> =>
  Effect.mapError(effect, (cause) => (cause instanceof NoLongerKept ? cause : unread(cause)))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const projector = yield* Projector
  const store = yield* SegmentStore
  const history = yield* HistoricalFacts
  const { evaluation, handStore, imports, timers, wakeRefresher } = yield* LiveMembership
  handStore(store)
  const looking = Preview.make({ sql, store, history, evaluation, looks: yield* PastLooks })
  const sheets = MemberSheet.make(sql, store)
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()

  /** All that was committed before the call is judged, of every contact. */
  const settled = view(projector.waitFor(liveSegmentsName))
  /** And the directory knows everybody. */
  const withNames = Effect.andThen(settled, view(projector.waitFor(contactDirectory.name)))
  /** The same of one contact, and her instants. */
  const settledFor = Effect.fnUntraced(function* (business: string, contact: string) {
    const shard = shardOf(contact)
    const upTo = actors.holds(shard) ? [{ shard, offset: actors.committedOffset(shard) }] : undefined
    yield* projector.waitFor(liveSegmentsName, upTo)
    yield* timers.settle(business, contact)
  })

  const memberSince = (business: string, segment: string, contact: string) =>
    view(Effect.andThen(settledFor(business, contact), MemberLists.memberSince(sql, business, segment, contact)))

  const namesOf = Effect.fnUntraced(function* (business: string, contacts: ReadonlyArray<string>) {
    if (contacts.length === 0) return new Map<string, string>()
    const rows = yield* sql.unsafe<{ contact: string; display_name: string }>(readNames, [
      business,
      `{${contacts.join(",")}}`
    ])
    return new Map(rows.map((row) => [row.contact, row.display_name]))
  })
  const named = Effect.fnUntraced(function* (business: string, { count, sample }: Preview.Group) {
    const names = yield* namesOf(business, sample)
    return {
      count,
      sample: sample.map((contact) => {
        const displayName = names.get(contact)
        return { contact, ...(displayName !== undefined && { displayName }) }
      })
    } satisfies NamedGroup
  })
  /** What a look sees, the store sees, and the segments that are named. */
  const looked = Effect.andThen(withNames, store.caughtUp())
  /** The store is waited for only where it is asked. */
  const seenBy = ({ fields }: MemberSheet.Sheet) => (fields === undefined ? withNames : looked)

  return Segments.of({
    isMember: Effect.fn("Segments.isMember")((business, segment, contact) =>
      Effect.map(memberSince(business, segment, contact), (since) => since !== undefined)
    ),
    memberSince: Effect.fn("Segments.memberSince")(memberSince),
    wasMember: Effect.fn("Segments.wasMember")((business, segment, contact, at) =>
      past(
        Effect.gen(function* () {
          yield* settledFor(business, contact)
          const was = yield* MemberLists.wasMember(sql, business, segment, contact, at)
          // Looked at afterwards: nothing went while it was read, or it says so.
          const { before } = yield* MemberLists.prunedOf(sql, business, [segment])
          return at < before ? yield* new NoLongerKept({ asked: "INSTANT" }) : was
        })
      )
    ),
    segmentsOf: Effect.fn("Segments.segmentsOf")((business, contact) =>
      view(Effect.andThen(settledFor(business, contact), MemberLists.segmentsOf(sql, business, contact)))
    ),
    members: Effect.fn("Segments.members")(function* (business, segment, request) {
      yield* withNames
      const byContact = { column: "contact", type: "uuid", valueOf: (row: MemberRow) => row.contact } as const
      const page = yield* readPage<MemberRow>(sql, {
        table: "segment_member",
        columns: "contact, by_rule, by_import, since",
        conditions: [
          ["business = ?::uuid", business],
          ["segment = ?::uuid", segment]
        ],
        sort: [byContact, byContact],
        request
      })
      const names = yield* view(
        namesOf(
          business,
          page.rows.map(({ contact }) => contact)
        )
      )
      const rows = page.rows.map(({ contact, by_rule: byRule, by_import: byImport, since }): Member => {
        const displayName = names.get(contact)
        return { contact, byRule, byImport, since: Number(since), ...(displayName !== undefined && { displayName }) }
      })
      return { ...page, rows }
    }),
    changes: Effect.fn("Segments.changes")((business, segment, after, rowsMax) =>
      past(
        Effect.gen(function* () {
          yield* settled
          const changes = yield* MemberLists.changesAfter(sql, business, segment, after, rowsMax)
          const { position } = yield* MemberLists.prunedOf(sql, business, [segment])
          return after > 0 && after < position ? yield* new NoLongerKept({ asked: "POSITION" }) : changes
        })
      )
    ),
    status: Effect.fn("Segments.status")((business, segment) =>
      view(Effect.andThen(settled, MemberLists.statusOf(sql, business, segment)))
    ),
    refresh: Effect.fn("Segments.refresh")(function* (business, segment) {
      yield* settled
      yield* view(sql.unsafe(askRefresh, [business, segment, BigInt(now())]))
      wakeRefresher()
    }),
    preview: Effect.fn("Segments.preview")((business, sets, { at, sampleSize }) =>
      past(
        looked.pipe(
          Effect.andThen(Effect.suspend(() => looking.preview(business, sets, now(), at, sampleSize))),
          Effect.flatMap((found) => named(business, found))
        )
      )
    ),
    difference: Effect.fn("Segments.difference")((business, first, second, { at, sampleSize }) =>
      past(
        Effect.gen(function* () {
          yield* looked
          const found = yield* looking.difference(business, first, second, now(), at, sampleSize)
          return {
            onlyFirst: yield* named(business, found.onlyFirst),
            onlySecond: yield* named(business, found.onlySecond),
            both: yield* named(business, found.both)
          }
        })
      )
    ),
    why: Effect.fn("Segments.why")((business, sets, contact) =>
      view(
        Effect.gen(function* () {
          yield* settledFor(business, contact)
          yield* store.caughtUp()
          return yield* looking.why(business, sets, contact, now())
        })
      )
    ),
    importMembers: Effect.fn("Segments.importMembers")((business, segment, rows) =>
      view(
        Effect.gen(function* () {
          yield* settled
          yield* projector.waitFor(contactDirectory.name)
          return yield* imports.add(business, segment, rows)
        })
      )
    ),
    csv: Effect.fn("Segments.csv")((sheet) =>
      view(Effect.as(seenBy(sheet), Stream.mapError(sheets.csv(sheet), unread)))
    ),
    workbook: Effect.fn("Segments.workbook")((sheet) =>
      Effect.mapError(Effect.andThen(seenBy(sheet), sheets.workbook(sheet)), (error) =>
        error._tag === "WorkbookTooLong" ? error : unread(error)
      )
    ),
    fitsWorkbook: Effect.fn("Segments.fitsWorkbook")((sheet) =>
      view(Effect.andThen(settled, MemberSheet.fitsWorkbook(sql, sheet)))
    ),
    removeMember: Effect.fn("Segments.removeMember")((business, segment, contact) =>
      view(Effect.andThen(settled, imports.remove(business, segment, contact)))
    )
  })
})

export const layer: Layer.Layer<
  Segments,
  never,
  SqlClient | Actors | Projector | SegmentStore | HistoricalFacts | LiveMembership
> = Layer.effect(Segments, make)
