/**
 * Who is in a community, and in which communities a contact is: read from the actors themselves, so that a list holds
 * whatever was answered before it was asked for. Names are the members' own.
 */
import { relationWith } from "#domain/community/Community.ts"
import type { Relation } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { displayName } from "#domain/contact/Profile.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type List, type PageAsked, pageOf, pagingQuery } from "./Paging.ts"
import { type Community, livingRelations, type Person, renderCommunity, renderPerson } from "./Person.ts"

/** Contacts read at once for one list. */
const readsAtOnceMax = 32

export const listQuery = {
  ...pagingQuery,
  /** A relation is scheduled for no date, and its last change is its beginning: both sort as `CREATED_DATE` does. */
  sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME", "SCHEDULED_DATE"]))
}
type ListAsked = PageAsked & { readonly sort?: "CREATED_DATE" | "UPDATED_DATE" | "NAME" | "SCHEDULED_DATE" }

interface Entry {
  readonly relation: Relation
  /** Of whom the list tells: the member, or the owner. */
  readonly contact: ContactState
}

const byName = new Intl.Collator("und", { sensitivity: "base" })

const sorted = (entries: ReadonlyArray<Entry>, { sort, order }: ListAsked): ReadonlyArray<Entry> => {
  const direction = (order ?? "DESC") === "ASC" ? 1 : -1
  const compare = (left: Entry, right: Entry): number =>
    (sort === "NAME" ? byName.compare(displayName(left.contact.profile), displayName(right.contact.profile)) : 0) ||
    left.relation.invitedAt - right.relation.invitedAt ||
    (left.relation.relationshipId < right.relation.relationshipId ? -1 : 1)
  return entries.toSorted((left, right) => direction * compare(left, right))
}

export const peopleOf = Effect.fnUntraced(function* (
  business: Business,
  ownerId: string,
  asked: ListAsked & { readonly group?: string; readonly states: ReadonlyArray<Relation["state"]> }
) {
  const actors = yield* Actors
  const at = yield* Clock.currentTimeMillis
  const community = yield* actors.read(business.id, ownerId, "community")
  const relations = livingRelations(community.state, at)
    .filter(({ state }) => asked.states.includes(state))
    .filter(({ terms }) => asked.group === undefined || terms.group === asked.group)
  const withContact = (relation: Relation) =>
    Effect.map(actors.read(business.id, relation.memberId, "contact"), ({ state: contact }) => ({ relation, contact }))
  const entries = yield* Effect.forEach(relations, withContact, { concurrency: readsAtOnceMax })
  const page: List<Entry> = pageOf(sorted(entries, asked), asked)
  return {
    ...page,
    content: page.content.map(({ relation, contact }): Person => renderPerson(relation, contact, business, at))
  }
})

/** A person of the community, or nothing. */
export const personOf = Effect.fnUntraced(function* (business: Business, ownerId: string, relationshipId: string) {
  const actors = yield* Actors
  const at = yield* Clock.currentTimeMillis
  const { state, seq } = yield* actors.read(business.id, ownerId, "community")
  const relation = livingRelations(state, at).find((each) => each.relationshipId === relationshipId)
  if (relation === undefined) return undefined
  const member = yield* actors.read(business.id, relation.memberId, "contact")
  return { relation, seq, person: renderPerson(relation, member.state, business, at) }
})

/** Those that she has joined or is invited to; her own view says where to look, the community itself how it stands. */
export const communitiesOf = Effect.fnUntraced(function* (business: Business, memberId: string, asked: ListAsked) {
  const actors = yield* Actors
  const at = yield* Clock.currentTimeMillis
  const member = yield* actors.read(business.id, memberId, "contact")
  const entries = yield* Effect.forEach(
    member.state.memberships,
    ({ ownerId }) =>
      Effect.gen(function* () {
        const community = yield* actors.read(business.id, ownerId, "community")
        const relation = relationWith({ ...community.state, relations: livingRelations(community.state, at) }, memberId)
        if (relation === undefined || relation.state === "REJECTED") return []
        const owner = yield* actors.read(business.id, ownerId, "contact")
        return [{ relation, contact: owner.state }]
      }),
    { concurrency: readsAtOnceMax }
  )
  const page = pageOf(sorted(entries.flat(), asked), asked)
  return {
    ...page,
    content: page.content.map(({ relation, contact }): Community => renderCommunity(relation, contact, business, at))
  }
})
