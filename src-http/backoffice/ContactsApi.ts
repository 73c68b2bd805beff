/** Contacts as the back office and integrators keep them. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { CountryCode } from "#domain/shared/Country.ts"
import { declare } from "../door/Endpoint.ts"
import { NoFields } from "../door/Validation.ts"
import { CardGiven } from "../resource/Card.ts"
import { ContactInBackOffice, Wallet } from "../resource/Contact.ts"
import { contactFields, Email, PhoneGiven } from "../resource/ContactFields.ts"
import { listQuery } from "../resource/CommunityLists.ts"
import { Id, Line } from "../resource/Fields.ts"
import { InvitationBody } from "../resource/Invitation.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"
import { Person } from "../resource/Person.ts"
import { TokenPair } from "../resource/TokenPair.ts"

const tag = "Contacts"
const contacts = "/backoffice/v2/contacts"
const text = Schema.optionalKey(Schema.String)
const Reference = Schema.Struct({ id: Schema.String })
const ContactType = Schema.Literals(["PERSON", "COMPANY"])

/** Media of one kind in one request; a contact has at most 64 of all kinds together. */
const mediaMax = 64
const listOfMedia = <S extends Schema.Top>(medium: S) =>
  Schema.optionalKey(Schema.Array(medium).check(Schema.isMaxLength(mediaMax)))

const media = {
  loyalty_identifiers: listOfMedia(Schema.Union([Line, Schema.Struct({ identifier: Line })])),
  /** A number is checked, hashed and forgotten; a hash made elsewhere is kept as it is. */
  cards: listOfMedia(CardGiven),
  /** Codes of gift passes that the contact has redeemed (CIM-3). */
  gift_passes: listOfMedia(Line)
}
const MediaGiven = Schema.Struct(media)
export type MediaGiven = typeof MediaGiven.Type

/** Fixed for good when a contact is created (IDN-1, IDN-3). */
const fixed = {
  type: Schema.optionalKey(ContactType),
  code: Schema.optionalKey(Line),
  referral_code: Schema.optionalKey(Line)
}

export const createContact = declare({
  method: "POST",
  path: contacts,
  tag,
  name: "createContact",
  summary: "Create a contact",
  description:
    "A person, or a company. Codes that are not given are generated. An e-mail address, phone number, card or other " +
    "medium that another contact of the business has is refused. Without a time_zone she lives in the business's.",
  access: "secret",
  body: Schema.Struct({
    ...contactFields,
    ...fixed,
    country_of_agreement: Schema.optionalKey(CountryCode),
    ...media
  }),
  status: 201,
  success: Schema.Struct({
    id: Schema.String,
    code: Schema.String,
    referral_code: Schema.String,
    wallet: Wallet
  })
})

export const getContactInBackOffice = declare({
  method: "GET",
  path: `${contacts}/:id`,
  tag,
  name: "getContactInBackOffice",
  summary: "Read a contact",
  description: "By id, or by contact code.",
  access: "secret",
  status: 200,
  success: ContactInBackOffice
})

export const updateContactInBackOffice = declare({
  method: "PUT",
  path: `${contacts}/:id`,
  tag,
  name: "updateContactInBackOffice",
  summary: "Change a contact",
  description:
    "What is given replaces what is there; what is left out, or null, stays. Type, code and referral code never change: " +
    "the same value may be repeated. An opt-out holds at once, also where the rest is refused or waits for approval.",
  access: "secret",
  body: Schema.Struct({ id: Schema.optionalKey(Id), ...contactFields, ...fixed }),
  status: 200,
  success: Reference
})

export const addIdentifiers = declare({
  method: "POST",
  path: `${contacts}/:id/identifiers`,
  tag,
  name: "addIdentifiers",
  summary: "Add cards, loyalty identifiers or gift passes that identify a contact",
  access: "secret",
  body: MediaGiven,
  status: 200,
  success: Reference
})

const ListedContact = Schema.Struct({
  id: Schema.String,
  code: Schema.String,
  type: ContactType,
  name: Schema.String,
  first_name: text,
  middle_name: text,
  last_name: text,
  company_name: text,
  email: text,
  phone: Schema.optionalKey(Schema.Struct({ number: Schema.String, e164: Schema.String })),
  referral_code: Schema.String,
  loyalty_identifiers: Schema.Array(Schema.Struct({ identifier: Schema.String })),
  wallet: Wallet,
  /** Epoch seconds. */
  registered_on: Schema.Int,
  updated_on: Schema.Int
})
export type ListedContact = typeof ListedContact.Type

export const listContacts = declare({
  method: "GET",
  path: contacts,
  tag,
  name: "listContacts",
  summary: "List and search contacts",
  description:
    "search finds contacts by the beginnings of words of their names, e-mail address, phone number, codes and loyalty " +
    "identifiers, without regard to accents. A contact is listed as soon as her creation was answered.",
  access: "secret",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "NAME", "CODE"])),
    search: Schema.optionalKey(Line),
    email_address: Schema.optionalKey(Email),
    phone: Schema.optionalKey(PhoneGiven.fields.number),
    code: Schema.optionalKey(Line),
    type: Schema.optionalKey(ContactType)
  }),
  status: 200,
  success: listOf(ListedContact)
})

export const issueAccessToken = declare({
  method: "POST",
  path: `${contacts}/:id/access_token`,
  tag,
  name: "issueAccessToken",
  summary: "Get a contact's access and refresh token",
  description: "For integrators who know for themselves who the person is.",
  access: "secret",
  body: NoFields,
  status: 200,
  success: TokenPair
})

export const actOnContact = declare({
  method: "POST",
  path: `${contacts}/:id/actions`,
  tag,
  name: "actOnContact",
  summary: "Block or unblock a contact's spending",
  description:
    "While it is blocked nothing leaves the wallet, also not for a member who shares it; money still comes in.",
  access: "secret",
  body: Schema.Struct({ action: Schema.Literals(["BLOCK_SPEND", "UNBLOCK_SPEND"]) }),
  status: 200,
  success: Reference
})

const people = `${contacts}/:id/people` as const

export const addPerson = declare({
  method: "POST",
  path: people,
  tag,
  name: "addPerson",
  summary: "Add a person to a contact's community",
  description: "She joins at once. Name her by phone, email, or the id or code of the contact; or say who she is.",
  access: "secret",
  body: Schema.Struct({
    ...InvitationBody.fields,
    contact: Schema.optionalKey(
      Schema.Struct({
        id: Schema.optionalKey(Id),
        code: Schema.optionalKey(Line),
        first_name: Schema.optionalKey(Line),
        last_name: Schema.optionalKey(Line),
        email_address: Schema.optionalKey(Email),
        phone: Schema.optionalKey(PhoneGiven)
      })
    )
  }),
  status: 201,
  success: Reference
})

export const listPeopleInBackOffice = declare({
  method: "GET",
  path: people,
  tag,
  name: "listPeopleInBackOffice",
  summary: "List the people of a contact's community",
  description: "In whatever state; those who were removed or have left are gone.",
  access: "secret",
  query: Schema.Struct({
    ...listQuery,
    group: Schema.optionalKey(Line),
    state: Schema.optionalKey(Schema.Literals(["PENDING", "ACCEPTED", "REJECTED"]))
  }),
  status: 200,
  success: listOf(Person)
})
