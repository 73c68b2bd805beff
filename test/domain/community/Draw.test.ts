/** The owner's side of a shared purchase (SHR-2, SHR-3, SHR-6..9, SHR-11), decision by decision. */
import { assert, describe, it } from "@effect/vitest"
import { community, relationWith } from "#domain/community/Community.ts"
import type { DrawSharedFunds } from "#domain/community/CommunityCommand.ts"
import { communityDecider } from "#domain/community/CommunityDecider.ts"
import type { Terms } from "#domain/community/CommunityState.ts"
import { remaining } from "#domain/community/Draw.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { SharedSpend } from "#domain/contact/ContactEvent.ts"
import type { Message } from "#domain/shared/Decision.ts"
import type { Part } from "#domain/wallet/Lot.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { credited, dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"
import { joined, sharing } from "../../support/Household.ts"

const { given } = scenario(communityDecider, { contact, community })
const andreas = registered("andreas")

const draw = (
  requested: bigint,
  overrides: Partial<typeof DrawSharedFunds.Type> = {}
): typeof DrawSharedFunds.Type => ({
  _tag: "DrawSharedFunds",
  drawId: "draw-1",
  purchaseId: "purchase-1",
  memberId: "eleni",
  requested,
  atLeast: 0n,
  currency: "EUR",
  spending: { organisationId: "ledra", at: noon, total: requested, lines: [] },
  ...overrides
})

const complete = (changes: {
  readonly shared?: SharedSpend
  readonly offered?: bigint
  readonly reason?: string
}): Message => ({
  id: "draw-1/complete",
  to: "eleni",
  command: {
    _tag: "CompletePurchase",
    purchaseId: "purchase-1",
    drawId: "draw-1",
    entryId: "draw-1/spend",
    ...changes
  }
})

const part = (lotId: string, amount: bigint, overrides: Partial<Part> = {}): Part => ({
  lotId,
  pocket: "BUSINESS",
  creditedAt: noon - dayMs,
  amount,
  ...overrides
})

const brought = (amount: bigint, parts: ReadonlyArray<Part>, month = "2026-11", drawnAt = noon): SharedSpend => ({
  drawId: "draw-1",
  ownerId: "andreas",
  amount,
  parts,
  month,
  drawnAt
})

/** Andreas with money, and Eleni on these terms. */
const withMoney = (amount: bigint, terms: Terms = sharing()) =>
  given(andreas, credited("salary", amount), joined("eleni", { terms }))

