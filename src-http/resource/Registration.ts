/**
 * Registers a contact, with codes made for her where none were given. A generated code that another contact has is
 * replaced by the next; a given one is refused. Prior-to automations may want somebody to approve it first.
 */
import type { Identity } from "#domain/contact/Profile.ts"
import type { RegisterContact } from "#domain/contact/ContactCommand.ts"
import * as Effect from "effect/Effect"
import type { Asker } from "../door/Asking.ts"
import { askJudged } from "../door/Judging.ts"
import { attemptOf, codesOf } from "./Codes.ts"
import { present } from "./Fields.ts"

/** Tried for one contact: in a business of a hundred million, one referral code in ten is taken. */
const attemptsMax = 8

export interface Registration extends Omit<typeof RegisterContact.Type, "_tag" | "identity"> {
  readonly media: Pick<Identity, "loyaltyIdentifiers" | "cards" | "giftPasses">
  readonly code?: string | undefined
  readonly referralCode?: string | undefined
}

/** By what it is called when it is taken. */
const claimKinds = { code: "code", referralCode: "referral_code", walletCode: "wallet_code" } as const
const codeNames = ["code", "referralCode", "walletCode"] as const

export const noMedia: Registration["media"] = { loyaltyIdentifiers: [], cards: [], giftPasses: [] }

export const register = Effect.fnUntraced(function* (asker: Asker, registration: Registration, step = "") {
  const { media, code, referralCode, ...who } = registration
  const generated = new Set<string>(["wallet_code"])
  if (code === undefined) generated.add("code")
  if (referralCode === undefined) generated.add("referral_code")
  const attempt = (count: number) => {
    const source = attemptOf(asker.commandId, count)
    const codes = { ...codesOf(source), ...present({ code, referralCode }) }
    const command = { _tag: "RegisterContact" as const, ...who, identity: { ...codes, ...media } }
    const name = count === 0 ? step : `${step}/${count}`
    const made = codeNames.filter((each) => generated.has(claimKinds[each]))
    return askJudged(asker, who.contactId, command, { generated: made, ...(name !== "" && { step: name }) })
  }
  type Attempt = ReturnType<typeof attempt>
  const from = (count: number): Attempt =>
    Effect.catchTag(attempt(count), "AlreadyTaken", (taken) =>
      generated.has(taken.kind) && count + 1 < attemptsMax ? from(count + 1) : Effect.fail(taken)
    )
  return yield* from(0)
})
