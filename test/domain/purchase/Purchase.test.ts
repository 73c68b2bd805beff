/** Purchases that the buyer pays from her own wallet, or not at all (PUR-1..4, PUR-6, WAL-6, WAL-10, CIM-5, IDN-2). */
import { assert, describe, it } from "@effect/vitest"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactToken } from "#domain/contact/ContactToken.ts"
import { purchase } from "#domain/purchase/Purchase.ts"
import { purchaseDecider } from "#domain/purchase/PurchaseDecider.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { bakery, credited, dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"
import { allOrNothing, line, paidFor, receipt, whatThereIs } from "../../support/Household.ts"

const { given } = scenario(purchaseDecider, { contact, purchase })
const eleni = registered("eleni")
const money = credited("salary", 1000n)
const cancel = { _tag: "CancelPurchase", purchaseId: "purchase-R-1", entryId: "entry-cancel" } as const
const spending = { spendRequest: whatThereIs }

describe("a purchase", () => {
  it("PUR-4 without a spend request spends nothing, and is no interaction", () => {
    given(eleni, money)
      .when(receipt(300n))
      .journalsTags("PurchasePosted", "PurchasePaid")
      .leaves(({ contact, purchase }) => {
        assert.strictEqual(balance(contact.lots), 1000n)
        assert.strictEqual(contact.interactionState, "NEVER_ENGAGED")
        assert.deepStrictEqual(paidFor(purchase), { own: 0n, shared: 0n })
      })
  })

  it("PUR-4 without an amount spends as much as possible", () => {
    given(eleni, money)
      .when(receipt(300n, spending))
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 300n))
    given(eleni, money)
      .when(receipt(3000n, spending))
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 1000n))
  })

  it("PUR-4 with an amount spends that, what is there if it is less, and never more than the total", () => {
    const asking = (amount: bigint, total: bigint) =>
      given(eleni, money).when(receipt(total, { spendRequest: { ...whatThereIs, amount } }))
    asking(200n, 300n).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 200n))
    asking(2000n, 3000n).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 1000n))
    asking(500n, 300n).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 300n))
    asking(0n, 300n).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 0n))
    asking(-1n, 300n).refusesTag("InvalidAmount")
  })

  it("PUR-4 that has to be covered in full is refused with nothing journalled when it is not", () => {
    given(eleni, money)
      .when(receipt(1001n, { spendRequest: allOrNothing }))
      .refuses({ _tag: "InsufficientFunds", requested: 1001n, available: 1000n, currency: "EUR" })
    given(eleni, money)
      .when(receipt(1000n, { spendRequest: allOrNothing }))
      .leaves(({ purchase }) => assert.strictEqual(purchase.state, "POSTED"))
  })

  it("PUR-4 INT-2 spending is an interaction, in the same decision", () => {
    given(eleni, money)
      .when(receipt(300n, spending))
      .journalsTags("PurchasePosted", "PurchasePaid", "InteractionStateChanged", "TimerArmed")
      .leaves(({ contact }) => assert.strictEqual(contact.interactionState, "ENGAGED"))
  })

  it("PUR-4 WAL-3 commerce money pays only for its products, the open pocket for the rest", () => {
    given(eleni, credited("salary", 50n), credited("voucher", 1000n, { poolId: "coffee" }))
      .when(receipt(500n, { ...spending, lines: [line("coffee", 200n), line("pie", 300n)] }))
      .leaves(({ purchase }) => {
        const parts = purchase.own?.parts.map(({ lotId, amount }) => [lotId, amount])
        assert.deepStrictEqual(parts, [
          ["voucher", 200n],
          ["salary", 50n]
        ])
      })
  })

  it("the answer is the purchase as posted, with the buyer's name and code", () => {
    given(eleni, money)
      .when(receipt(300n, spending))
      .leaves(({ purchase }) => assert.strictEqual(purchase.postedAt, noon))
    const { states, decision } = given(eleni, money).when(receipt(300n, spending))
    assert.deepStrictEqual(decision.answer, {
      _tag: "PurchaseAnswer",
      purchase: states.purchase,
      buyer: { name: "Eleni Georgiou", code: "C-eleni" }
    })
  })

  it("WAL-10 a blocked contact spends nothing, but may buy without spending", () => {
    const blocked = given(eleni, money, { _tag: "SpendBlockChanged", blocked: true, at: noon })
    blocked.when(receipt(300n, spending)).refuses({ _tag: "SpendBlocked", id: "eleni" })
    blocked.when(receipt(300n)).journalsTags("PurchasePosted", "PurchasePaid")
  })

  it("is refused for an unknown contact or organisation", () => {
    given().when(receipt(300n)).refuses({ _tag: "ContactNotFound", id: "eleni" })
    given(eleni)
      .when(receipt(300n, { organisationId: "toString" }))
      .refuses({ _tag: "OrganisationNotFound", id: "toString" })
  })

  it("PUR-1 contradicting amounts are refused with nothing journalled", () => {
    given(eleni, money)
      .when(receipt(300n, { net: 200n, tax: 99n }))
      .refusesTag("ContradictingAmounts")
    given(eleni, money)
      .when(receipt(300n, { lines: [line("pie", 298n)] }))
      .refusesTag("ContradictingAmounts")
  })

  it("PUR-3 in another currency keeps both amounts and the rate, and spends in the wallet's", () => {
    const turn = turnAt(noon, { business: { ...bakery, exchangeRates: { USD: "0.925" } } })
    given(eleni, money)
      .when(receipt(500n, { ...spending, currency: "USD", lines: [line("coffee", 167n), line("pie", 333n)] }), turn)
      .leaves(({ purchase }) => {
        assert.strictEqual(purchase.receipt?.amounts.total, 500n)
        assert.strictEqual(purchase.receipt?.totalDefaultCurrency, 462n)
        assert.strictEqual(purchase.receipt?.defaultCurrency, "EUR")
        assert.strictEqual(purchase.receipt?.exchangeRate, "0.925")
        assert.strictEqual(paidFor(purchase).own, 462n)
      })
    given(eleni, money)
      .when(receipt(500n, { currency: "USD" }))
      .refuses({ _tag: "UnknownCurrencyRate", currency: "USD" })
  })

  it("PUR-3 a product and a classification that nobody knows yet are kept as the till named them", () => {
    given(eleni)
      .when(receipt(300n, { lines: [line("new-pie", 300n)], classification: { id: "c1", name: "Breakfast" } }))
      .leaves(({ purchase }) => {
        assert.strictEqual(purchase.receipt?.lines[0]?.sku, "new-pie")
        assert.deepStrictEqual(purchase.receipt?.classification, { id: "c1", name: "Breakfast" })
      })
  })

  it("WAL-3 one that comes late is paid by what was good at its time, one of the future by what is good now", () => {
    const turn = turnAt(noon)
    const expiring = credited("voucher", 300n, { poolId: "month", expiresAt: noon - 1 })
    const dated = (date: number) => given(eleni, expiring).when(receipt(300n, { ...spending, date }), turn)
    dated(noon - 2).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 300n))
    dated(noon - 1).leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 0n))
    const future = credited("voucher", 300n, { poolId: "month", expiresAt: noon + 1 })
    given(eleni, future)
      .when(receipt(300n, { ...spending, date: noon + dayMs }), turn)
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 300n))
  })
})