describe("a draw", () => {
  it("SHR-7 the debit, the count of the month and the money for the member are one decision", () => {
    withMoney(1000n)
      .when(draw(300n))
      .journalsTags("FundsDebited", "DrawCounted", "InteractionStateChanged", "TimerArmed")
      .sends(complete({ shared: brought(300n, [part("salary", 300n)]) }))
      .answers({ _tag: "Done", id: "draw-1" })
      .leaves(({ contact, community }) => {
        assert.strictEqual(balance(contact.lots), 700n)
        assert.deepStrictEqual(relationWith(community, "eleni")?.used, { month: "2026-11", amount: 300n })
      })
  })

  it("SHR-7 every entry names the draw, the purchase and the other side", () => {
    const [debit, count] = withMoney(1000n).when(draw(300n)).decision.events
    assert.deepStrictEqual(debit, {
      _tag: "FundsDebited",
      entryId: "draw-1/draw",
      amount: 300n,
      currency: "EUR",
      parts: [part("salary", 300n)],
      reason: "WALLET_SHARING",
      counterpartId: "eleni",
      drawId: "draw-1",
      purchaseId: "purchase-1",
      counts: true,
      at: noon
    })
    assert.deepStrictEqual(count, {
      _tag: "DrawCounted",
      relationshipId: "relation-eleni",
      memberId: "eleni",
      drawId: "draw-1",
      purchaseId: "purchase-1",
      amount: 300n,
      month: "2026-11",
      left: null,
      at: noon
    })
  })

  it("SHR-6 less money than asked for is given, with the reason", () => {
    withMoney(200n)
      .when(draw(300n))
      .sends(complete({ shared: brought(200n, [part("salary", 200n)]), reason: "no_funds" }))
  })

  it("SHR-6 nothing is taken where the purchase could not be covered by it", () => {
    withMoney(200n)
      .when(draw(300n, { atLeast: 250n }))
      .journals()
      .sends(complete({ offered: 200n, reason: "no_funds" }))
      .answers({ _tag: "Done", id: "draw-1" })
  })

  it("SHR-6 an empty wallet answers too", () => {
    given(andreas, joined("eleni"))
      .when(draw(300n))
      .journals()
      .sends(complete({ offered: 0n, reason: "no_funds" }))
  })

  it("SHR-2 the month sets the limit, and exactly the limit is within it", () => {
    withMoney(1000n, sharing({ maxAmount: 300n }))
      .when(draw(300n))
      .sends(complete({ shared: brought(300n, [part("salary", 300n)]) }))
    withMoney(1000n, sharing({ maxAmount: 299n }))
      .when(draw(300n))
      .sends(complete({ shared: brought(299n, [part("salary", 299n)]), reason: "limit_reached" }))
  })

  it("SHR-2 without a limit there is no end to the month", () => {
    const { states } = withMoney(1000n).after(draw(300n))
    const relation = relationWith(states.community, "eleni")
    assert.isUndefined(relation && remaining(relation, "2026-11"))
  })

  it("SHR-2 what was drawn this month counts, and on the first everything is there again", () => {
    const terms = sharing({ maxAmount: 300n })
    const drawn = withMoney(1000n, terms).after(draw(200n))
    drawn.when(draw(300n)).sends(complete({ shared: brought(100n, [part("salary", 100n)]), reason: "limit_reached" }))
    // The first of December begins at 22:00 UTC of the day before in Nicosia.
    const december = Date.UTC(2026, 10, 30, 22, 0)
    drawn
      .when(draw(300n), turnAt(december - 1))
      .sends(
        complete({ shared: brought(100n, [part("salary", 100n)], "2026-11", december - 1), reason: "limit_reached" })
      )
    drawn
      .when(draw(300n), turnAt(december))
      .sends(complete({ shared: brought(300n, [part("salary", 300n)], "2026-12", december) }))
  })

  it("SHR-8 two members draw in turn: each has her own month, and the wallet is never overspent", () => {
    const terms = sharing({ maxAmount: 300n })
    given(andreas, credited("salary", 500n), joined("eleni", { terms }), joined("nikos", { terms }))
      .after(draw(300n))
      .when(draw(300n, { memberId: "nikos", drawId: "draw-2" }))
      .leaves(({ contact, community }) => {
        assert.strictEqual(balance(contact.lots), 0n)
        assert.strictEqual(relationWith(community, "eleni")?.used.amount, 300n)
        assert.strictEqual(relationWith(community, "nikos")?.used.amount, 200n)
      })
  })

  it("SHR-8 who leaves and comes back in the same month has not got a new limit", () => {
    const terms = sharing({ maxAmount: 300n })
    withMoney(1000n, terms)
      .after(draw(200n))
      .after({ _tag: "LeaveCommunity", memberId: "eleni" })
      .after({
        _tag: "InvitePerson",
        relationshipId: "again",
        memberId: "eleni",
        memberType: "PERSON",
        joinsAtOnce: true,
        terms
      })
      .when(draw(300n))
      .sends(complete({ shared: brought(100n, [part("salary", 100n)]), reason: "limit_reached" }))
  })

  it("SHR-3 without pools only the open pocket is shared", () => {
    given(andreas, credited("voucher", 500n, { poolId: "any" }), credited("salary", 100n), joined("eleni"))
      .when(draw(300n))
      .sends(complete({ shared: brought(100n, [part("salary", 100n)]), reason: "no_funds" }))
  })

  it("SHR-3 with pools only those are shared, each under its own conditions", () => {
    const lines = [
      { sku: "coffee", amount: 200n },
      { sku: "pie", amount: 100n }
    ]
    const spending = { organisationId: "ledra", at: noon, total: 300n, lines }
    const voucher = part("voucher", 200n, { pocket: "BUSINESS_COMMERCE", poolId: "coffee" })
    given(
      andreas,
      credited("salary", 500n),
      credited("voucher", 500n, { poolId: "coffee" }),
      credited("other", 500n, { poolId: "any" }),
      joined("eleni", { terms: sharing({ poolIds: ["coffee"] }) })
    )
      .when(draw(300n, { spending }))
      .sends(complete({ shared: brought(200n, [voucher]), reason: "no_funds" }))
  })

  it("SHR-11 a limit lowered below what was used leaves nothing, and never less", () => {
    withMoney(1000n, sharing({ maxAmount: 300n }))
      .after(draw(200n))
      .after({ _tag: "UpdatePerson", relationshipId: "relation-eleni", terms: sharing({ maxAmount: 100n }) })
      .when(draw(300n))
      .journals()
      .sends(complete({ offered: 0n, reason: "limit_reached" }))
  })

  it("SHR-11 WAL-10 an owner whose spending is blocked gives nothing", () => {
    given(andreas, credited("salary", 500n), joined("eleni"), { _tag: "SpendBlockChanged", blocked: true, at: noon })
      .when(draw(300n))
      .journals()
      .sends(complete({ offered: 0n, reason: "spend_blocked" }))
  })

  it("COM-1 COM-4 only an accepted member for whom sharing is on draws anything", () => {
    const none = complete({ offered: 0n, reason: "not_shared" })
    const money = credited("salary", 500n)
    given(andreas, money).when(draw(300n)).journals().sends(none)
    given(andreas, money, joined("eleni", { state: "PENDING", expiresAt: noon + 1 }))
      .when(draw(300n))
      .journals()
      .sends(none)
    withMoney(500n).after({ _tag: "LeaveCommunity", memberId: "eleni" }).when(draw(300n)).journals().sends(none)
    withMoney(500n, sharing({ isEnabled: false }))
      .when(draw(300n))
      .journals()
      .sends(none)
    given().when(draw(300n)).journals().sends(none)
  })

  it("a wallet of another currency gives nothing", () => {
    withMoney(500n)
      .when(draw(300n, { currency: "USD" }))
      .journals()
      .sends(complete({ offered: 0n, reason: "other_currency" }))
  })
})

