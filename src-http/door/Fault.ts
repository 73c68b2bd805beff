/**
 * What goes wrong at a door, as RFC 9457 problem details with both vocabularies (API conventions): `type`, `title`,
 * `status`, `detail`, `instance`, and the documented system's `error`, `message`, `parameters`. One table maps every
 * refusal of domain and runtime to a status and a stable code: a refusal without a row does not compile. No stack, no SQL,
 * no personal data ever stands in one.
 */
import type { Refusal } from "#domain/Refusal.ts"
import { toDecimal } from "#domain/shared/Money.ts"
import type { MediaConflict, NotIdentified } from "#runtime/actor/Identification.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import { refusals, type Table, type Text } from "./RefusalTable.ts"

/** One fault in what was sent: where, and which rule it breaks. */
export interface FieldFault {
  /** JSON pointer into the body, or the name of a parameter or header. */
  readonly pointer: string
  readonly rule: string
  /** In a sentence about all that is wrong, where the rule itself is long. */
  readonly brief?: string
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
    faults.map(({ pointer, rule, brief = rule }) => `${pointer}: ${brief}`).join(" "),
    { faults: faults.map(({ pointer, rule }) => ({ pointer, rule })) }
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
  "PurchaseStillOpen",
  "NotDecided",
  "AutomationsChanged"
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

/**
 * As a contact is told it: that the business declined, in the words that it has for her. How the automation is called that
 * did is its own affair, and so is what became of whom it asks.
 */
export const declined = (problem: Fault): Fault => {
  const { parameters, ...rest } = problem
  switch (problem.code) {
    case "KOINON.REJECTED_BY_AUTOMATION": {
      const { reason } = { ...parameters }
      return { ...rest, title: "Declined", detail: String(reason), parameters: { reason } }
    }
    case "KOINON.NOT_DECIDED":
      return {
        ...rest,
        detail: "The business cannot decide about this at present; nothing was changed. Try again later."
      }
    default:
      return problem
  }
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
