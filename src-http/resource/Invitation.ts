/**
 * Brings a person into a community (COM-1..3): whoever holds the e-mail address or phone number given is invited, and who
 * holds none of them is registered first. A number that names one contact and an address that names another are refused.
 */
import type { Profile } from "#domain/contact/Profile.ts"
import type { Claim } from "#domain/shared/Decision.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { MediaConflict, medium, NotIdentified } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Asker, answeredBefore, ask } from "../door/Asking.ts"
import type { Later } from "../door/Endpoint.ts"
import { type Fault, fault, invalidField } from "../door/Fault.ts"
import { isLater } from "../door/Judging.ts"
import { Email, PhoneGiven, phoneOf } from "./ContactFields.ts"
import { Line, present } from "./Fields.ts"
import { termsFields, termsOf } from "./Person.ts"
import { noMedia, register } from "./Registration.ts"

const { termed_transfer: _, ...invitedTerms } = termsFields

export const InvitationBody = Schema.Struct({
  /** Of a contact; this or the phone is needed. */
  email: Schema.optionalKey(Email),
  phone: Schema.optionalKey(PhoneGiven),
  ...invitedTerms,
  /** Who she is, if she may not be a contact yet. */
  contact: Schema.optionalKey(
    Schema.Struct({
      first_name: Line,
      last_name: Line,
      email_address: Schema.optionalKey(Email),
      phone: Schema.optionalKey(PhoneGiven)
    })
  )
})
export type InvitationBody = typeof InvitationBody.Type

/** What she may be known by, and what would be written down of her. */
const identityOf = Effect.fnUntraced(function* ({ principal: { business } }: Asker, body: InvitationBody) {
  const { contact } = body
  const [outer, inner] = [body.phone, contact?.phone]
  const outerNumber = outer && (yield* phoneOf(outer, "/phone", business))
  const innerNumber = inner && (yield* phoneOf(inner, "/contact/phone", business))
  const numbers = new Set([outerNumber, innerNumber].filter((number) => number !== undefined))
  const addresses = new Map(
    [body.email, contact?.email_address]
      .filter((address) => address !== undefined)
      .map((address) => [medium("email", address).value, address])
  )
  if (numbers.size > 1) return yield* Effect.fail(invalidField("/contact/phone", "It is not the number of /phone."))
  if (addresses.size > 1)
    return yield* Effect.fail(invalidField("/contact/email_address", "It is not the address of /email."))
  const [[e164], [email]] = [[...numbers], [...addresses.values()]]
  if (e164 === undefined && email === undefined) {
    return yield* Effect.fail(invalidField("/phone", "Name the person by phone or by email."))
  }
  const phone = inner ?? outer
  const profile: Profile = present({
    firstName: contact?.first_name,
    lastName: contact?.last_name,
    email,
    phone:
      phone === undefined || e164 === undefined
        ? undefined
        : present({ type: "MOBILE" as const, countryCode: phone.country_code, number: phone.number, e164 })
  })
  const claims: ReadonlyArray<Claim> = [
    ...(e164 === undefined ? [] : [medium("phone", e164)]),
    ...(email === undefined ? [] : [medium("email", email)])
  ]
  return { profile, claims }
})

const holderOf = Effect.fnUntraced(function* ({ principal }: Asker, claims: ReadonlyArray<Claim>) {
  const actors = yield* Actors
  const holders = new Set(yield* actors.holders(principal.business.id, claims))
  holders.delete(undefined)
  if (holders.size > 1) return yield* new MediaConflict({ kinds: claims.map(({ kind }) => kind) })
  return [...holders][0]
})

/** AUT-5: there is nobody to invite before somebody approves. */
const waitsForApproval = ({ later: { id } }: Later): Fault =>
  fault(
    409,
    "KOINON.WAITS_FOR_APPROVAL",
    "Waits for approval",
    "Whoever is to be invited is not a contact yet: making her one waits for approval. Send the invitation again after it.",
    { parameters: { operation_id: id } }
  )

const memberOf = Effect.fnUntraced(function* (asker: Asker, body: InvitationBody) {
  const { profile, claims } = yield* identityOf(asker, body)
  const known = yield* holderOf(asker, claims)
  if (known !== undefined) return known
  if (body.contact === undefined) return yield* new NotIdentified({ kinds: claims.map(({ kind }) => kind) })
  const contactId = nameUuid("invited", asker.commandId)
  const registration = { contactId, type: "PERSON" as const, profile, media: noMedia }
  return yield* register(asker, registration, "register").pipe(
    Effect.flatMap((registered) =>
      isLater(registered) ? Effect.fail(waitsForApproval(registered)) : Effect.succeed(contactId)
    ),
    // Somebody else registered her in this very moment.
    Effect.catchTag("AlreadyTaken", (taken) =>
      Effect.flatMap(holderOf(asker, claims), (holder) =>
        holder === undefined ? Effect.fail(taken) : Effect.succeed(holder)
      )
    ),
    // A repetition of a request whose first answer was lost.
    Effect.catchTag("ContactAlreadyRegistered", () => Effect.succeed(contactId))
  )
})

/** Invites her by what identifies her, or by the contact she is known to be. The answer's id is the relationship's. */
export const invite = Effect.fnUntraced(function* (
  asker: Asker,
  ownerId: string,
  body: InvitationBody,
  { joinsAtOnce, member }: { readonly joinsAtOnce: boolean; readonly member?: string | undefined }
) {
  const { business } = asker.principal
  // The e-mail address or the number may be somebody else's by now.
  const answered = yield* answeredBefore(asker)
  if (answered !== undefined) return answered
  const actors = yield* Actors
  const terms = yield* termsOf(body, business)
  const memberId = member ?? (yield* memberOf(asker, body))
  const { state } = yield* actors.read(business.id, memberId, "contact")
  return yield* ask(asker, ownerId, {
    _tag: "InvitePerson",
    relationshipId: nameUuid("relationship", asker.commandId),
    memberId,
    memberType: state.type,
    joinsAtOnce,
    terms
  })
})
