/**
 * What goes wrong at a door, as RFC 9457 problem details with both vocabularies (API conventions): `type`, `title`,
 * `status`, `detail`, `instance`, and the documented system's `error`, `message`, `parameters`. One table maps every
 * refusal of domain and runtime to a status and a stable code: a refusal without a row does not compile. No stack, no SQL,
 * no personal data ever stands in one.
 */
import type { Refusal } from "#domain/Refusal.ts"
import { exponentOf, toDecimal } from "#domain/shared/Money.ts"
import type { MediaConflict, NotIdentified } from "#runtime/actor/Identification.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"

/** One fault in what was sent: where, and which rule it breaks. */
export interface FieldFault {
  /** JSON pointer into the body, or the name of a parameter or header. */
  readonly pointer: string
  readonly rule: string
}

export interface Fault {
  readonly _tag: "Fault"
  readonly status: number
  /** Stable, for programs: `CRM.EXCEPTIONS.….` where the documented system has one, else `KOINON.….`. */
  readonly code: string
  readonly title: string
  /** A sentence for a person: what happened, which value, what to do. */
  readonly detail: string
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly faults?: ReadonlyArray<FieldFault>
  readonly retryAfterSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
}

export const fault = (
  status: number,
  code: string,
  title: string,
  detail: string,
  rest: Omit<Partial<Fault>, "_tag" | "status" | "code" | "title" | "detail"> = {}
): Fault => ({ _tag: "Fault", status, code, title, detail, ...rest })

export const notFound = (what: string, id: string): Fault =>
  fault(404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION", "Not found", `There is no ${what} ${id} in this business.`, {
    parameters: { id }
  })
export const invalid = (faults: ReadonlyArray<FieldFault>): Fault =>
  fault(
    400,
    "KOINON.INVALID_REQUEST",
    "Invalid request",
    faults.map(({ pointer, rule }) => `${pointer}: ${rule}`).join(" "),
    { faults }
  )
export const invalidField = (pointer: string, rule: string): Fault => invalid([{ pointer, rule }])
export const unauthorized = (detail: string): Fault =>
  fault(401, "KOINON.UNAUTHORIZED", "Not authenticated", detail, { headers: { "www-authenticate": "Bearer" } })
/** What is said of a fault of ours. */
export const internal: Fault = fault(
  500,
  "KOINON.INTERNAL",
  "Internal error",
  "A fault of ours; nothing took effect that was not answered."
)
export const forbidden = (detail: string): Fault => fault(403, "KOINON.FORBIDDEN", "Not allowed", detail)

type Text<R> = readonly [status: number, code: string, title: string, detail: (refusal: R) => string]
type Table<Union extends { readonly _tag: string }> = {
  readonly [Tag in Union["_tag"]]: Text<Extract<Union, { _tag: Tag }>>
}

const money = (minor: bigint, currency: string): string =>
  `${toDecimal(minor, currency).toFixed(exponentOf(currency))} ${currency}`

