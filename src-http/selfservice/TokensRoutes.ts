/**
 * One-time tokens for the till (CIM-5). Their values are keyed hashes of the command that makes them: nobody without the
 * installation's secret can work one out, and a repetition of the request gets the same token.
 */
import type { ContactToken } from "#domain/contact/ContactToken.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Asker, ask } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { attemptOf, digitsOf, lettersOf } from "../resource/Codes.ts"
import { decimal, epoch, minorOptional, present } from "../resource/Fields.ts"
import * as Api from "./ContactsApi.ts"
import { ownContact } from "./OwnContact.ts"

/** Long enough to reach the till. */
const tokenLifetimeMs = 5 * 60_000
/** Of thirty-two letters: a hundred bits. */
const valueLength = 20
/** Values tried for one token; the sixteen digits of one in a business are seldom taken even once. */
const attemptsMax = 4

const render = (token: ContactToken, currency: string): typeof Api.ContactToken.Type =>
  present({
    id: token.id,
    value: token.value,
    alternative_token: token.alternative,
    expiration: epoch(token.expiresAt),
    spend_amount: token.spendAmount === undefined ? undefined : decimal(token.spendAmount, currency),
    intent: token.intent,
    community_id: token.communityId
  })

/** Issues the token; values that another contact's token has are replaced by the next. */
const issue = Effect.fnUntraced(function* (
  asker: Asker,
  contactId: string,
  what: Pick<ContactToken, "intent" | "spendAmount" | "communityId">
) {
  const sealer = yield* Sealer
  const expiresAt = (yield* Clock.currentTimeMillis) + tokenLifetimeMs
  const attempt = (count: number) => {
    const source = attemptOf(asker.commandId, count)
    const bytes = sealer.keyedHash(asker.principal.business.id, "contact_token", source)
    const token: ContactToken = {
      ...what,
      id: nameUuid("token", source),
      value: lettersOf(bytes.subarray(0, valueLength)),
      alternative: digitsOf(bytes.subarray(valueLength)),
      expiresAt
    }
    const asked = ask(asker, contactId, { _tag: "IssueToken", token }, count === 0 ? {} : { step: `token/${count}` })
    return Effect.map(asked, ({ replayed }) => ({ token, replayed }))
  }
  type Attempt = ReturnType<typeof attempt>
  const from = (count: number): Attempt =>
    Effect.catchTag(attempt(count), "AlreadyTaken", (taken) =>
      count + 1 < attemptsMax ? from(count + 1) : Effect.fail(taken)
    )
  return yield* from(0)
})

export const tokenRoutes = [
  serve(
    Api.listTokens,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const { business } = call.principal
      const { community_id, intent } = call.query
      const actors = yield* Actors
      const at = yield* Clock.currentTimeMillis
      const { state } = yield* actors.read(business.id, id, "contact")
      const tokens = state.tokens
        .filter((token) => token.expiresAt > at)
        .filter((token) => intent === undefined || token.intent === intent)
        .filter((token) => community_id === undefined || token.communityId === community_id.toLowerCase())
      return { body: { content: tokens.map((token) => render(token, business.currency)) } }
    })
  ),
  serve(
    Api.issueToken,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const { business } = call.principal
      const { intent, spend_amount, purchase, community_id } = call.body
      if (intent !== "SPEND" || purchase !== undefined) {
        return yield* Effect.fail({
          _tag: "NotSupported" as const,
          feature: purchase === undefined ? `A token with the intent ${intent}` : "A token for a purchase estimate"
        })
      }
      const spendAmount = yield* minorOptional("/spend_amount", spend_amount ?? undefined, business.currency)
      const communityId = community_id?.toLowerCase()
      const { token, replayed } = yield* issue(call, id, { intent, ...present({ spendAmount, communityId }) })
      if (!replayed) return { body: render(token, business.currency) }
      // When it expires was said the first time.
      const actors = yield* Actors
      const { state } = yield* actors.read(business.id, id, "contact")
      const known = state.tokens.find((each) => each.id === token.id)
      if (known === undefined) return yield* Effect.fail({ _tag: "TokenNotUsable" as const, reason: "used_or_expired" })
      return { body: render(known, business.currency), replayed }
    })
  )
]
