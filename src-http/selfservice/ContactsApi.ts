/** A contact as her app sees and changes her, and the session it does that in. Safe to share with clients. */
import { TokenIntent } from "#domain/contact/ContactToken.ts"
import { OrganisationType } from "#domain/organisation/Business.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Contact } from "../resource/Contact.ts"
import { contactFields } from "../resource/ContactFields.ts"
import { Amount, Id } from "../resource/Fields.ts"
import { tokenPairFields } from "../resource/TokenPair.ts"

const text = Schema.optionalKey(Schema.String)
const Reference = Schema.Struct({ id: Schema.String })

export const getContact = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id",
  tag: "Contact",
  name: "getContact",
  summary: "Read a contact",
  access: "contact",
  status: 200,
  success: Contact
})

export const updateContact = declare({
  method: "PUT",
  path: "/self-service/v2/contacts/:id",
  tag: "Contact",
  name: "updateContact",
  summary: "Change a contact",
  description:
    "What is given replaces what is there; what is left out, or null, stays. A new e-mail address or phone number " +
    "identifies her from the answer on, and the old one no longer does. An opt-out holds at once, also where the rest is " +
    "refused or waits for approval. Beyond the published description: time_zone, where she lives.",
  access: "contact",
  body: Schema.Struct({ id: Schema.optionalKey(Id), ...contactFields }),
  status: 200,
  success: Reference
})

export const refreshSession = declare({
  method: "POST",
  path: "/self-service/v2/contacts/refresh",
  tag: "Authentication",
  name: "refreshSession",
  summary: "Get new tokens for a refresh token",
  description: "Send the refresh token as Authorization: Bearer.",
  access: "refresh",
  status: 200,
  success: Schema.Struct({
    ...tokenPairFields,
    contact: Schema.Struct({
      id: Schema.String,
      type: Schema.Literals(["PERSON", "COMPANY"]),
      first_name: text,
      last_name: text,
      company_name: text
    }),
    organisations: Schema.Array(Schema.Struct({ id: Schema.String, type: OrganisationType, name: Schema.String })),
    communities: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String })),
    existing_contact: Schema.Boolean
  })
})

const tokenShape = {
  id: Schema.String,
  value: Schema.String,
  /** 16 digits, for tills without a scanner. */
  alternative_token: Schema.String,
  /** Epoch seconds. */
  expiration: Schema.Int,
  /** Absent: as much as possible. */
  spend_amount: Schema.optionalKey(Amount),
  intent: TokenIntent,
  community_id: text
}
export const ContactToken = Schema.Struct(tokenShape)

export const listTokens = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/tokens",
  tag: "Contact Tokens",
  name: "listTokens",
  summary: "List the tokens that a contact can still use",
  access: "contact",
  query: Schema.Struct({ community_id: Schema.optionalKey(Id), intent: Schema.optionalKey(TokenIntent) }),
  status: 200,
  success: Schema.Struct({ content: Schema.Array(ContactToken) })
})

export const issueToken = declare({
  method: "POST",
  path: "/self-service/v2/contacts/:id/tokens",
  tag: "Contact Tokens",
  name: "issueToken",
  summary: "Make a one-time token for the till",
  description: "It is good for one purchase within five minutes, and agrees to spend up to its amount.",
  access: "contact",
  body: Schema.Struct({
    intent: TokenIntent,
    spend_amount: Schema.optionalKey(Schema.NullOr(Amount)),
    /** Of a purchase to be approved: estimates are not served yet. */
    purchase: Schema.optionalKey(Schema.Struct({ estimate_id: Id })),
    /** Whose shared wallet to use, where there are several (SHR-4). */
    community_id: Schema.optionalKey(Id)
  }),
  status: 200,
  success: ContactToken
})
