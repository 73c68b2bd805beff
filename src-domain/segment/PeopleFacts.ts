/**
 * What a contact has given her community, as facts of hers: each of her people with the terms in force, and how many there
 * are in each state, read off the schema of a relation. What somebody has used of a month is none of them: it is over when
 * the month is, with no event. The draws themselves are events, to be summed in a window, and say what they left of it. There are at
 * most as many entries as a community has people, and a draw leaves them as they are.
 */
import { type CommunityState, Relation, Terms } from "../community/CommunityState.ts"
import { RelationState } from "../contact/Membership.ts"
import { flat } from "./EventForms.ts"
import { type FactField, fieldsOf, hoisted, objectsOf, without } from "./FactForm.ts"

/** Flat, as all entries of lists are. */
const ofPerson = [
  ...without(fieldsOf(objectsOf(Relation)), "terms", "used"),
  ...hoisted("terms", fieldsOf(objectsOf(Terms)))
].flatMap((field) => flat("", field))

const relationsOf = (community: unknown) => (community as CommunityState).relations

/** To be read from the state of the community that she owns. */
export const peopleFields: ReadonlyArray<FactField> = [
  { name: "people", form: { kind: "LIST", of: { kind: "STRUCT", fields: ofPerson } }, read: relationsOf },
  {
    name: "people_count",
    form: {
      kind: "STRUCT",
      fields: RelationState.literals.map((wanted) => ({
        name: wanted.toLowerCase(),
        form: { kind: "NUMBER" },
        read: (relations) => (relations as CommunityState["relations"]).filter(({ state }) => state === wanted).length
      }))
    },
    read: relationsOf
  }
]

const shown = Object.keys(Relation.fields).filter((name) => name !== "used") as ReadonlyArray<keyof Relation>

/** Whether the facts are the same; of what is alike the states have the very same objects. */
export const haveSamePeople = (left: CommunityState, right: CommunityState): boolean =>
  left.relations === right.relations ||
  (left.relations.length === right.relations.length &&
    left.relations.every((relation, index) => {
      const other = right.relations[index]
      return relation === other || (other !== undefined && shown.every((name) => relation[name] === other[name]))
    }))
