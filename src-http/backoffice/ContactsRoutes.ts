/** Contacts of the back office: what a request means and how the answer looks; a contact is named by id or by code. */
import type { Identity } from "#domain/contact/Profile.ts"
import { Identification } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { ContactDirectory, contactDirectory, type DirectoryContact } from "#runtime/projection/ContactDirectory.ts"
import * as Effect from "effect/Effect"
import { AccessTokens } from "../door/AccessTokens.ts"
import { ask, idOf } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { isLater } from "../door/Judging.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { cardOf } from "../resource/Card.ts"
import { peopleOf } from "../resource/CommunityLists.ts"
import { renderContactInBackOffice } from "../resource/Contact.ts"
import { changeContact } from "../resource/ContactChange.ts"
import { phoneOf, preferencesOf, profileOf } from "../resource/ContactFields.ts"
import { epoch, present } from "../resource/Fields.ts"
import { type InvitationBody, invite } from "../resource/Invitation.ts"
import { register } from "../resource/Registration.ts"
import { renderTokenPair } from "../resource/TokenPair.ts"
import { findContact } from "./ContactReference.ts"
import * as Api from "./ContactsApi.ts"

const mediaOf = Effect.fnUntraced(function* (business: string, given: Api.MediaGiven) {
  const identification = yield* Identification
  const cards = yield* Effect.forEach(given.cards ?? [], (card, index) =>
    Effect.mapError(Effect.fromResult(cardOf(identification, business, card)), (rule) =>
      invalidField(`/cards/${index}`, rule)
    )
  )
  const loyaltyIdentifiers = (given.loyalty_identifiers ?? []).map((each) =>
    typeof each === "string" ? each : each.identifier
  )
  return { loyaltyIdentifiers, cards, giftPasses: given.gift_passes ?? [] } satisfies Partial<Identity>
})

const listed = (row: DirectoryContact): Api.ListedContact =>
  present({
    id: row.contactId,
    code: row.code,
    type: row.type,
    name: row.displayName,
    first_name: row.firstName,
    middle_name: row.middleName,
    last_name: row.lastName,
    company_name: row.companyName,
    email: row.email,
    phone: row.phone,
    referral_code: row.referralCode,
    loyalty_identifiers: row.loyaltyIdentifiers.map((identifier) => ({ identifier })),
    wallet: { id: row.contactId, code: row.walletCode },
    registered_on: epoch(row.registeredAt),
    updated_on: epoch(row.updatedAt)
  })

type AddedPerson = NonNullable<typeof Api.addPerson.body>["Type"]

/** Who is meant by `contact`: somebody known by id or code, or somebody described. */
const personGiven = Effect.fnUntraced(function* ({ contact, ...rest }: AddedPerson) {
  if (contact === undefined) return { body: rest satisfies InvitationBody, reference: undefined }
  const { id, code, first_name, last_name, ...reached } = contact
  const reference = id ?? code
  if (reference !== undefined) {
    return Object.keys(contact).length === 1 && rest.phone === undefined && rest.email === undefined
      ? { body: rest satisfies InvitationBody, reference }
      : yield* Effect.fail(invalidField("/contact", "With an id or a code, nothing else says who the person is."))
  }
  if (first_name === undefined)
    return yield* Effect.fail(invalidField("/contact/first_name", "A person needs a first name."))
  if (last_name === undefined)
    return yield* Effect.fail(invalidField("/contact/last_name", "A person needs a last name."))
  return { body: { ...rest, contact: { first_name, last_name, ...reached } } satisfies InvitationBody, reference }
})

