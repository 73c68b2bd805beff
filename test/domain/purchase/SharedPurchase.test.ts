/**
 * A purchase paid from a shared wallet, from the till to the last commit (SHR-4..9, PUR-10): messages travel between the
 * keys of a small household, in the order in which a test lets them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { relationWith } from "#domain/community/Community.ts"
import type { Terms } from "#domain/community/CommunityState.ts"
import { estimate } from "#domain/purchase/Estimate.ts"
import type { PostPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import type { DomainWorld } from "../../support/DomainWorld.ts"
import { dayMs, noon } from "../../support/Given.ts"
import {
  allOrNothing,
  done,
  household,
  invitation,
  journal,
  line,
  paidFor,
  receipt,
  refused,
  sharing,
  whatThereIs
} from "../../support/Household.ts"

interface Funds {
  readonly andreas?: bigint
  readonly eleni?: bigint
  readonly terms?: Terms
}

/** Eleni is in Andreas's community; both have money. */
const family = ({ andreas = 1000n, eleni = 0n, terms = sharing() }: Funds = {}): DomainWorld => {
  const world = household()
  if (andreas > 0n) done(world.run("andreas", journal("CREDIT", andreas, "andreas-salary")))
  if (eleni > 0n) done(world.run("eleni", journal("CREDIT", eleni, "eleni-salary")))
  done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms })))
  return world
}

const buy = (world: DomainWorld, total: bigint, overrides: Partial<typeof PostPurchase.Type> = {}) =>
  world.run("eleni", receipt(total, { spendRequest: whatThereIs, ...overrides }))

const paid = (world: DomainWorld, referenceNumber = "R-1") => paidFor(world.purchase(`purchase-${referenceNumber}`))
const has = (world: DomainWorld, id: string) => balance(world.contact(id).lots)
const used = (world: DomainWorld) => relationWith(world.community("andreas"), "eleni")?.used.amount
const cancel = (entryId = "entry-cancel") => ({ _tag: "CancelPurchase", purchaseId: "purchase-R-1", entryId }) as const

describe("who pays", () => {
  it("SHR-5 the owner pays first, the member the rest", () => {
    const world = family({ andreas: 200n, eleni: 1000n })
    done(buy(world, 500n))
    assert.deepStrictEqual(paid(world), { own: 300n, shared: 200n })
    assert.deepStrictEqual([has(world, "andreas"), has(world, "eleni")], [0n, 700n])
  })

  it("SHR-5 the member pays first where the business has set it so, and alone if she can", () => {
    const world = family({ andreas: 200n, eleni: 400n })
    world.business = { ...world.business, settings: { ...world.business.settings, sharingOrder: "MEMBER_FIRST" } }
    done(buy(world, 300n))
    assert.deepStrictEqual(paid(world), { own: 300n, shared: 0n })
    done(buy(world, 500n, { referenceNumber: "R-2" }))
    assert.deepStrictEqual(paid(world, "R-2"), { own: 100n, shared: 200n })
  })

  it("SHR-6 what both have together is spent, and no more, unless all of it is demanded", () => {
    const world = family({ andreas: 200n, eleni: 100n })
    done(buy(world, 500n))
    assert.deepStrictEqual(paid(world), { own: 100n, shared: 200n })
  })

  it("SHR-6 PUR-4 all of it demanded and not there: refused, with what there was and why, and nothing taken", () => {
    const world = family({ andreas: 200n, eleni: 100n })
    const from = world.journal.length
    assert.deepStrictEqual(refused(buy(world, 500n, { spendRequest: allOrNothing })), {
      _tag: "InsufficientFunds",
      requested: 500n,
      available: 300n,
      shared: 200n,
      sharedReason: "no_funds",
      currency: "EUR"
    })
    assert.deepStrictEqual(
      world.journal.slice(from).map((entry) => entry.event._tag),
      ["PurchaseOpened", "PurchaseRefused"]
    )
    assert.deepStrictEqual([has(world, "andreas"), has(world, "eleni")], [200n, 100n])
  })

  it("SHR-2 SHR-6 the monthly limit bounds the owner's part, and the reason is told", () => {
    const world = family({ eleni: 100n, terms: sharing({ maxAmount: 250n }) })
    done(buy(world, 300n))
    assert.deepStrictEqual(paid(world), { own: 50n, shared: 250n })
    const refusal = refused(buy(world, 300n, { referenceNumber: "R-2", spendRequest: allOrNothing }))
    assert.deepInclude(refusal, { available: 50n, shared: 0n, sharedReason: "limit_reached" })
  })

  it("WAL-3 products that a pool of the owner has paid for are not paid again by a pool of the member", () => {
    const world = family({ andreas: 0n, terms: sharing({ poolIds: ["coffee"] }) })
    done(world.run("andreas", journal("CREDIT", 500n, "andreas-coffee", "coffee")))
    done(world.run("eleni", journal("CREDIT", 500n, "eleni-coffee", "coffee")))
    done(buy(world, 500n, { lines: [line("coffee", 200n), line("pie", 300n)] }))
    assert.deepStrictEqual(paid(world), { own: 0n, shared: 200n })
  })

  it("SHR-7 the member's balance is hers: what the owner gives comes in and goes out in one event", () => {
    const world = family({ eleni: 100n })
    done(buy(world, 500n))
    assert.deepStrictEqual(paid(world), { own: 0n, shared: 500n })
    assert.strictEqual(has(world, "eleni"), 100n)
  })

  it("INT-6 a shared purchase is an interaction of both, and its cancel of neither", () => {
    const world = family()
    done(buy(world, 500n))
    const states = () => [world.contact("andreas").interactionState, world.contact("eleni").interactionState]
    assert.deepStrictEqual(states(), ["ENGAGED", "ENGAGED"])
    done(world.run("eleni", cancel()))
    assert.deepStrictEqual(states(), ["NEVER_ENGAGED", "NEVER_ENGAGED"])
  })
})