const refusals: Table<Refusal> = {
  ContactNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Contact not found",
    ({ id }) => `There is no contact ${id} in this business.`
  ],
  ContactAlreadyRegistered: [
    409,
    "KOINON.CONTACT_ALREADY_REGISTERED",
    "Contact already registered",
    ({ id }) => `Contact ${id} is registered already.`
  ],
  ImmutableField: [
    409,
    "KOINON.IMMUTABLE_FIELD",
    "This never changes",
    ({ field }) => `${field} is fixed when a contact is created; send the same value or leave it out.`
  ],
  InvalidContact: [400, "KOINON.INVALID_CONTACT", "Invalid contact", ({ field, rule }) => `${field}: ${rule}`],
  AlreadyTaken: [
    409,
    "KOINON.ALREADY_TAKEN",
    "Already taken",
    ({ kind }) => `Another contact of this business has this ${kind.replaceAll("_", " ")}.`
  ],
  InvalidAmount: [400, "KOINON.INVALID_AMOUNT", "Invalid amount", ({ field, rule }) => `${field}: ${rule}`],
  CurrencyMismatch: [
    400,
    "KOINON.CURRENCY_MISMATCH",
    "Wrong currency",
    ({ given, expected }) => `The amount is in ${given}, but this wallet holds ${expected}.`
  ],
  UnknownCurrencyRate: [
    400,
    "KOINON.UNKNOWN_CURRENCY_RATE",
    "No exchange rate",
    ({ currency }) => `No exchange rate for ${currency} has been posted; post one or use the business's currency.`
  ],
  InsufficientFunds: [
    400,
    "CRM.EXCEPTIONS.CANNOTSPENDAMOUNTWALLETBALANCENOTENOUGHEXCEPTION",
    "Not enough funds",
    ({ requested, available, currency, sharedReason }) =>
      `${money(requested, currency)} were asked for, ${money(available, currency)} can be spent here now` +
      `${sharedReason === undefined ? "" : ` (shared wallet: ${sharedReason.replaceAll("_", " ")})`}. Nothing was taken.`
  ],
  SpendBlocked: [
    403,
    "KOINON.SPEND_BLOCKED",
    "Spending is blocked",
    () => "This contact may not spend at present; credits are still possible."
  ],
  PoolNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Commerce pool not found",
    ({ id }) => `There is no commerce pool ${id} in this business.`
  ],
  PoolNotActivatable: [
    409,
    "KOINON.POOL_NOT_ACTIVATABLE",
    "Needs no activation",
    ({ id }) => `Commerce pool ${id} is always active.`
  ],
  TransferToSelf: [
    400,
    "KOINON.TRANSFER_TO_SELF",
    "Same wallet",
    () => "Origin and destination are the same wallet; name two different ones."
  ],
  TransferRefused: [
    409,
    "KOINON.TRANSFER_REFUSED",
    "Transfer refused",
    ({ reason }) => `The destination refused the transfer (${reason}); the money is back where it came from.`
  ],
  TokenNotUsable: [
    409,
    "KOINON.TOKEN_NOT_USABLE",
    "Token not usable",
    ({ reason }) => `The token cannot be used: ${reason.replaceAll("_", " ")}. Ask the contact for a new one.`
  ],
  TooManyTokens: [
    429,
    "KOINON.TOO_MANY_TOKENS",
    "Too many tokens",
    ({ limit }) => `A contact may have ${limit} live tokens; use one or let one expire.`
  ],
  MemberNotPerson: [
    400,
    "KOINON.MEMBER_NOT_PERSON",
    "Not a person",
    ({ id }) => `Contact ${id} is a company; only persons can be members of a community.`
  ],
  OwnerInvitedSelf: [
    400,
    "KOINON.OWNER_INVITED_SELF",
    "That is you",
    () => "The owner of a community cannot be invited to it."
  ],
  AlreadyInCommunity: [
    409,
    "KOINON.ALREADY_IN_COMMUNITY",
    "Already invited",
    ({ state }) => `This person is in the community already (${state}).`
  ],
  RelationNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Community person not found",
    ({ id }) => `There is no person ${id} in this community.`
  ],
  InvitationNotPending: [
    409,
    "KOINON.INVITATION_NOT_PENDING",
    "Invitation not pending",
    ({ state }) => `The invitation is ${state}; only a pending one can be answered.`
  ],
  TooManyPeople: [
    409,
    "KOINON.TOO_MANY_PEOPLE",
    "Community full",
    ({ limit }) => `A community holds at most ${limit} people.`
  ],
  SharingNotChosen: [
    409,
    "KOINON.SHARING_NOT_CHOSEN",
    "Whose wallet?",
    ({ ownerIds }) => `Several wallets are shared with this contact; name one as community_id: ${ownerIds.join(", ")}.`
  ],
  NotSharedWith: [
    409,
    "KOINON.NOT_SHARED_WITH",
    "Wallet not shared",
    ({ ownerId }) => `Contact ${ownerId} shares no wallet with this contact.`
  ],
  NotSupported: [
    422,
    "KOINON.NOT_SUPPORTED",
    "Not supported",
    ({ feature }) => `${feature} is not supported yet; it was refused rather than ignored.`
  ],
  OrganisationNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Organisation not found",
    ({ id }) => `There is no organisation ${id} in this business.`
  ],
  InvalidOrganisation: [
    400,
    "KOINON.INVALID_ORGANISATION",
    "Invalid organisation",
    ({ field, rule }) => `${field}: ${rule}`
  ],
  AlreadyExists: [
    409,
    "KOINON.ALREADY_EXISTS",
    "Already exists",
    ({ kind, id }) => `The ${kind} ${id} exists already.`
  ],
  ContradictingAmounts: [
    400,
    "KOINON.CONTRADICTING_AMOUNTS",
    "The amounts contradict each other",
    ({ field, rule }) => `${field}: ${rule}`
  ],
  ReferenceReused: [
    409,
    "KOINON.REFERENCE_REUSED",
    "Reference number used before",
    ({ referenceNumber, id }) =>
      `Reference ${referenceNumber} of this organisation is purchase ${id}, which has other contents.`
  ],
  PurchaseNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Purchase not found",
    ({ id }) => `There is no purchase ${id} in this business.`
  ],
  PurchaseStillOpen: [
    409,
    "KOINON.PURCHASE_STILL_OPEN",
    "Still being paid",
    ({ id }) => `Purchase ${id} is waiting for a shared wallet; try again in a moment.`
  ]
}

