/**
 * Changes a contact as one request says: first from whom she wants to hear, then the rest. Each opt-out is a command of its
 * own, dated with its channel and who said so (MKT-1), and no automation judges it (AUT-2): it holds at once, also where the
 * rest is held, rejected or refused.
 */
import type { ChangeOptOut, UpdateContact } from "#domain/contact/ContactCommand.ts"
import * as Effect from "effect/Effect"
import { answer, type Asker } from "../door/Asking.ts"
import { askJudged } from "../door/Judging.ts"

type Update = typeof UpdateContact.Type
type OptOut = typeof ChangeOptOut.Type

interface Choices {
  readonly by: OptOut["by"]
  readonly expectedSeq: number | undefined
  /** Whether a refusal that was given before says so. */
  readonly tellsReplayed?: boolean
}

const optOutsOf = ({ emailOptOut, smsOptOut }: Update, by: OptOut["by"]): ReadonlyArray<OptOut> =>
  (
    [
      ["EMAIL", emailOptOut],
      ["SMS", smsOptOut]
    ] as const
  ).flatMap(([channel, optedOut]) =>
    optedOut === undefined ? [] : [{ _tag: "ChangeOptOut" as const, channel, optedOut, by }]
  )

const saysNothing = ({ _tag, profile, ...rest }: Update): boolean =>
  Object.keys(profile).length === 0 && Object.keys(rest).length === 0

/** The request's own id is the last command's; a repetition goes on where the first request ended. */
export const changeContact = Effect.fnUntraced(function* (
  asker: Asker,
  id: string,
  command: Update,
  { by, expectedSeq, tellsReplayed = false }: Choices
) {
  const { emailOptOut: _, smsOptOut: _sms, ...rest } = command
  const optOuts = optOutsOf(command, by)
  const isAll = optOuts.length > 0 && saysNothing(rest)
  let seq = expectedSeq
  for (const [index, optOut] of optOuts.entries()) {
    const isLast = isAll && index === optOuts.length - 1
    const step = isLast ? {} : { step: optOut.channel }
    const changed = yield* answer(asker, id, optOut, { ...step, expectedSeq: seq })
    if (isLast) return changed
    // If-Match means the contact as she was before the request.
    if (expectedSeq !== undefined) seq = changed.seq
  }
  return yield* askJudged(asker, id, rest, { expectedSeq: seq, tellsReplayed })
})