describe("whose shared wallet", () => {
  const twoOwners = (): DomainWorld => {
    const world = family({ eleni: 100n })
    done(world.run("yiayia", journal("CREDIT", 1000n, "yiayia-pension")))
    done(world.run("yiayia", invitation("eleni", { relationshipId: "relation-yiayia", joinsAtOnce: true })))
    return world
  }

  it("SHR-4 the only one there is, if none is named", () => {
    const world = family()
    done(buy(world, 300n))
    assert.strictEqual(world.purchase("purchase-R-1").shared?.ownerId, "andreas")
  })

  it("SHR-4 the one that is named, by the till or by the member's token before it", () => {
    const world = twoOwners()
    done(buy(world, 300n, { communityId: "yiayia" }))
    assert.strictEqual(world.purchase("purchase-R-1").shared?.ownerId, "yiayia")
    const token = {
      id: "token-1",
      value: "token-value",
      alternative: "9876543210987654",
      intent: "SPEND",
      communityId: "andreas",
      expiresAt: noon + dayMs
    } as const
    done(world.run("eleni", { _tag: "IssueToken", token }))
    done(buy(world, 300n, { referenceNumber: "R-2", communityId: "yiayia", tokenValue: "token-value" }))
    assert.strictEqual(world.purchase("purchase-R-2").shared?.ownerId, "andreas")
  })

  it("SHR-4 several and none named: the member's own money only", () => {
    const world = twoOwners()
    done(buy(world, 300n))
    assert.deepStrictEqual(paid(world), { own: 100n, shared: 0n })
  })

  it("SHR-4 several, none named and all of it demanded: the choices are listed", () => {
    const refusal = refused(buy(twoOwners(), 300n, { spendRequest: allOrNothing }))
    assert.deepStrictEqual(refusal, { _tag: "SharingNotChosen", ownerIds: ["andreas", "yiayia"] })
  })

  it("SHR-4 one that is named but shares nothing with her is refused", () => {
    assert.deepStrictEqual(refused(buy(family(), 300n, { communityId: "yiayia" })), {
      _tag: "NotSharedWith",
      ownerId: "yiayia"
    })
  })

  it("COM-1 COM-4 an invitation alone shares nothing, nor does a community that she left", () => {
    const world = household()
    done(world.run("andreas", journal("CREDIT", 1000n, "andreas-salary")))
    done(world.run("andreas", invitation("eleni")))
    done(buy(world, 300n))
    assert.deepStrictEqual(paid(world), { own: 0n, shared: 0n })
    const answer = { relationshipId: "relation-eleni", memberId: "eleni", action: "ACCEPT" } as const
    done(world.run("andreas", { _tag: "RespondToInvitation", ...answer }))
    done(buy(world, 300n, { referenceNumber: "R-2" }))
    assert.deepStrictEqual(paid(world, "R-2"), { own: 0n, shared: 300n })
    done(world.run("andreas", { _tag: "LeaveCommunity", memberId: "eleni" }))
    done(buy(world, 300n, { referenceNumber: "R-3" }))
    assert.deepStrictEqual(paid(world, "R-3"), { own: 0n, shared: 0n })
  })

  it("COM-4 a removal that the member has not heard of yet already holds", () => {
    const world = family()
    world.ask("andreas", { _tag: "RemovePerson", relationshipId: "relation-eleni" })
    const commandId = "the-purchase"
    world.ask("eleni", receipt(300n, { spendRequest: allOrNothing }), commandId)
    world.deliver(1)
    world.settle()
    const outcome = world.outcome("eleni", commandId)
    assert.deepInclude(outcome === undefined || outcome === "open" ? {} : refused(outcome), {
      shared: 0n,
      sharedReason: "not_shared"
    })
  })
})

