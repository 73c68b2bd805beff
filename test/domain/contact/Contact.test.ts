import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactCommand } from "#domain/contact/ContactCommand.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import { ContactState } from "#domain/contact/ContactState.ts"
import type { Membership } from "#domain/contact/Membership.ts"
import type { Timer } from "#domain/shared/Decision.ts"
import { balance, nextExpiry } from "#domain/wallet/Wallet.ts"
import { dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })
const eleni = registered("eleni")

describe("a membership, as its member sees it", () => {
  const note = (state: Membership["state"], revision: number, ownerId = "owner") =>
    ({
      _tag: "NoteMembership",
      membership: { ownerId, relationshipId: `r-${ownerId}`, state, sharing: true, revision }
    }) as const
  const statesOf = (memberships: ReadonlyArray<Membership>) => memberships.map(({ ownerId, state }) => [ownerId, state])

  it("COM-1: follows the community that decides", () => {
    given(eleni)
      .after(note("PENDING", 1))
      .when(note("ACCEPTED", 2))
      .journals({ _tag: "MembershipChanged", membership: note("ACCEPTED", 2).membership, from: "PENDING", at: noon })
      .answers({ _tag: "Done", id: "r-owner" })
  })

  it("COM-1: is one for each owner, and an older view of it never replaces a newer one", () => {
    const member = given(eleni)
      .after(note("ACCEPTED", 2))
      .after(note("PENDING", 1, "other"))
    assert.deepStrictEqual(statesOf(member.states.contact.memberships), [
      ["owner", "ACCEPTED"],
      ["other", "PENDING"]
    ])
    member.when(note("PENDING", 1)).journals()
    member.when(note("ACCEPTED", 2)).journals().answers({ _tag: "Done", id: "r-owner" })
  })

  it.each(["ENDED", "REJECTED"] as const)("COM-4: leaves the list once it is %s", (state) => {
    given(eleni)
      .after(note("ACCEPTED", 2))
      .when(note(state, 3))
      .journalsTags("MembershipChanged")
      .leaves(({ contact }) => assert.deepStrictEqual(contact.memberships, []))
    given(eleni).when(note(state, 3)).journals().answers({ _tag: "Done", id: "r-owner" })
  })
})

describe("a pool that needs activation", () => {
  const change = (poolId: string, active: boolean) => ({ _tag: "ChangePoolActivation", poolId, active }) as const

  it("WAL-3: is activated and put to rest by its contact, each as often as she likes", () => {
    const active = given(eleni).after(change("opened", true))
    assert.deepStrictEqual(active.states.contact.activePoolIds, ["opened"])
    active.when(change("opened", true)).journals().answers({ _tag: "Done", id: "opened" })
    active
      .when(change("opened", false))
      .journals({ _tag: "PoolActivationChanged", poolId: "opened", active: false, at: noon })
      .leaves(({ contact }) => assert.deepStrictEqual(contact.activePoolIds, []))
  })

  it("WAL-3: is a known one that needs it", () => {
    given(eleni).when(change("unheard", true)).refuses({ _tag: "PoolNotFound", id: "unheard" })
    given(eleni).when(change("any", true)).refuses({ _tag: "PoolNotActivatable", id: "any" })
  })
})

describe("a spend block", () => {
  it("WAL-10: is set and lifted, and setting it again changes nothing", () => {
    const block = (blocked: boolean) => ({ _tag: "ChangeSpendBlock", blocked }) as const
    const blocked = given(eleni).after(block(true))
    assert.isTrue(blocked.states.contact.spendBlocked)
    blocked.when(block(true)).journals().answers({ _tag: "Done", id: "eleni" })
    blocked.when(block(false)).journals({ _tag: "SpendBlockChanged", blocked: false, at: noon })
  })
})

describe("a command", () => {
  it("is judged on the contact of its placement key alone", () => {
    assert.deepStrictEqual(contactDecider.needs({ _tag: "ExpireLots" }, "eleni"), { contact: "eleni" })
  })
})

const small = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const pools = [undefined, "any", "month", "coffee"] as const
const Steps = Schema.Array(
  Schema.Struct({ what: small(0, 5), amount: small(0, 9), pool: small(0, pools.length - 1), days: small(0, 20) })
).check(Schema.isMaxLength(40))

