/** The types of all events that stand at a contact's key: whatever can happen to her, and to what is judged with her. */
import { aggregates } from "#domain/Domain.ts"
import type { Event } from "#domain/Event.ts"
import { members, tagOf } from "../journal/Kinds.ts"

const { award, community, contact, held, purchase } = aggregates

export const eventsOfContacts = [contact, community, purchase, award, held].flatMap(({ Event }) =>
  members(Event.ast).map(tagOf)
) as ReadonlyArray<Event["_tag"]>
