/**
 * How each refusal of the domain is told to who asked: its status, a stable code, a title and a sentence. A refusal without
 * a row does not compile; no row tells anything personal.
 */
import type { UndecidedFailure } from "#domain/automation/Undecided.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { exponentOf, toDecimal } from "#domain/shared/Money.ts"

export type Text<R> = readonly [status: number, code: string, title: string, detail: (refusal: R) => string]
export type Table<Union extends { readonly _tag: string }> = {
  readonly [Tag in Union["_tag"]]: Text<Extract<Union, { _tag: Tag }>>
}

const money = (minor: bigint, currency: string): string =>
  `${toDecimal(minor, currency).toFixed(exponentOf(currency))} ${currency}`

/** What a business defines has a name of its own in its kind, which is called in the plural. */
const definitionWords: Readonly<Record<string, string>> = {
  automations: "an automation",
  endpoints: "an endpoint",
  plans: "a plan",
  segments: "a segment",
  templates: "a template"
}

/** What was wrong; of an answer only its status is told. */
const undecided: Readonly<Record<UndecidedFailure, string>> = {
  TIMEOUT: "whom it asks did not answer in time",
  CONNECTION: "whom it asks cannot be reached, or closed the connection before the end of the answer",
  ADDRESS_NOT_ALLOWED: "whom it asks is at an address that may not be called from here",
  ENDPOINT_INACTIVE: "the endpoint that it asks is switched off",
  STATUS: "whom it asks answered {status} where 200 is needed",
  TOO_LONG: "the answer is longer than it may be",
  NOT_JSON: "the answer is no JSON",
  UNKNOWN_VERDICT: "the answer's decision is none of ALLOW, REJECT, HOLD, PATCH",
  REASON_MISSING: "the answer rejects without a reason",
  FIELD_NOT_ALLOWED: "the answer has a field that it may not have",
  INVALID_ANSWER: "a field of the answer is not of its type",
  FILTER_UNAVAILABLE: "what its filter asks for cannot be read at present"
}

export const refusals: Table<Refusal> = {
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
    ({ kind, id }) =>
      Object.hasOwn(definitionWords, kind)
        ? `There is ${definitionWords[kind]} of this name already: ${id}.`
        : `The ${kind} ${id} exists already.`
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
  ],
  PurchaseIsCancelled: [
    409,
    "KOINON.PURCHASE_CANCELLED",
    "Purchase cancelled",
    ({ id }) => `Purchase ${id} was cancelled; nothing is awarded for it.`
  ],
  AwardNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Award not found",
    ({ id }) => `This contact has no award ${id}.`
  ],
  TooManyAwards: [
    409,
    "KOINON.TOO_MANY_AWARDS",
    "Too many awards",
    ({ id, limit }) => `Purchase ${id} has ${limit} awards already, the most that a purchase may have.`
  ],
  NothingToAward: [
    409,
    "KOINON.NOTHING_TO_AWARD",
    "Nothing to award",
    ({ id, base, currency }) =>
      `Of purchase ${id} ${money(base, currency)} were paid by other than commerce money; such a part of it comes to nothing.`
  ],
  AwardSpent: [
    409,
    "KOINON.AWARD_SPENT",
    "Award spent",
    ({ awardIds, available, missing, currency }) =>
      `What was awarded (${awardIds.join(", ")}) has to come back, and some of it has been spent: its commerce pool and ` +
      `the open pocket have ${money(available, currency)}, and ${money(missing, currency)} are missing. Nothing was ` +
      "changed. Credit the wallet with what is missing, and then ask for this once more."
  ],
  DefinitionNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Not found",
    ({ kind, id }) => `There is no ${id} among the ${kind} of this business.`
  ],
  InvalidDefinition: [
    400,
    "KOINON.INVALID_DEFINITION",
    "Invalid definition",
    ({ pointer, rule }) => `${pointer}: ${rule}`
  ],
  TooManyDefinitions: [
    409,
    "KOINON.TOO_MANY_DEFINITIONS",
    "Too many",
    ({ kind, limit }) => `A business has at most ${limit} ${kind}; delete one first.`
  ],
  DefinitionInUse: [
    409,
    "KOINON.DEFINITION_IN_USE",
    "In use",
    ({ id, by }) => `${id} is used by ${by}; change that first.`
  ],
  ConsentNotChangeable: [
    409,
    "KOINON.CONSENT_NOT_CHANGEABLE",
    "Consent cannot change like this",
    ({ from, to }) => `The consent is ${from} and cannot become ${to}.`
  ],
  NoConsent: [
    403,
    "KOINON.NO_CONSENT",
    "No consent",
    () => "This contact has not agreed to be dealt with; only her consent can be changed."
  ],
  TooManyActivities: [
    409,
    "KOINON.TOO_MANY_ACTIVITIES",
    "Too many activities",
    ({ limit }) => `A contact has at most ${limit} open activities; close one first.`
  ],
  ActivityNotOpen: [404, "KOINON.ACTIVITY_NOT_OPEN", "No such open activity", ({ id }) => `No activity ${id} is open.`],
  TooManyCommunications: [
    409,
    "KOINON.TOO_MANY_COMMUNICATIONS",
    "Too many messages",
    ({ limit }) => `${limit} messages to this contact are still to be sent; wait for them.`
  ],
  CommunicationNotPending: [
    409,
    "KOINON.COMMUNICATION_NOT_PENDING",
    "Message not pending",
    ({ id }) => `The message ${id} has come to its end, or may not be sent yet.`
  ],
  RejectedByAutomation: [
    422,
    "KOINON.REJECTED_BY_AUTOMATION",
    "Rejected",
    ({ automation, reason }) => `${automation}: ${reason}`
  ],
  NotDecided: [
    503,
    "KOINON.NOT_DECIDED",
    "Not decided",
    ({ automation, failure = "TIMEOUT", status = 0 }) =>
      `The automation ${automation} has not decided: ${undecided[failure].replace("{status}", String(status))}. Nothing was changed.`
  ],
  AutomationsChanged: [
    409,
    "KOINON.AUTOMATIONS_CHANGED",
    "The automations have changed",
    () => "The business's automations changed while they judged this request; try again."
  ],
  HeldNotFound: [
    404,
    "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION",
    "Approval not found",
    ({ id }) => `There is no approval ${id} in this business.`
  ],
  HeldNotPending: [
    409,
    "KOINON.APPROVAL_NOT_PENDING",
    "Decided already",
    ({ id, state }) => `The approval ${id} is ${state}.`
  ],
  NotApproved: [
    409,
    "KOINON.NOT_APPROVED",
    "Not approved",
    ({ state }) =>
      state === "REJECTED"
        ? "The request was held, and rejected."
        : "The request was held, and nobody approved it in time."
  ]
}