describe("the same receipt again", () => {
  const posted = given(eleni, money).after(receipt(300n, spending))

  it("PUR-2 answers the same and journals nothing", () => {
    posted
      .when(receipt(300n, spending))
      .journals()
      .answers(given(eleni, money).when(receipt(300n, spending)).decision.answer)
  })

  it("PUR-2 with other contents is a conflict", () => {
    posted
      .when(receipt(400n, spending))
      .refuses({ _tag: "ReferenceReused", referenceNumber: "R-1", id: "purchase-R-1" })
  })

  it("PUR-2 of another contact is a conflict", () => {
    given(registered("nikos"), ...given(eleni, money).when(receipt(300n)).decision.events.slice(0, 1))
      .when(receipt(300n, { contactId: "nikos" }))
      .refusesTag("ReferenceReused")
  })

  it("PUR-2 after a cancel answers the cancelled purchase", () => {
    const cancelled = posted.after(cancel)
    const { decision, states } = cancelled.when(receipt(300n, spending)).journals()
    assert.strictEqual(states.purchase.state, "CANCELLED")
    assert.deepStrictEqual(decision.answer, cancelled.when(cancel).decision.answer)
  })
})

describe("a cancel", () => {
  it("PUR-6 is the exact inverse of the payment", () => {
    const before = given(eleni, money, credited("voucher", 100n, { poolId: "any" }))
    before
      .after(receipt(300n, spending))
      .when(cancel)
      .journalsTags("PurchaseCancelled", "PurchaseReversed", "InteractionStateChanged")
      .leaves(({ contact, purchase }) => {
        assert.deepStrictEqual(contact.lots, before.states.contact.lots)
        assert.deepStrictEqual(contact.interactions, before.states.contact.interactions)
        assert.strictEqual(contact.interactionState, "NEVER_ENGAGED")
        assert.strictEqual(purchase.state, "CANCELLED")
      })
  })

  it("PUR-6 happens once; the second one answers the same", () => {
    const once = given(eleni, money).after(receipt(300n, spending))
    const { answer } = once.when(cancel).decision
    once
      .after(cancel)
      .when(cancel, turnAt(noon + dayMs))
      .journals()
      .sends()
      .answers(answer)
  })

  it("PUR-6 INT-3 of a purchase that spent nothing changes no interaction", () => {
    given(eleni, money).after(receipt(300n)).when(cancel).journalsTags("PurchaseCancelled", "PurchaseReversed")
  })

  it("PUR-6 WAL-6 money whose date has passed meanwhile expires in the same decision", () => {
    const expiresAt = noon + dayMs
    given(eleni, credited("voucher", 300n, { poolId: "month", expiresAt }))
      .after(receipt(300n, spending))
      .when(cancel, turnAt(expiresAt))
      .journalsTags("PurchaseCancelled", "PurchaseReversed", "FundsDebited", "InteractionStateChanged")
      .leaves(({ contact }) => assert.deepStrictEqual(contact.lots, []))
  })

  it("PUR-6 finds no purchase where there is none, or another contact's", () => {
    given(eleni).when(cancel).refuses({ _tag: "PurchaseNotFound", id: "purchase-R-1" })
    given(registered("nikos"), ...given(eleni).when(receipt(300n)).decision.events.slice(0, 1))
      .when(cancel)
      .refusesTag("PurchaseNotFound")
  })
})

