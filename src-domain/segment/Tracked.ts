/**
 * The fields of which "has been for" can be asked: those whose every change is an event. Each names the events that give
 * it its value, so that since when it has had one is read off the events alone.
 */

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
  readonly present?: string
}

const optOut = (channel: string, property: string): Tracked => ({
  changes: [
    { event: "ContactRegistered", property },
    { event: "ContactUpdated", property },
    { event: "OptOutChanged", property: "opted_out", only: { property: "channel", value: channel } }
  ]
})

export const trackedFields: { readonly [field: string]: Tracked } = {
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
  email_opt_out: optOut("EMAIL", "email_opt_out"),
  sms_opt_out: optOut("SMS", "sms_opt_out"),
  language_code: {
    changes: [
      { event: "ContactRegistered", property: "language_code" },
      { event: "ContactUpdated", property: "language_code" }
    ]
  },
  time_zone: {
    changes: [
      { event: "ContactRegistered", property: "time_zone" },
      { event: "ContactUpdated", property: "time_zone" }
    ]
  },
  spend_blocked: {
    changes: [
      { event: "ContactRegistered", value: false },
      { event: "SpendBlockChanged", property: "blocked" }
    ]
  },
  tags: { changes: [{ event: "TagsChanged", property: "tags" }], list: true },
  /** Asked with the id of the owner: accepted in that community. */
  communities: {
    changes: [{ event: "MembershipChanged", property: "state" }],
    subject: "owner_id",
    present: "ACCEPTED"
  }
}
