import { assert, describe, it } from "@effect/vitest"
import { claimOf, tokenClaims } from "#domain/contact/Claims.ts"
import { contact } from "#domain/contact/Contact.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import type { ContactToken } from "#domain/contact/ContactToken.ts"
import { usedWalletCode } from "#domain/contact/ContactToken.ts"
import { liveTokensMax } from "#domain/contact/Tokens.ts"
import { bakery, noon, registered, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })

const lifeMs = 300_000
const token = (id: string, rest: Partial<ContactToken> = {}): ContactToken => ({
  id,
  value: `value-${id}`,
  alternative: id.padStart(16, "0"),
  intent: "SPEND",
  expiresAt: noon + lifeMs,
  ...rest
})
const issue = (id: string, rest: Partial<ContactToken> = {}) =>
  ({ _tag: "IssueToken", token: token(id, rest) }) as const
const eleni = registered("eleni")

describe("a token", () => {
  it("CIM-4: is claimed by its value and by its sixteen digits", () => {
    given(eleni)
      .when(issue("1", { spendAmount: 500n }))
      .journals({ _tag: "TokenIssued", token: token("1", { spendAmount: 500n }), at: noon })
      .takes(claimOf("token", "value-1"), claimOf("token", "0000000000000001"))
      .releases()
      .answers({ _tag: "Done", id: "1" })
  })

  it("CIM-5: leaves with the purchase that used it", () => {
    const { states } = given(eleni).after(issue("1")).after(issue("2"))
    const used = contact.evolve(states.contact, { _tag: "TokenUsed", tokenId: "1", purchaseId: "p1", at: noon })
    assert.deepStrictEqual(used.tokens, [token("2")])
  })

  it("CIM-5: releases its claims when it is found expired, and leaves", () => {
    given(eleni)
      .after(issue("1"))
      .when(issue("2", { expiresAt: noon + 2 * lifeMs }), turnAt(noon + lifeMs))
      .releases(...tokenClaims(token("1")))
      .leaves(({ contact }) =>
        assert.deepStrictEqual(
          contact.tokens.map((known) => known.id),
          ["2"]
        )
      )
  })

  it("CIM-5: is one of a bounded number, of which expired ones are none", () => {
    let full = given(eleni)
    for (let id = 1; id <= liveTokensMax; id++) full = full.after(issue(String(id)))
    full.when(issue("more")).refuses({ _tag: "TooManyTokens", limit: liveTokensMax })
    full.when(issue("more", { expiresAt: noon + 2 * lifeMs }), turnAt(noon + lifeMs)).journalsTags("TokenIssued")
  })

  it("SHR-4: names a community only if its wallet is shared with this contact", () => {
    const shares = { _tag: "Done", id: "r1" } as const
    const membership = {
      ownerId: "owner",
      relationshipId: "r1",
      state: "ACCEPTED",
      sharing: true,
      revision: 3
    } as const
    given(eleni)
      .when(issue("1", { communityId: "owner" }))
      .refuses({ _tag: "NotSharedWith", ownerId: "owner" })
    const member = given(eleni).after({ _tag: "NoteMembership", membership })
    member.when({ _tag: "NoteMembership", membership }).answers(shares)
    member.when(issue("1", { communityId: "owner" })).journalsTags("TokenIssued")
  })

  it("PUR-4: asks for more than nothing, or for as much as possible", () => {
    given(eleni)
      .when(issue("1", { spendAmount: 0n }))
      .refusesTag("InvalidAmount")
    given(eleni).when(issue("1")).journalsTags("TokenIssued")
  })

  it("CIM-5: is not issued when its time is over, and only once under its id", () => {
    given(eleni)
      .when(issue("1", { expiresAt: noon }))
      .refuses({ _tag: "TokenNotUsable", reason: "expired" })
    given(eleni).after(issue("1")).when(issue("1")).journals().answers({ _tag: "Done", id: "1" })
  })
})

describe("a dynamic wallet code", () => {
  const business = { ...bakery, settings: { ...bakery.settings, walletCodeMode: "DYNAMIC" } } as const
  const turn = (at: number) => turnAt(at, { business })
  const rotate = (walletCode: string, expiresAt = noon + lifeMs) =>
    ({ _tag: "RotateWalletCode", walletCode, expiresAt }) as const
  const [first, second] = ["1111222233334444", "5555666677778888"]

  it("IDN-2: is claimed in the whole network and releases the one before it", () => {
    const rotated = given(eleni).when(rotate(first), turn(noon))
    rotated
      .journals({ _tag: "WalletCodeRotated", walletCode: first, expiresAt: noon + lifeMs, at: noon })
      .takes({ kind: "wallet_code", value: first, scope: "network" })
      .releases()
    given(eleni)
      .after(rotate(first), turn(noon))
      .when(rotate(second, noon + 2 * lifeMs), turn(noon + lifeMs))
      .takes(claimOf("wallet_code", second))
      .releases(claimOf("wallet_code", first))
  })

  it("IDN-2: is good for one purchase", () => {
    const { states } = given(eleni).after(rotate(first), turn(noon))
    const used = { _tag: "TokenUsed", tokenId: usedWalletCode, purchaseId: "p1", at: noon } as const
    assert.notProperty(contact.evolve(states.contact, used), "dynamicCode")
  })

  it("IDN-2: has 16 digits and some time to live", () => {
    given(eleni).when(rotate("123"), turn(noon)).refusesTag("InvalidContact")
    given(eleni).when(rotate(first, noon), turn(noon)).refusesTag("TokenNotUsable")
    given(eleni)
      .after(rotate(first), turn(noon))
      .when(rotate(first), turn(noon + 1))
      .journals()
  })

  it("IDN-2: does not rotate where wallet codes are static", () => {
    given(eleni).when(rotate(first)).refusesTag("NotSupported")
  })
})
