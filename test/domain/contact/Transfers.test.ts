import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { CompleteTransfer, ReceiveTransfer, SendTransfer } from "#domain/contact/ContactCommand.ts"
import { contact } from "#domain/contact/Contact.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import type { Part } from "#domain/wallet/Lot.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { credited, dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })

const send = (rest: Partial<typeof SendTransfer.Type> = {}): typeof SendTransfer.Type => ({
  _tag: "SendTransfer",
  transferId: "t1",
  destinationId: "anna",
  amount: 400n,
  currency: "EUR",
  ...rest
})
const part = (lotId: string, amount: bigint): Part => ({
  lotId,
  pocket: "BUSINESS",
  creditedAt: noon - dayMs,
  amount
})
const parts = [part("a", 300n), part("b", 100n)]
const receive = (rest: Partial<typeof ReceiveTransfer.Type> = {}): typeof ReceiveTransfer.Type => ({
  _tag: "ReceiveTransfer",
  transferId: "t1",
  originId: "eleni",
  destinationId: "anna",
  amount: 400n,
  currency: "EUR",
  parts,
  settles: `command-${noon}`,
  sentAt: noon,
  ...rest
})
const complete = (refusedBecause?: string): typeof CompleteTransfer.Type => ({
  _tag: "CompleteTransfer",
  transferId: "t1",
  destinationId: "anna",
  amount: 400n,
  parts,
  settles: `command-${noon}`,
  sentAt: noon,
  ...(refusedBecause === undefined ? {} : { refusedBecause })
})
const replied = (refusedBecause?: string) => ({ id: "t1/complete", to: "eleni", command: complete(refusedBecause) })

const history = [
  registered("eleni"),
  credited("a", 300n),
  credited("b", 200n),
  credited("c", 900n, { poolId: "any" })
] as const

describe("the origin of a transfer", () => {
  it("WAL-8, INT-6: is debited from its open pocket, counts, and stays unanswered until the money has arrived", () => {
    given(...history)
      .when(send({ poolId: "coffee" }))
      .journalsTags("FundsDebited", "InteractionStateChanged", "TimerArmed")
      .answers(undefined)
      .sends({ id: "t1/receive", to: "anna", command: receive({ poolId: "coffee" }) })
      .leaves(({ contact }) => {
        assert.strictEqual(balance(contact.lots, "BUSINESS"), 100n)
        assert.strictEqual(balance(contact.lots, "BUSINESS_COMMERCE"), 900n)
        assert.strictEqual(contact.interactionState, "ENGAGED")
      })
  })

  it("WAL-8: has its answer when the other leg is booked", () => {
    given(...history)
      .after(send())
      .when(complete(), turnAt(noon + 5))
      .journals()
      .answers({ _tag: "Done", id: "t1" })
      .settles({ commandId: `command-${noon}`, outcome: Result.succeed({ _tag: "Done", id: "t1" }) })
  })

  it("WAL-8, WAL-6, INT-3: has its money back in the same lots when the other side refuses, and nothing counted", () => {
    const before = given(...history).states.contact
    given(...history)
      .after(send())
      .when(complete("ContactNotFound"), turnAt(noon + 5))
      .journals(
        {
          _tag: "FundsReturned",
          entryId: "t1/return",
          amount: 400n,
          currency: "EUR",
          parts,
          reason: "TRANSFER",
          transferId: "t1",
          counterpartId: "anna",
          uncounts: noon,
          at: noon + 5
        },
        { _tag: "InteractionStateChanged", from: "ENGAGED", to: "NEVER_ENGAGED", at: noon + 5 }
      )
      .settles({
        commandId: `command-${noon}`,
        outcome: Result.fail({ _tag: "TransferRefused", id: "t1", reason: "ContactNotFound" })
      })
      .leaves(({ contact }) => {
        assert.deepStrictEqual(contact.lots, before.lots)
        assert.deepStrictEqual(contact.interactions, before.interactions)
      })
  })

  it("WAL-9: cannot send more than is in its open pocket", () => {
    given(...history)
      .when(send({ amount: 501n }))
      .refuses({ _tag: "InsufficientFunds", requested: 501n, available: 500n, currency: "EUR" })
  })

  it("WAL-10: cannot send while spending is blocked", () => {
    given(...history)
      .after({ _tag: "ChangeSpendBlock", blocked: true })
      .when(send())
      .refuses({ _tag: "SpendBlocked", id: "eleni" })
  })

  it("WAL-8: cannot be its own destination, nor send nothing, another currency, or into a pool that is none", () => {
    given(...history)
      .when(send({ destinationId: "eleni" }))
      .refuses({ _tag: "TransferToSelf", id: "eleni" })
    given(...history)
      .when(send({ amount: 0n }))
      .refusesTag("InvalidAmount")
    given(...history)
      .when(send({ currency: "USD" }))
      .refusesTag("CurrencyMismatch")
    given(...history)
      .when(send({ poolId: "unheard" }))
      .refuses({ _tag: "PoolNotFound", id: "unheard" })
  })
})

describe("the destination of a transfer", () => {
  it("WAL-8, INT-6: is credited in its open pocket, counts, and says so to the origin", () => {
    given(registered("anna"))
      .when(receive())
      .journalsTags("FundsCredited", "InteractionStateChanged", "TimerArmed")
      .sends(replied())
      .leaves(({ contact }) => {
        assert.strictEqual(balance(contact.lots, "BUSINESS"), 400n)
        assert.strictEqual(contact.interactionState, "ENGAGED")
      })
  })

  it("WAL-8: with a pool is credited commerce money that expires as the pool says", () => {
    given(registered("anna"))
      .when(receive({ poolId: "month" }))
      .sends(replied())
      .leaves(({ contact }) => {
        assert.strictEqual(balance(contact.lots, "BUSINESS_COMMERCE", "month"), 400n)
        assert.isNumber(contact.lots[0]?.expiresAt)
        assert.deepStrictEqual(contact.timers.expiry, contact.lots[0]?.expiresAt)
      })
  })

  it("WAL-8: answers also when it is nobody, or when the money does not fit, and books nothing", () => {
    given().when(receive()).journals().sends(replied("ContactNotFound"))
    given(registered("anna", { currency: "USD" }))
      .when(receive())
      .journals()
      .sends(replied("CurrencyMismatch"))
    given(registered("anna"))
      .when(receive({ poolId: "unheard" }))
      .journals()
      .sends(replied("PoolNotFound"))
  })

  it("WAL-10: is credited while spending is blocked", () => {
    given(registered("anna")).after({ _tag: "ChangeSpendBlock", blocked: true }).when(receive()).sends(replied())
  })
})
