import { assert, describe, it } from "@effect/vitest"
import { contact } from "#domain/contact/Contact.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import type { PostJournal } from "#domain/contact/ContactCommand.ts"
import { dayNumber, startOfDay } from "#domain/shared/CalendarDate.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { bakery, credited, dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })

const journal = (
  action: "CREDIT" | "DEBIT",
  amount: bigint,
  rest: Partial<typeof PostJournal.Type> = {}
): typeof PostJournal.Type => ({ _tag: "PostJournal", entryId: "e1", action, amount, currency: "EUR", ...rest })
const eleni = registered("eleni")

describe("a credit by hand", () => {
  it("WAL-1: opens a lot in the open pocket, which never expires", () => {
    given(eleni)
      .when(journal("CREDIT", 500n, { notes: "sorry" }))
      .journals(credited("e1", 500n, { notes: "sorry", at: noon }))
      .answers({ _tag: "Done", id: "e1" })
      .arms()
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots, "BUSINESS"), 500n))
  })

  it("WAL-2: with a pool is commerce money, and there is no commerce money without one", () => {
    given(eleni)
      .when(journal("CREDIT", 500n, { poolId: "any" }))
      .journals(credited("e1", 500n, { poolId: "any", at: noon }))
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots, "BUSINESS_COMMERCE", "any"), 500n))
    given(eleni)
      .when(journal("CREDIT", 500n, { poolId: "unheard" }))
      .refuses({ _tag: "PoolNotFound", id: "unheard" })
  })

  it("WAL-5: with a pool of limited validity waits for the end of its last day", () => {
    const expiresAt = startOfDay(dayNumber(noon, bakery.timeZone) + 31, bakery.timeZone)
    given(eleni)
      .when(journal("CREDIT", 500n, { poolId: "month" }))
      .journals(credited("e1", 500n, { poolId: "month", expiresAt, at: noon }), {
        _tag: "TimerArmed",
        name: "expiry",
        firesAt: expiresAt,
        at: noon
      })
      .arms({ name: "expiry", at: expiresAt, command: { _tag: "ExpireLots" } })
  })

  it("WAL-5: arms no second timer while an earlier one stands", () => {
    given(eleni)
      .after(journal("CREDIT", 1n, { poolId: "month" }))
      .when(journal("CREDIT", 1n, { poolId: "month", entryId: "e2" }), turnAt(noon + dayMs))
      .journalsTags("FundsCredited")
      .arms()
  })

  it("WAL-10: is accepted while spending is blocked", () => {
    given(eleni)
      .after({ _tag: "ChangeSpendBlock", blocked: true })
      .when(journal("CREDIT", 1n))
      .journalsTags("FundsCredited")
  })

  it.each([0n, -1n])("refuses %s, which is no amount", (amount) => {
    given(eleni).when(journal("CREDIT", amount)).refusesTag("InvalidAmount")
  })

  it("CTC-2: refuses another currency than the wallet's", () => {
    given(eleni)
      .when(journal("CREDIT", 1n, { currency: "USD" }))
      .refuses({ _tag: "CurrencyMismatch", given: "USD", expected: "EUR" })
  })
})

describe("a debit by hand", () => {
  const history = [eleni, credited("a", 300n), credited("b", 200n), credited("c", 100n, { poolId: "coffee" })] as const

  it("WAL-1: names part by part the lots that it took from", () => {
    const part = (lotId: string, amount: bigint) =>
      ({ lotId, pocket: "BUSINESS", creditedAt: noon - dayMs, amount }) as const
    given(...history)
      .when(journal("DEBIT", 400n))
      .journals({
        _tag: "FundsDebited",
        entryId: "e1",
        amount: 400n,
        currency: "EUR",
        parts: [part("a", 300n), part("b", 100n)],
        reason: "MANUAL_JOURNAL",
        counts: false,
        at: noon
      })
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots), 200n))
  })

  it("WAL-9: refuses more than the pocket holds, and tells what there is", () => {
    given(...history)
      .when(journal("DEBIT", 501n))
      .refuses({ _tag: "InsufficientFunds", requested: 501n, available: 500n, currency: "EUR" })
    given(...history)
      .when(journal("DEBIT", 500n))
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots, "BUSINESS"), 0n))
  })

  it("WAL-9: of a pool takes that pool's lots only", () => {
    given(...history)
      .when(journal("DEBIT", 101n, { poolId: "coffee" }))
      .refuses({ _tag: "InsufficientFunds", requested: 101n, available: 100n, currency: "EUR" })
    given(...history)
      .when(journal("DEBIT", 100n, { poolId: "coffee" }))
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots), 500n))
  })

  it("WAL-10: is refused while spending is blocked", () => {
    given(...history)
      .after({ _tag: "ChangeSpendBlock", blocked: true })
      .when(journal("DEBIT", 1n))
      .refuses({ _tag: "SpendBlocked", id: "eleni" })
  })
})

describe("expiry", () => {
  const soon = noon + dayMs
  const later = noon + 3 * dayMs
  const history = [
    eleni,
    credited("open", 7n),
    credited("soon", 5n, { poolId: "month", expiresAt: soon }),
    credited("later", 3n, { poolId: "month", expiresAt: later })
  ] as const
  const expire = { _tag: "ExpireLots" } as const

  it("WAL-5: debits what is left of the lot, naming it, and waits for the next", () => {
    given(...history)
      .when(expire, turnAt(soon, { commandId: "timer-1" }))
      .journals(
        {
          _tag: "FundsDebited",
          entryId: "timer-1/soon",
          amount: 5n,
          currency: "EUR",
          parts: [
            {
              lotId: "soon",
              pocket: "BUSINESS_COMMERCE",
              poolId: "month",
              creditedAt: noon - dayMs,
              expiresAt: soon,
              amount: 5n
            }
          ],
          reason: "EXPIRY",
          counts: false,
          at: soon
        },
        { _tag: "TimerArmed", name: "expiry", firesAt: later, at: soon }
      )
      .arms({ name: "expiry", at: later, command: expire })
  })

  it("WAL-5: takes nothing before its time, and nothing twice", () => {
    given(...history)
      .when(expire, turnAt(soon - 1))
      .journalsTags("TimerArmed")
    given(...history)
      .after(expire, turnAt(soon))
      .when(expire, turnAt(soon + 1))
      .journals()
  })

  it("WAL-5: takes everything that is due when its timer fires late, one entry a lot", () => {
    given(...history)
      .when(expire, turnAt(later + dayMs))
      .journalsTags("FundsDebited", "FundsDebited")
      .arms()
      .leaves(({ contact }) => assert.strictEqual(balance(contact.lots), 7n))
  })

  it("INT-2: does not count as an interaction", () => {
    given(...history)
      .when(expire, turnAt(soon))
      .leaves(({ contact }) => assert.strictEqual(contact.interactionState, "NEVER_ENGAGED"))
  })
})