export const contactRoutes = [
  serve(
    Api.createContact,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const { body } = call
      const profile = yield* profileOf(body, business)
      const registered = yield* register(call, {
        contactId: nameUuid("contact", call.commandId),
        type: body.type ?? "PERSON",
        profile,
        ...preferencesOf(body),
        ...present({
          countryOfAgreement: body.country_of_agreement,
          optOutBy: body.email_opt_out === true || body.sms_opt_out === true ? ("USER" as const) : undefined
        }),
        media: yield* mediaOf(business.id, body),
        code: body.code,
        referralCode: body.referral_code
      })
      if (isLater(registered)) return registered
      const { answer, replayed, seq } = registered
      if (answer._tag !== "ContactRegisteredAnswer") throw new Error(`a registration was answered ${answer._tag}`)
      const { contactId: id, identity } = answer
      const wallet = { id, code: identity.walletCode }
      return { body: { id, code: identity.code, referral_code: identity.referralCode, wallet }, replayed, seq }
    })
  ),
  serve(
    Api.listContacts,
    Effect.fnUntraced(function* ({ principal: { business }, query }) {
      const phone = query.phone === undefined ? undefined : yield* phoneOf({ number: query.phone }, "phone", business)
      yield* caughtUp(contactDirectory.name)
      const directory = yield* ContactDirectory
      const { search, email_address: email, code, type, sort = "CREATED_DATE" } = query
      const found = yield* Effect.mapError(
        directory.list({ ...requestOf(query), business: business.id, search, email, phone, code, type, sort }),
        viewFault
      )
      return { body: answerOf(found, query, listed) }
    })
  ),
  serve(
    Api.getContactInBackOffice,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { state, seq } = yield* findContact(principal, params["id"] ?? "")
      return { body: renderContactInBackOffice(state), seq }
    })
  ),
  serve(
    Api.updateContactInBackOffice,
    Effect.fnUntraced(function* (call) {
      const { body, params, principal, expectedSeq } = call
      const { id } = (yield* findContact(principal, params["id"] ?? "")).state
      if (body.id !== undefined && body.id.toLowerCase() !== id) {
        return yield* Effect.fail(invalidField("/id", "It is not the id of the contact in the path."))
      }
      const profile = yield* profileOf(body, principal.business)
      const { type, code, referral_code: referralCode } = body
      const fixed = present({ type, code, referralCode })
      const command = { _tag: "UpdateContact" as const, profile, ...preferencesOf(body), ...fixed }
      const updated = yield* changeContact(call, id, command, { by: "USER", expectedSeq })
      if (isLater(updated)) return updated
      const { replayed, seq } = updated
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.addIdentifiers,
    Effect.fnUntraced(function* (call) {
      const { id } = (yield* findContact(call.principal, call.params["id"] ?? "")).state
      const identity = yield* mediaOf(call.principal.business.id, call.body)
      const { expectedSeq } = call
      const { replayed, seq } = yield* ask(call, id, { _tag: "AddIdentifiers", identity }, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.issueAccessToken,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { id } = (yield* findContact(principal, params["id"] ?? "")).state
      const tokens = yield* AccessTokens
      return { body: renderTokenPair(yield* tokens.issue(principal.business.id, id)) }
    })
  ),
  serve(
    Api.actOnContact,
    Effect.fnUntraced(function* (call) {
      const { id } = (yield* findContact(call.principal, call.params["id"] ?? "")).state
      const blocked = call.body.action === "BLOCK_SPEND"
      const { expectedSeq } = call
      const { replayed, seq } = yield* ask(call, id, { _tag: "ChangeSpendBlock", blocked }, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.addPerson,
    Effect.fnUntraced(function* (call) {
      const { principal, params } = call
      const { id } = (yield* findContact(principal, params["id"] ?? "")).state
      const { body, reference } = yield* personGiven(call.body)
      const member = reference === undefined ? undefined : (yield* findContact(principal, reference)).state.id
      const { answer, replayed } = yield* invite(call, id, body, { joinsAtOnce: true, member })
      return { body: { id: idOf(answer) }, replayed }
    })
  ),
  serve(
    Api.listPeopleInBackOffice,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { id } = (yield* findContact(principal, params["id"] ?? "")).state
      const states = query.state === undefined ? (["PENDING", "ACCEPTED", "REJECTED"] as const) : [query.state]
      return { body: yield* peopleOf(principal.business, id, { ...query, states }) }
    })
  )
]