describe("money that comes back", () => {
  const terms = sharing({ maxAmount: 300n })
  const back = (amount: bigint, parts: ReadonlyArray<Part>, drawnAt = noon) =>
    ({
      _tag: "ReturnSharedFunds",
      drawId: "draw-1",
      purchaseId: "purchase-1",
      memberId: "eleni",
      amount,
      parts,
      month: "2026-11",
      drawnAt
    }) as const

  it("SHR-9 WAL-6 is in the lots it came from again, and no longer counts as an interaction", () => {
    const before = withMoney(1000n, terms)
    before
      .after(draw(300n))
      .when(back(300n, [part("salary", 300n)]))
      .journalsTags("FundsReturned", "DrawUncounted", "InteractionStateChanged")
      .leaves(({ contact, community }) => {
        assert.deepStrictEqual(contact.lots, before.states.contact.lots)
        assert.strictEqual(contact.interactionState, "NEVER_ENGAGED")
        assert.strictEqual(relationWith(community, "eleni")?.used.amount, 0n)
      })
  })

  it("SHR-9 WAL-6 a lot that was emptied comes back with its expiry and its timer", () => {
    const expiresAt = noon + 5 * dayMs
    const lot = part("voucher", 300n, { pocket: "BUSINESS_COMMERCE", poolId: "month", expiresAt })
    given(
      andreas,
      credited("voucher", 300n, { poolId: "month", expiresAt }),
      joined("eleni", { terms: sharing({ poolIds: ["month"] }) })
    )
      .after(draw(300n))
      .when(back(300n, [lot]))
      .leaves(({ contact }) => {
        assert.deepStrictEqual(contact.lots, [
          {
            lotId: "voucher",
            pocket: "BUSINESS_COMMERCE",
            poolId: "month",
            creditedAt: noon - dayMs,
            expiresAt,
            remaining: 300n
          }
        ])
        assert.strictEqual(contact.timers.expiry, expiresAt)
      })
  })

  it("SHR-9 WAL-6 money whose date has passed meanwhile expires in the same decision", () => {
    const expiresAt = noon + 5 * dayMs
    const lot = part("voucher", 300n, { pocket: "BUSINESS_COMMERCE", poolId: "month", expiresAt })
    given(
      andreas,
      credited("voucher", 300n, { poolId: "month", expiresAt }),
      joined("eleni", { terms: sharing({ poolIds: ["month"] }) })
    )
      .after(draw(300n))
      .when(back(300n, [lot]), turnAt(expiresAt))
      .journalsTags("FundsReturned", "DrawUncounted", "FundsDebited", "InteractionStateChanged")
      .leaves(({ contact }) => assert.deepStrictEqual(contact.lots, []))
  })

  it("SHR-2 gives the month its room back, but only in that month", () => {
    const drawn = withMoney(1000n, terms).after(draw(300n))
    drawn
      .after(back(300n, [part("salary", 300n)]))
      .when(draw(300n))
      .leaves(({ community }) => assert.strictEqual(relationWith(community, "eleni")?.used.amount, 300n))
    const december = turnAt(Date.UTC(2026, 11, 5))
    drawn
      .after(draw(100n), december)
      .after(back(300n, [part("salary", 300n)]), december)
      .when(draw(300n), december)
      .leaves(({ community }) => {
        assert.deepStrictEqual(relationWith(community, "eleni")?.used, { month: "2026-12", amount: 300n })
      })
  })

  it("SHR-2 says what is left of the month after it, as what goes out does", () => {
    const leftOf = (decision: { readonly events: ReadonlyArray<object> }) =>
      decision.events.flatMap((event) => ("left" in event ? [event.left] : []))
    const before = withMoney(1000n, terms)
    assert.deepStrictEqual(leftOf(before.when(draw(200n)).decision), [100n])
    assert.deepStrictEqual(leftOf(before.when(draw(500n)).decision), [0n])
    const drawn = before.after(draw(200n))
    const returned = back(150n, [part("salary", 150n)])
    assert.deepStrictEqual(leftOf(drawn.when(returned).decision), [250n])
    assert.deepStrictEqual(leftOf(drawn.when(returned, turnAt(Date.UTC(2026, 11, 5))).decision), [100n])
    const gone = drawn.after({ _tag: "LeaveCommunity", memberId: "eleni" })
    assert.deepStrictEqual(leftOf(gone.when(returned).decision), [null])
  })

  it("SHR-8 SHR-9 comes back also when the member is gone, and then counts when she returns", () => {
    const gone = withMoney(1000n, terms).after(draw(300n)).after({ _tag: "LeaveCommunity", memberId: "eleni" })
    gone
      .after(back(100n, [part("salary", 100n)]))
      .after({
        _tag: "InvitePerson",
        relationshipId: "again",
        memberId: "eleni",
        memberType: "PERSON",
        joinsAtOnce: true,
        terms
      })
      .when(draw(300n))
      .leaves(({ contact, community }) => {
        assert.strictEqual(balance(contact.lots), 700n)
        assert.strictEqual(relationWith(community, "eleni")?.used.amount, 300n)
        assert.deepStrictEqual(community.formerUse, [])
      })
  })
})