describe("while a draw is under way", () => {
  it("SHR-7 nothing of the member is paid, the owner's money is in transit, and the command waits", () => {
    const world = family({ eleni: 100n })
    assert.strictEqual(world.ask("eleni", receipt(500n, { spendRequest: whatThereIs }), "one"), "open")
    world.deliver(0)
    assert.deepStrictEqual([has(world, "andreas"), has(world, "eleni")], [500n, 100n])
    assert.strictEqual(world.purchase("purchase-R-1").state, "OPEN")
    world.deliver(0)
    assert.strictEqual(world.purchase("purchase-R-1").state, "POSTED")
    const outcome = world.outcome("eleni", "one")
    assert.isTrue(outcome !== undefined && outcome !== "open" && Result.isSuccess(outcome))
  })

  it("PUR-2 PUR-6 the same receipt and its cancel have to wait", () => {
    const world = family()
    world.ask("eleni", receipt(500n, { spendRequest: whatThereIs }))
    const still = { _tag: "PurchaseStillOpen", id: "purchase-R-1" } as const
    const again = world.ask("eleni", receipt(500n, { spendRequest: whatThereIs }))
    const cancelled = world.ask("eleni", cancel())
    assert.deepStrictEqual([again, cancelled], [Result.fail(still), Result.fail(still)])
  })

  it("CIM-5 a token is used up although nothing is paid yet", () => {
    const world = family()
    const token = {
      id: "token-1",
      value: "token-value",
      alternative: "9876543210987654",
      intent: "SPEND",
      expiresAt: noon + dayMs
    } as const
    done(world.run("eleni", { _tag: "IssueToken", token }))
    world.ask("eleni", receipt(300n, { tokenValue: "token-value" }))
    const second = world.ask("eleni", receipt(300n, { referenceNumber: "R-2", tokenValue: "token-value" }))
    assert.deepStrictEqual(second, Result.fail({ _tag: "TokenNotUsable", reason: "unknown_or_used" } as const))
  })

  it("SHR-6 SHR-9 own money that is gone meanwhile: refused, and the owner's money goes back", () => {
    const world = family({ andreas: 200n, eleni: 300n })
    world.ask("eleni", receipt(500n, { spendRequest: allOrNothing }), "one")
    done(world.run("eleni", journal("DEBIT", 300n, "eleni-rent")))
    const outcome = world.outcome("eleni", "one")
    assert.deepInclude(outcome === undefined || outcome === "open" ? {} : refused(outcome), {
      available: 200n,
      shared: 200n
    })
    assert.strictEqual(has(world, "andreas"), 200n)
    assert.strictEqual(used(world), 0n)
    assert.strictEqual(world.contact("andreas").interactionState, "NEVER_ENGAGED")
  })

  it("PUR-2 a refused purchase may be tried again, and then asks for less", () => {
    const world = family({ andreas: 200n })
    refused(buy(world, 500n, { spendRequest: allOrNothing }))
    done(buy(world, 500n, { drawId: "draw-again", fingerprint: "another", spendRequest: whatThereIs }))
    assert.deepStrictEqual(paid(world), { own: 0n, shared: 200n })
  })

  it("PUR-6 a refused purchase cannot be cancelled", () => {
    const world = family({ andreas: 200n })
    refused(buy(world, 500n, { spendRequest: allOrNothing }))
    assert.strictEqual(refused(world.run("eleni", cancel()))._tag, "PurchaseNotFound")
  })

  it("SHR-9 money of an earlier try is not taken for that of the present one", () => {
    const world = family({ andreas: 200n })
    refused(buy(world, 500n, { spendRequest: allOrNothing }))
    world.ask("eleni", receipt(500n, { drawId: "draw-again", spendRequest: whatThereIs }))
    const parts = world.contact("andreas").lots.map(({ remaining, ...lot }) => ({ ...lot, amount: remaining }))
    const shared = { drawId: "draw-R-1", ownerId: "andreas", amount: 200n, parts, month: "2026-11", drawnAt: noon }
    const late = { purchaseId: "purchase-R-1", drawId: "draw-R-1", entryId: "x", shared }
    world.ask("eleni", { _tag: "CompletePurchase", ...late })
    assert.strictEqual(world.purchase("purchase-R-1").state, "OPEN")
    assert.deepStrictEqual(
      world.messages.map((message) => message.id),
      ["draw-again/draw", "draw-R-1/return"]
    )
  })

  it("SHR-9 money that comes for a purchase that no longer waits for it goes back, once", () => {
    const world = family()
    done(buy(world, 300n))
    const stray = world.delivered.find((message) => message.command._tag === "CompletePurchase")
    if (stray?.command._tag !== "CompletePurchase" || stray.command.shared === undefined) return assert.fail("no draw")
    const { shared } = stray.command
    const returns = (drawId: string) => {
      const command = { ...stray.command, drawId, shared: { ...shared, drawId } }
      world.ask("eleni", { ...command, _tag: "CompletePurchase" as const, purchaseId: "purchase-R-1", entryId: "x" })
      return world.messages.splice(0).map((message) => message.id)
    }
    assert.deepStrictEqual(returns("draw-R-1"), [])
    assert.deepStrictEqual(returns("another-draw"), ["another-draw/return"])
  })
})