type Runtime = RuntimeRefusal | NotIdentified | MediaConflict
const runtimeRefusals: Table<Runtime> = {
  MailboxFull: [
    429,
    "KOINON.BUSY",
    "Too many commands",
    () => "This contact has as many commands waiting as it may; try again shortly with the same Idempotency-Key."
  ],
  DeadlinePassed: [
    503,
    "KOINON.DEADLINE_PASSED",
    "Not executed in time",
    () => "The command waited too long and was not executed; try again."
  ],
  StillRunning: [
    409,
    "KOINON.STILL_RUNNING",
    "Still running",
    () => "A request with this Idempotency-Key is being worked on; ask again for its result."
  ],
  CommandIdReused: [
    422,
    "KOINON.IDEMPOTENCY_KEY_REUSED",
    "Idempotency-Key used before",
    () => "This Idempotency-Key belongs to another request; use a new one."
  ],
  ShardMoved: [503, "KOINON.MOVED", "Served elsewhere", () => "Another runner serves this contact now; try again."],
  ActorUnavailable: [
    503,
    "KOINON.UNAVAILABLE",
    "Unavailable",
    () =>
      "The journal cannot be reached; whether the request took effect is found out when it is repeated with its Idempotency-Key."
  ],
  TurnFailed: [
    500,
    "KOINON.INTERNAL",
    "Internal error",
    () => "The request could not be judged because of a fault of ours; nothing took effect."
  ],
  PreconditionFailed: [
    412,
    "KOINON.PRECONDITION_FAILED",
    "It has changed",
    ({ current }) => `If-Match names another version; the current one is "${current}".`
  ],
  NotIdentified: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Contact not found",
    ({ kinds }) => `No contact of this business answers to the ${kinds.join(", ").replaceAll("_", " ")} given.`
  ],
  MediaConflict: [
    409,
    "KOINON.MEDIA_CONFLICT",
    "Media of different contacts",
    ({ kinds }) => `The ${kinds.join(", ").replaceAll("_", " ")} given name different contacts; nothing was posted.`
  ]
}

const retryable = new Set([
  "MailboxFull",
  "DeadlinePassed",
  "StillRunning",
  "ShardMoved",
  "ActorUnavailable",
  "PurchaseStillOpen"
])

/** What may stand in `parameters`: the values of a refusal, amounts as decimals. */
const parametersOf = (refusal: { readonly _tag: string }): Readonly<Record<string, unknown>> => {
  const currency = "currency" in refusal && typeof refusal.currency === "string" ? refusal.currency : "EUR"
  return Object.fromEntries(
    Object.entries(refusal)
      .filter(([name]) => !["_tag", "cause", "stack", "message", "name"].includes(name))
      .map(([name, value]) => [
        name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        typeof value === "bigint" ? toDecimal(value, currency) : value
      ])
  )
}

export const faultOf = (refusal: Refusal | Runtime): Fault => {
  const table = { ...refusals, ...runtimeRefusals } as Record<string, Text<unknown>>
  const [status, code, title, detail] = table[refusal._tag] as Text<unknown>
  return fault(status, code, title, detail(refusal), {
    parameters: parametersOf(refusal),
    ...(retryable.has(refusal._tag) ? { retryAfterSeconds: 1 } : {})
  })
}

export const problemJson = (problem: Fault, instance: string): string =>
  JSON.stringify({
    type: `urn:koinon:problem:${problem.code.toLowerCase()}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    instance,
    error: problem.code,
    message: problem.detail,
    parameters: problem.parameters ?? {},
    ...(problem.faults === undefined ? {} : { faults: problem.faults })
  })
