import { assert, describe, it } from "@effect/vitest"
import { analyticsOf, monthStart } from "#domain/contact/Analytics.ts"
import { credited, dayMs, noon } from "../../support/Given.ts"

const zone = "Europe/Nicosia"

describe("what a contact did in a period", () => {
  it("begins and ends with the calendar months of the zone, over the end of a year and changes of the clock (P16)", () => {
    const january = Date.UTC(2027, 0, 1) - 2 * 3_600_000
    assert.strictEqual(monthStart(january, 0, zone), january)
    assert.strictEqual(monthStart(january - 1, 0, zone), Date.UTC(2026, 11, 1) - 2 * 3_600_000)
    assert.strictEqual(monthStart(january, 5, zone), Date.UTC(2026, 7, 1) - 3 * 3_600_000)
    assert.strictEqual(monthStart(january, -1, zone), Date.UTC(2027, 1, 1) - 2 * 3_600_000)
  })

  it("counts what happened in it, unless that was undone at any time since", () => {
    const transfer = (transferId: string, amount: bigint, at: number) =>
      ({
        _tag: "FundsDebited",
        entryId: `${transferId}/debit`,
        amount,
        currency: "EUR",
        parts: [],
        reason: "TRANSFER",
        transferId,
        counts: true,
        at
      }) as const
    const paid = (purchaseId: string, amount: bigint, at: number) =>
      ({
        _tag: "PurchasePaid",
        purchaseId,
        organisationId: "ledra",
        currency: "EUR",
        total: amount,
        own: { entryId: "e", amount, parts: [] },
        counts: true,
        at
      }) as const
    const later = noon + 40 * dayMs
    const gift = credited("gift", 500n)
    const received = credited("received", 70n, { reason: "TRANSFER" })
    const given = credited("given", 25n, { reason: "AWARD", awardId: "given" })
    const taken = credited("taken", 35n, { reason: "AWARD", awardId: "taken" })
    if (given._tag !== "FundsCredited" || taken._tag !== "FundsCredited") throw new Error("a credit is one")
    if (gift._tag !== "FundsCredited" || received._tag !== "FundsCredited") throw new Error("a credit is one")
    const { transferId: _, ...reversal } = { ...transfer("", 35n, later), reason: "AWARD_REVERSAL" } as const
    const events = [
      gift,
      received,
      given,
      taken,
      transfer("kept", 30n, noon),
      transfer("back", 40n, noon),
      paid("kept", 100n, noon),
      paid("cancelled", 200n, noon),
      paid("after", 400n, later),
      transfer("after", 800n, later),
      { _tag: "PurchaseReversed", purchaseId: "cancelled", currency: "EUR", at: later },
      { ...reversal, awardId: "taken" },
      {
        _tag: "FundsReturned",
        entryId: "back/return",
        amount: 40n,
        currency: "EUR",
        parts: [],
        reason: "TRANSFER",
        transferId: "back",
        at: later
      }
    ] as const
    assert.deepStrictEqual(analyticsOf(events, later), {
      purchases: 1,
      toppedUp: 500n,
      spent: 100n,
      sent: 30n,
      received: 70n,
      awards: [{ amount: 25n, at: noon - dayMs }]
    })
  })

  it("SHR-7: has a draw sent by the owner, and received and spent by the member, until it comes back", () => {
    const debited = { entryId: "e", currency: "EUR", parts: [], counts: true, at: noon } as const
    const draw = (drawId: string, amount: bigint) =>
      ({ ...debited, _tag: "FundsDebited", amount, reason: "WALLET_SHARING", drawId }) as const
    const byHand = { ...debited, _tag: "FundsDebited", amount: 7n, reason: "MANUAL_JOURNAL" } as const
    const expired = { ...byHand, reason: "EXPIRY" } as const
    const { counts: _, ...returned } = { ...draw("back", 60n), _tag: "FundsReturned" as const, entryId: "back/return" }
    const owner = analyticsOf([draw("kept", 90n), draw("back", 60n), byHand, expired, returned], noon + 1)
    const none = { purchases: 0, toppedUp: 0n, spent: 0n, sent: 0n, received: 0n, awards: [] }
    assert.deepStrictEqual(owner, { ...none, sent: 90n })
    const paid = (purchaseId: string, own: bigint, shared: bigint) =>
      ({
        _tag: "PurchasePaid",
        purchaseId,
        organisationId: "ledra",
        currency: "EUR",
        total: own + shared,
        own: { entryId: "e", amount: own, parts: [] },
        shared: { drawId: purchaseId, ownerId: "maria", amount: shared, parts: [], month: "2026-11", drawnAt: noon },
        counts: true,
        at: noon
      }) as const
    const reversed = { _tag: "PurchaseReversed", purchaseId: "back", currency: "EUR", at: noon + 5 } as const
    const member = analyticsOf([paid("kept", 10n, 90n), paid("back", 5n, 60n), reversed], noon + 1)
    assert.deepStrictEqual(member, { ...none, purchases: 1, spent: 100n, received: 90n })
  })
})