const commandOf = ({ what, amount, pool }: (typeof Steps.Type)[number], index: number): ContactCommand => {
  const poolId = pools[pool] === undefined ? {} : { poolId: pools[pool] }
  const money = { amount: BigInt(amount), currency: "EUR", ...poolId }
  const transferId = `t${index}`
  switch (what) {
    case 0:
    case 1:
      return { _tag: "PostJournal", entryId: `e${index}`, action: what === 0 ? "CREDIT" : "DEBIT", ...money }
    case 2:
      return { _tag: "SendTransfer", transferId, destinationId: "anna", ...money }
    case 3: {
      const route = { originId: "anna", destinationId: "eleni", parts: [], settles: "c", sentAt: noon }
      return { _tag: "ReceiveTransfer", transferId, ...route, ...money }
    }
    case 4:
      return { _tag: "ChangeSpendBlock", blocked: amount === 0 }
    default:
      return { _tag: "ReviewInteraction" }
  }
}

describe("any history of one wallet", () => {
  const JsonState = Schema.toCodecJson(ContactState)

  interface Visitor {
    /** After each event, with what the wallet should hold. */
    readonly prefix?: (state: ContactState, expected: bigint) => void
    /** After each command, with the timers that have not fired. */
    readonly turn?: (state: ContactState, standing: ReadonlyArray<Timer>) => void
  }

  /** Runs the steps, with timers that fire when they are due and every other transfer refused. */
  const play = (steps: typeof Steps.Type, visitor: Visitor): void => {
    let state = given(eleni).states.contact
    let expected = 0n
    let timers: ReadonlyArray<Timer> = []
    const judge = (command: ContactCommand, at: number): void => {
      const turn = turnAt(at, { commandId: `${command._tag}-${at}` })
      const judgement = contactDecider.decide({ contact: state }, command, turn)
      if (Result.isFailure(judgement)) return
      timers = [...timers, ...(judgement.success.timers ?? [])]
      for (const event of judgement.success.events) {
        if (event._tag === "FundsCredited" || event._tag === "FundsReturned") expected += event.amount
        if (event._tag === "FundsDebited") expected -= event.amount
        state = contact.evolve(state, event as Parameters<typeof contact.evolve>[1])
        visitor.prefix?.(state, expected)
      }
      visitor.turn?.(state, timers)
      for (const { id, command: sent } of judgement.success.messages ?? []) {
        const isRefused = id.charCodeAt(1) % 2 === 0
        if (sent._tag !== "ReceiveTransfer" || !isRefused) continue
        const { transferId, destinationId, amount, parts, settles, sentAt } = sent
        const back = { transferId, destinationId, amount, parts, settles, sentAt, refusedBecause: "ContactNotFound" }
        judge({ _tag: "CompleteTransfer", ...back }, at)
      }
    }
    const next = (): Timer | undefined => timers.toSorted((left, right) => left.at - right.at)[0]
    let at = noon
    steps.forEach((step, index) => {
      at += step.days * dayMs
      for (let due = next(); due !== undefined && due.at <= at; due = next()) {
        timers = timers.filter((timer) => timer !== due)
        judge(due.command as ContactCommand, due.at)
      }
      judge(commandOf(step, index), at)
    })
  }

  it.prop(
    "WAL-1, WAL-9 (P3, P4): holds Σ credits − Σ debits, and no lot below one cent",
    { steps: Steps },
    ({ steps }) => {
      play(steps, {
        prefix: (state, expected) => {
          assert.strictEqual(balance(state.lots), expected)
          assert.isTrue(state.lots.every((lot) => lot.remaining > 0n))
        }
      })
    }
  )

  it.prop("WAL-5: leaves no lot without a timer that will expire it in time", { steps: Steps }, ({ steps }) => {
    play(steps, {
      turn: ({ lots }, standing) => {
        const next = nextExpiry(lots)
        const isAwaited = standing.some((timer) => timer.name === "expiry" && timer.at <= (next ?? 0))
        assert.strictEqual(isAwaited, next !== undefined)
      }
    })
  })

  it.prop("INT-5: leaves no change of the interaction state without a timer", { steps: Steps }, ({ steps }) => {
    play(steps, {
      turn: ({ interactionState }, standing) => {
        const isMoving = interactionState === "ENGAGED" || interactionState === "DORMANT"
        if (isMoving) assert.isTrue(standing.some((timer) => timer.name === "interaction"))
      }
    })
  })

  it.prop("is the same again after a snapshot (P9)", { steps: Steps }, ({ steps }) => {
    play(steps, {
      turn: (state) => {
        const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(JsonState)(state)))
        assert.deepStrictEqual(Schema.decodeUnknownSync(JsonState)(stored), state)
      }
    })
  })
})
