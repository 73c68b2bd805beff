/** What a contact is labelled with, what she agreed to, and what she wants to hear. Safe to share with clients. */
import { ConsentState } from "#domain/contact/Consent.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Line } from "../resource/Fields.ts"
import { consentEffectsRules } from "./BusinessApi.ts"

const tag = "Contacts"
const contact = "/backoffice/v2/contacts/:id"
/** Tags in one request; the domain says how many one contact has. */
const tagsMax = 50
const Tags = Schema.optionalKey(Schema.Array(Line).check(Schema.isMaxLength(tagsMax)))

export const changeTags = declare({
  method: "PUT",
  path: `${contact}/tags`,
  tag,
  name: "changeTags",
  summary: "Add and take away a contact's tags",
  description: "A tag is a word of the business, not of the contact. What is in neither list stays.",
  access: "secret",
  body: Schema.Struct({ add: Tags, remove: Tags }),
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})

export const changeConsent = declare({
  method: "PUT",
  path: `${contact}/consent`,
  tag,
  name: "changeConsent",
  summary: "Write down a contact's consent",
  description:
    "PENDING becomes ACCEPTED or REJECTED, ACCEPTED becomes WITHDRAWN, and either of the others ACCEPTED again. The form " +
    "that was agreed to is kept as evidence. What a contact without consent is left is one of the business's settings, " +
    `for REJECTED and for WITHDRAWN (changeSettings). ${consentEffectsRules}`,
  access: "secret",
  body: Schema.Struct({
    state: ConsentState,
    form: Schema.optionalKey(Schema.Struct({ version: Line, hash: Line }))
  }),
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})

export const changeCommunicationPreferences = declare({
  method: "PUT",
  path: `${contact}/communication_preferences`,
  tag,
  name: "changeCommunicationPreferences",
  summary: "Write down which marketing a contact does not want",
  description: "What is left out stays. Messages that a contact has to get, she gets whatever she has opted out of.",
  access: "secret",
  body: Schema.Struct({
    email_opt_out: Schema.optionalKey(Schema.Boolean),
    sms_opt_out: Schema.optionalKey(Schema.Boolean)
  }),
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})