describe("a cancelled shared purchase", () => {
  it("SHR-9 WAL-6 gives both their money back, to the lots it came from, and the month its room", () => {
    const world = family({ andreas: 200n, eleni: 1000n, terms: sharing({ maxAmount: 500n }) })
    const before = [world.contact("andreas").lots, world.contact("eleni").lots]
    done(buy(world, 500n))
    done(world.run("eleni", cancel()))
    assert.deepStrictEqual([world.contact("andreas").lots, world.contact("eleni").lots], before)
    assert.strictEqual(used(world), 0n)
    assert.strictEqual(world.purchase("purchase-R-1").state, "CANCELLED")
  })

  it("SHR-9 PUR-6 cancelled twice, the money goes back once", () => {
    const world = family()
    done(buy(world, 500n))
    done(world.run("eleni", cancel()))
    done(world.run("eleni", cancel("entry-second")))
    assert.strictEqual(has(world, "andreas"), 1000n)
  })

  it("SHR-2 SHR-9 cancelled in the next month, it leaves that month as it is", () => {
    const world = family({ terms: sharing({ maxAmount: 500n }) })
    done(buy(world, 500n))
    world.passUntil(Date.UTC(2026, 11, 3))
    done(buy(world, 100n, { referenceNumber: "R-2" }))
    done(world.run("eleni", cancel()))
    assert.strictEqual(used(world), 100n)
    assert.strictEqual(has(world, "andreas"), 900n)
  })

  it("SHR-9 INT-3 a draw just before midnight that is paid just after it is taken back from the right dates", () => {
    const world = family()
    const midnight = Date.UTC(2026, 10, 22, 22, 0)
    world.passUntil(midnight - 1)
    world.ask("eleni", receipt(300n, { spendRequest: whatThereIs }))
    world.deliver(0)
    world.passUntil(midnight)
    world.settle()
    done(world.run("eleni", cancel()))
    for (const id of ["andreas", "eleni"]) assert.deepStrictEqual(world.contact(id).interactions.days, [])
  })
})

describe("an estimate", () => {
  const estimated = (world: DomainWorld, command: typeof PostPurchase.Type) =>
    estimate(
      world.contact("eleni"),
      (ownerId) => ({ contact: world.contact(ownerId), community: world.community(ownerId) }),
      command,
      { at: world.now, key: "", commandId: "estimate", business: world.business }
    )

  it("PUR-10 says what the purchase will come to, and changes nothing", () => {
    const command = receipt(1500n, { spendRequest: whatThereIs })
    const world = family({ eleni: 300n })
    const from = world.journal.length
    const result = estimated(world, command)
    assert.strictEqual(world.journal.length, from)
    done(world.run("eleni", command))
    const { own, shared } = paid(world)
    if (Result.isFailure(result)) return assert.fail(result.failure._tag)
    assert.deepStrictEqual(result.success.own, own)
    assert.deepStrictEqual(result.success.shared, { ownerId: "andreas", amount: shared, reason: "no_funds" })
  })

  it("PUR-10 refuses what the purchase would be refused for", () => {
    for (const [andreas, eleni] of [
      [200n, 100n],
      [0n, 0n]
    ] as const) {
      const world = family({ andreas, eleni, terms: sharing({ maxAmount: 150n }) })
      const command = receipt(500n, { spendRequest: allOrNothing })
      const result = estimated(world, command)
      assert.deepStrictEqual(result, Result.fail(refused(world.run("eleni", command))))
    }
  })

  it("PUR-10 of a purchase that the own wallet pays needs no owner", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 300n, "eleni-salary")))
    const result = estimated(world, receipt(200n, { spendRequest: whatThereIs }))
    assert.strictEqual(Result.isSuccess(result) && result.success.own, 200n)
  })
})