describe("what the contact shows at the till", () => {
  const token: ContactToken = {
    id: "token-1",
    value: "eyJ0b2tlbiI",
    alternative: "9876543210987654",
    intent: "SPEND",
    expiresAt: noon + 1
  }
  const issued = (overrides: Partial<ContactToken> = {}): ContactEvent => ({
    _tag: "TokenIssued",
    token: { ...token, ...overrides },
    at: noon - 1
  })
  const shown = { tokenValue: token.value }

  it("CIM-5 PUR-4 a token to spend is a request, of its amount or of as much as possible", () => {
    given(eleni, money, issued())
      .when(receipt(300n, shown))
      .journalsTags("TokenUsed", "PurchasePosted", "PurchasePaid", "InteractionStateChanged", "TimerArmed")
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 300n))
    given(eleni, money, issued({ spendAmount: 200n }))
      .when(receipt(300n, { tokenValue: token.alternative }))
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 200n))
  })

  it("CIM-5 PUR-4 the till's own request goes before the token's", () => {
    given(eleni, money, issued({ spendAmount: 200n }))
      .when(receipt(300n, { ...shown, spendRequest: { ...whatThereIs, amount: 100n } }))
      .leaves(({ purchase }) => assert.strictEqual(paidFor(purchase).own, 100n))
  })

  it("CIM-5 a token is good for one purchase, and its values are free again", () => {
    const used = given(eleni, money, issued())
    used
      .when(receipt(300n, shown))
      .releases(
        { kind: "token", value: token.value, scope: "business" },
        { kind: "token", value: token.alternative, scope: "business" }
      )
    const again = { ...shown, referenceNumber: "R-2" }
    const { events } = used.when(receipt(300n, shown)).decision
    given(eleni, money, issued(), ...events.filter((event) => event._tag === "TokenUsed"))
      .when(receipt(300n, again))
      .refuses({ _tag: "TokenNotUsable", reason: "unknown_or_used" })
  })

  it("CIM-5 PUR-2 the same receipt with the same token is a repetition, not a second use", () => {
    given(eleni, money, issued()).after(receipt(300n, shown)).when(receipt(300n, shown)).journals()
  })

  it("CIM-5 a token that is unknown, expired, or says no is refused", () => {
    const refuses = (reason: string, ...events: ReadonlyArray<ContactEvent>) =>
      given(eleni, money, ...events)
        .when(receipt(300n, shown))
        .refuses({ _tag: "TokenNotUsable", reason })
    refuses("unknown_or_used")
    refuses("expired", issued({ expiresAt: noon }))
    refuses("purchase_rejected", issued({ intent: "REJECT_PURCHASE" }))
  })

  it("CIM-5 a token that only approves the purchase spends nothing by itself", () => {
    given(eleni, money, issued({ intent: "APPROVE_PURCHASE" }))
      .when(receipt(300n, shown))
      .journalsTags("TokenUsed", "PurchasePosted", "PurchasePaid")
  })

  it("CIM-5 IDN-2 a dynamic wallet code is used up by the purchase, a static one stays", () => {
    const walletCode = "5555444433332222"
    const dynamic = turnAt(noon, {
      business: { ...bakery, settings: { ...bakery.settings, walletCodeMode: "DYNAMIC" } }
    })
    const rotated = (expiresAt: number): ContactEvent => ({
      _tag: "WalletCodeRotated",
      walletCode,
      expiresAt,
      at: noon - 1
    })
    given(eleni, money, rotated(noon + 1))
      .when(receipt(300n, { ...spending, walletCode }), dynamic)
      .releases({ kind: "wallet_code", value: walletCode, scope: "network" })
      .leaves(({ contact }) => assert.isUndefined(contact.dynamicCode))
    given(eleni, money, rotated(noon))
      .when(receipt(300n, { ...spending, walletCode }), dynamic)
      .refuses({ _tag: "TokenNotUsable", reason: "expired" })
    given(eleni, money)
      .when(receipt(300n, { ...spending, walletCode }), dynamic)
      .refuses({ _tag: "TokenNotUsable", reason: "unknown_or_used" })
    given(eleni, money)
      .when(receipt(300n, { ...spending, walletCode: "1234567890123456" }))
      .releases()
      .journalsTags("PurchasePosted", "PurchasePaid", "InteractionStateChanged", "TimerArmed")
  })
})
