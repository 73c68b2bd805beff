/**
 * The fields of which "has been for" can be asked: those whose every change is an event. Each names the events that give
 * it its value, so that since when it has had one is read off the events alone. Whatever a contact is registered with and
 * updated with under its own name is among them without more code; only where an event says it in another form is that
 * written here.
 *
 * Who she is is asked in another way: see `ProfileChanges.ts`. Since when she is a member of a segment is part of that condition.
 */
import type { FactField } from "./FactForm.ts"
import { type EventForm, eventForms, propertyIn } from "./EventForms.ts"
import { ownFields } from "./Facts.ts"

/** An event after which the field has the value that `property` holds, or always `value`. */
export interface Change {
  readonly event: string
  readonly property?: string
  readonly value?: string | boolean
  /** Only an event where this property is this. */
  readonly only?: { readonly property: string; readonly value: string }
}

export interface Tracked {
  readonly changes: ReadonlyArray<Change>
  /** The wanted value is one entry of a list: has it been in there. */
  readonly list?: true
  /** The wanted value is what this property is; then each change says whether it came (true) or went. */
  readonly subject?: string
  /** Of a `subject`, the value of `property` with which it is there. */
  readonly present?: string | boolean
}

/** What they hold takes the place of what was there under the same name; what they do not mention stays. */
const settingEvents = ["ContactRegistered", "ContactUpdated"]

/** One value, or a list of them: of more, the events have only parts. */
const isPlain = ({ form }: FactField): boolean => {
  const { kind } = form.kind === "LIST" ? form.of : form
  return kind !== "STRUCT" && kind !== "RECORD" && kind !== "LIST" && kind !== "DATE" && kind !== "MONTH_DAY"
}

type Tracks = { readonly [field: string]: Tracked }

/** Of a contact's own fields, those that the events set by their names. */
export const trackedOf = (fields: ReadonlyArray<FactField>, events: ReadonlyMap<string, EventForm>): Tracks =>
  Object.fromEntries(
    fields.filter(isPlain).flatMap(({ name, form }) => {
      const changes = settingEvents.flatMap((event): ReadonlyArray<Change> => {
        const property = propertyIn(event, name)
        return events.get(event)?.fields.some((field) => field.name === property) === true ? [{ event, property }] : []
      })
      return changes.length === 0 ? [] : [[name, { changes, ...(form.kind === "LIST" && { list: true }) }] as const]
    })
  )

const optOut = (channel: string): Tracked => ({
  changes: [{ event: "OptOutChanged", property: "opted_out", only: { property: "channel", value: channel } }]
})

const otherwise: Tracks = {
  interaction_state: {
    changes: [
      { event: "ContactRegistered", value: "NEVER_ENGAGED" },
      { event: "InteractionStateChanged", property: "to" }
    ]
  },
  consent: {
    changes: [
      { event: "ContactRegistered", value: "PENDING" },
      { event: "ConsentChanged", property: "to" }
    ]
  },
  email_opt_out: optOut("EMAIL"),
  sms_opt_out: optOut("SMS"),
  spend_blocked: {
    changes: [
      { event: "ContactRegistered", value: false },
      { event: "SpendBlockChanged", property: "blocked" }
    ]
  },
  tags: { changes: [{ event: "TagsChanged", property: "tags" }], list: true },
  active_pool_ids: {
    changes: [{ event: "PoolActivationChanged", property: "active" }],
    subject: "pool_id",
    present: true
  },
  /** Asked with the id of the owner: accepted in that community. */
  communities: {
    changes: [{ event: "MembershipChanged", property: "state" }],
    subject: "owner_id",
    present: "ACCEPTED"
  }
}

const byName = trackedOf(ownFields, eventForms)

export const trackedFields: Tracks = {
  ...byName,
  ...Object.fromEntries(
    Object.entries(otherwise).map(([field, tracked]) => [
      field,
      { ...tracked, changes: [...(byName[field]?.changes ?? []), ...tracked.changes] }
    ])
  )
}
