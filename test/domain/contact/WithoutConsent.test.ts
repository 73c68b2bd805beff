/** CON-5: what still succeeds with a contact who has left the business nothing, and what does not. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { Command } from "#domain/Command.ts"
import { ContactCommand } from "#domain/contact/ContactCommand.ts"
import type { BusinessSettings } from "#domain/organisation/Business.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { DomainWorld } from "../../support/DomainWorld.ts"
import { bakery, noon, registration } from "../../support/Given.ts"

const settings: BusinessSettings = {
  ...bakery.settings,
  consentEffects: { rejected: "COMPLETE", withdrawn: "NONE" }
}

const credit = (entryId: string, amount: bigint): Command => ({
  _tag: "PostJournal",
  entryId,
  action: "CREDIT",
  amount,
  currency: "EUR"
})
const consent = (to: "ACCEPTED" | "WITHDRAWN"): Command => ({ _tag: "ChangeConsent", to, by: "CONTACT" })

/** Eleni and her friend, both with money, in a business that leaves nothing to who withdraws. */
const town = (): DomainWorld => {
  const world = new DomainWorld({ ...bakery, settings }, noon)
  for (const [index, id] of ["eleni", "nikos"].entries()) {
    const { identity } = registration(id)
    const own = { ...identity, referralCode: `NIKOS${index}`, walletCode: `123456789012345${index}` }
    assert.isTrue(Result.isSuccess(world.run(id, registration(id, { identity: own }))))
    world.run(id, credit(`salary-${id}`, 10_000n))
  }
  return world
}
const withdrawn = (): DomainWorld => {
  const world = town()
  world.run("eleni", consent("ACCEPTED"))
  world.run("eleni", consent("WITHDRAWN"))
  return world
}
const refusalOf = (world: DomainWorld, key: string, command: Command): string | undefined => {
  const outcome = world.run(key, command)
  return Result.isFailure(outcome) ? outcome.failure._tag : undefined
}
const transfer = (from: string, to: string): Command => ({
  _tag: "SendTransfer",
  transferId: `${from}-${to}`,
  destinationId: to,
  amount: 1_000n,
  currency: "EUR"
})
const share: Command = {
  _tag: "InvitePerson",
  relationshipId: "r",
  memberId: "nikos",
  memberType: "PERSON",
  joinsAtOnce: true,
  terms: { isAdmin: false, permissions: [], walletSharing: { isEnabled: true, method: "AUTO", poolIds: [] } }
}

const purchase = (contactId: string, communityId?: string): typeof PostPurchase.Type => ({
  _tag: "PostPurchase",
  purchaseId: `p-${contactId}`,
  code: "P-1",
  entryId: `p-${contactId}/spend`,
  drawId: `d-${contactId}`,
  contactId,
  organisationId: "ledra",
  referenceNumber: "R-1",
  fingerprint: "f",
  total: 1_000n,
  currency: "EUR",
  lines: [],
  spendRequest: { restrictFullyCovered: false },
  ...(communityId !== undefined && { communityId })
})

describe("a contact who has left the business nothing", () => {
  it("CON-5: is asked for nothing but what the rule names; each of her commands is one or the other", () => {
    const passing = new Set([
      "ChangeConsent",
      "ChangeOptOut",
      "RequestCommunication",
      "AuthorizeSend",
      "CompleteCommunication",
      "RejectCommunication",
      "ReportUndelivered",
      "MarkCommunication",
      "RemoveDevice",
      "ReceiveTransfer",
      "CompleteTransfer",
      "NoteMembership",
      "ReviewInteraction",
      "ExpireLots",
      // Of one who is not there yet.
      "RegisterContact"
    ])
    const world = withdrawn()
    for (const { fields } of ContactCommand.members) {
      const tag = fields._tag.schema.literal
      if (passing.has(tag)) continue
      // It is refused before anything else of the command is looked at.
      assert.strictEqual(refusalOf(world, "eleni", { _tag: tag } as unknown as Command), "NoConsent", tag)
    }
    assert.isUndefined(refusalOf(world, "eleni", { _tag: "ChangeOptOut", channel: "SMS", optedOut: true, by: "LINK" }))
    assert.isUndefined(refusalOf(world, "eleni", consent("ACCEPTED")))
    assert.isUndefined(refusalOf(world, "eleni", credit("again", 1n)))
  })

  it("CON-2, CON-5: keeps everything where the business has set nothing", () => {
    const world = withdrawn()
    world.business = bakery
    assert.isUndefined(refusalOf(world, "eleni", credit("gift", 1n)))
  })

  it("CON-5, WAL-8: gets the money that is on its way to her, and back what she had sent before", () => {
    const world = withdrawn()
    assert.strictEqual(refusalOf(world, "eleni", transfer("eleni", "nikos")), "NoConsent")
    assert.isUndefined(refusalOf(world, "nikos", transfer("nikos", "eleni")))
    assert.strictEqual(balance(world.contact("eleni").lots), 11_000n)

    const sending = town()
    sending.run("eleni", consent("ACCEPTED"))
    sending.ask("eleni", transfer("eleni", "nobody"), "sent")
    sending.ask("eleni", consent("WITHDRAWN"))
    sending.settle()
    assert.strictEqual(balance(sending.contact("eleni").lots), 10_000n)
    assert.deepStrictEqual(sending.open, [])
  })

  it("CON-5, SHR-6: shares nothing any more, and no purchase of a member waits for her", () => {
    const world = town()
    assert.isUndefined(refusalOf(world, "eleni", share))
    world.run("eleni", consent("ACCEPTED"))
    world.run("eleni", consent("WITHDRAWN"))
    assert.isUndefined(refusalOf(world, "nikos", purchase("nikos", "eleni")))
    assert.deepStrictEqual(world.open, [])
    assert.strictEqual(balance(world.contact("eleni").lots), 10_000n)
    assert.strictEqual(balance(world.contact("nikos").lots), 9_000n)
    assert.strictEqual(refusalOf(world, "eleni", { _tag: "RemovePerson", relationshipId: "r" }), "NoConsent")
    assert.isUndefined(refusalOf(world, "eleni", { _tag: "LeaveCommunity", memberId: "nikos" }))
  })

  it("CON-5, PUR-6: buys nothing and has nothing cancelled", () => {
    const world = town()
    world.run("eleni", consent("ACCEPTED"))
    assert.isUndefined(refusalOf(world, "eleni", purchase("eleni")))
    world.run("eleni", consent("WITHDRAWN"))
    const cancel: Command = { _tag: "CancelPurchase", purchaseId: "p-eleni", entryId: "back" }
    assert.strictEqual(refusalOf(world, "eleni", cancel), "NoConsent")
    const second: Command = { ...purchase("eleni"), purchaseId: "p-2", referenceNumber: "R-2" }
    assert.strictEqual(refusalOf(world, "eleni", second), "NoConsent")
  })
})
