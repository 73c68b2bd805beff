/**
 * Asks somebody outside what is to become of a command (AUT-3): one POST, signed like a webhook, no redirect, answered in
 * time with one of four words, or it counts as not answered. Whatever else comes back is not looked at, and not written down.
 */
import type { PatchFields } from "#domain/automation/Automation.ts"
import { type Undecided, UndecidedFailure } from "#domain/automation/Undecided.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import type { Targets } from "../webhook/Targets.ts"

const answerBytesMax = 65_536
const line = Schema.String.check(Schema.isMaxLength(255))
const optionalLine = Schema.optionalKey(line)
const customFieldsMax = 100
const customValueLengthMax = 4_000

/** Nobody answered in time, or not one of the words that count. `reason` is for people, and holds nothing of the answer. */
export class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", {
  failure: UndecidedFailure,
  status: Schema.optionalKey(Schema.Int),
  reason: Schema.String
}) {}

const unanswered = (
  failure: UndecidedFailure,
  reason: string,
  { status }: Pick<Undecided, "status"> = {}
): Unanswered => new Unanswered({ failure, reason, ...(status !== undefined && { status }) })

const Answer = Schema.Union([
  Schema.Struct({ decision: Schema.Literal("ALLOW") }),
  Schema.Struct({ decision: Schema.Literal("REJECT"), reason: line }),
  Schema.Struct({ decision: Schema.Literal("HOLD") }),
  Schema.Struct({
    decision: Schema.Literal("PATCH"),
    fields: Schema.Struct({
      language_code: optionalLine,
      email_opt_out: Schema.optionalKey(Schema.Boolean),
      sms_opt_out: Schema.optionalKey(Schema.Boolean),
      first_name: optionalLine,
      middle_name: optionalLine,
      last_name: optionalLine,
      company_name: optionalLine,
      custom_fields: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({ key: line, value: Schema.String.check(Schema.isMaxLength(customValueLengthMax)) })
        ).check(Schema.isMaxLength(customFieldsMax))
      )
    })
  })
])
const decodeAnswer = Schema.decodeUnknownResult(Answer)
const parseAnswer = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const hasVerdict = Schema.is(Schema.Struct({ decision: Schema.Literals(["ALLOW", "REJECT", "HOLD", "PATCH"]) }))
const isUnexplained = Schema.is(
  Schema.Struct({ decision: Schema.Literal("REJECT"), reason: Schema.optional(Schema.Null) })
)

export type Decision =
  | { readonly _tag: "ALLOW" | "HOLD" }
  | { readonly _tag: "REJECT"; readonly reason: string }
  | { readonly _tag: "PATCH"; readonly fields: PatchFields }

const decisionOf = (answer: typeof Answer.Type): Decision => {
  switch (answer.decision) {
    case "ALLOW":
    case "HOLD":
      return { _tag: answer.decision }
    case "REJECT":
      return { _tag: "REJECT", reason: answer.reason }
    case "PATCH": {
      const { language_code, email_opt_out, sms_opt_out, first_name, middle_name, last_name, ...rest } = answer.fields
      const { company_name, custom_fields } = rest
      const fields: PatchFields = {
        ...(language_code !== undefined && { languageCode: language_code }),
        ...(email_opt_out !== undefined && { emailOptOut: email_opt_out }),
        ...(sms_opt_out !== undefined && { smsOptOut: sms_opt_out }),
        ...(first_name !== undefined && { firstName: first_name }),
        ...(middle_name !== undefined && { middleName: middle_name }),
        ...(last_name !== undefined && { lastName: last_name }),
        ...(company_name !== undefined && { companyName: company_name }),
        ...(custom_fields !== undefined && { customFields: custom_fields })
      }
      return { _tag: "PATCH", fields }
    }
  }
}

/** The whole text of a 200, or why there is none. */
const read = (response: IncomingMessage, done: (text: string | Unanswered) => void): void => {
  if (response.statusCode !== 200) {
    response.resume()
    const status = response.statusCode ?? 0
    return done(unanswered("STATUS", `it answered ${status}`, { status }))
  }
  const parts: Array<Buffer> = []
  let size = 0
  response.on("data", (part: Buffer) => {
    size += part.length
    if (size > answerBytesMax) done(unanswered("TOO_LONG", `its answer is longer than ${answerBytesMax} bytes`))
    else parts.push(part)
  })
  response.on("end", () => done(Buffer.concat(parts).toString("utf8")))
  response.on("close", () => done(unanswered("CONNECTION", "it closed midway")))
}

/** What is asked, where, and the headers that sign it. */
export interface Question {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The secret of an automation that asks at an address of its own. */
export const ownSecretId = (automationId: string): string => `decision/${automationId}`

const post = ({ url, headers, body }: Question, targets: Targets): Effect.Effect<string, Unanswered> =>
  Effect.callback((resume) => {
    // An address that is written as numbers is not looked up when it is connected to.
    const objection = targets.objectionTo(url)
    if (objection !== undefined) return resume(Effect.fail(unanswered("ADDRESS_NOT_ALLOWED", objection)))
    const ask = url.startsWith("https:") ? httpsRequest : httpRequest
    let request: ClientRequest | undefined
    // The first end counts; whatever the connection does after it is of no interest.
    const done = (text: string | Unanswered): void => {
      resume(typeof text === "string" ? Effect.succeed(text) : Effect.fail(text))
      request?.destroy()
    }
    request = ask(
      url,
      {
        method: "POST",
        // A connection of its own: one that was kept open would have been judged for another name.
        agent: false,
        lookup: targets.lookup,
        headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) }
      },
      (response) => read(response, done)
    )
    request.on("error", ({ code = "an error" }: NodeJS.ErrnoException) => done(unanswered("CONNECTION", code)))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** The decision, or what is wrong with the first thing that is. */
const decisionIn = (text: string): Result.Result<Decision, Unanswered> => {
  const parsed = parseAnswer(text)
  if (Result.isFailure(parsed)) return Result.fail(unanswered("NOT_JSON", "its answer is no JSON"))
  const said = parsed.success
  if (!hasVerdict(said)) return Result.fail(unanswered("UNKNOWN_VERDICT", "its answer is not one of those that count"))
  if (isUnexplained(said)) return Result.fail(unanswered("REASON_MISSING", "it rejects without a reason"))
  const answer = decodeAnswer(said, { onExcessProperty: "error" })
  if (Result.isSuccess(answer)) return Result.succeed(decisionOf(answer.success))
  return Result.fail(
    Result.isSuccess(decodeAnswer(said))
      ? unanswered("FIELD_NOT_ALLOWED", "its answer has a field that it may not have")
      : unanswered("INVALID_ANSWER", "its answer is not as it is described")
  )
}

/** `withinMs` is all the time there is, from the look-up of the name to the last byte. */
export const decide = Effect.fnUntraced(function* (
  question: Question,
  { withinMs, targets }: { readonly withinMs: number; readonly targets: Targets }
): Effect.fn.Return<Decision, Unanswered> {
  if (withinMs <= 0) return yield* unanswered("TIMEOUT", "no time was left")
  const text = yield* Effect.timeoutOrElse(post(question, targets), {
    duration: withinMs,
    orElse: () => Effect.fail(unanswered("TIMEOUT", "it did not answer in time"))
  })
  return yield* Effect.fromResult(decisionIn(text))
})
