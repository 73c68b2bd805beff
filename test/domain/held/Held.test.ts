/** A command that waits for approval: what it is judged on, what it leaves, and that it ends once (AUT-5). */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { held as aggregate } from "#domain/held/Held.ts"
import { heldDecider, heldForMs } from "#domain/held/HeldDecider.ts"
import type { HeldCommand } from "#domain/held/HeldCommand.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { Decision } from "#domain/shared/Decision.ts"
import { bakery, noon, registered, registration, turnAt } from "../../support/Given.ts"

const judge = { automationId: "screening", version: 1 }
const judged: Business = { ...bakery, priorAutomations: { creation: [judge], update: [judge] } }

/** The contact and the held command at one key, as the turns of a test leave them. */
class Desk {
  business = judged
  contact: ContactState
  held = aggregate.initial
  at = noon

  constructor(contact: ContactState = initial) {
    this.contact = contact
  }

  ask(command: HeldCommand, commandId = "request"): Decision | string {
    const turn = turnAt(this.at, { key: "eleni", commandId, business: this.business })
    const judgement = heldDecider.decide({ contact: this.contact, held: this.held }, command, turn)
    if (Result.isFailure(judgement)) return judgement.failure._tag
    for (const event of judgement.success.events) {
      if (event._tag.startsWith("Held") || event._tag === "CommandHeld") {
        this.held = aggregate.evolve(this.held, event as Parameters<typeof aggregate.evolve>[1])
      } else
        this.contact = contactAggregate.evolve(this.contact, event as Parameters<typeof contactAggregate.evolve>[1])
    }
    return judgement.success
  }
}
const wish = (command: (HeldCommand & { _tag: "HoldCommand" })["command"]): HeldCommand => ({
  _tag: "HoldCommand",
  heldId: "h",
  command,
  generated: ["referralCode", "walletCode"],
  heldBy: [judge]
})
const register = wish({ ...registration("eleni"), judgedBy: [judge] })
const approve = { _tag: "ApproveHeld", heldId: "h" } as const
const reject = { _tag: "RejectHeld", heldId: "h" } as const
const lapse = { _tag: "LapseHeld", heldId: "h" } as const
const decision = (outcome: Decision | string): Decision => {
  if (typeof outcome === "string") throw new Error(outcome)
  return outcome
}
const tags = (outcome: Decision | string) => decision(outcome).events.map(({ _tag }) => _tag)

describe("a command that waits for approval", () => {
  it("AUT-3, AUT-5: takes nothing and leaves its request open, and a timer that ends it in seven days", () => {
    const desk = new Desk()
    const { events, answer, takes = [], timers = [], parked } = decision(desk.ask(register))
    assert.deepStrictEqual(
      events.map(({ _tag }) => _tag),
      ["CommandHeld"]
    )
    assert.deepStrictEqual([answer, takes, parked], [undefined, [], true])
    assert.deepStrictEqual(timers, [{ name: "held/h", at: noon + heldForMs, command: lapse }])
    assert.strictEqual(desk.contact.id, "")
    assert.deepInclude(desk.held, { state: "PENDING", commandId: "request", contactId: "eleni" })
  })

  it("AUT-5: is not held where it is refused as it is, changes nothing, or others would have had to judge", () => {
    const blank = wish({ ...registration("eleni"), profile: {}, judgedBy: [judge] })
    assert.strictEqual(new Desk().ask(blank), "InvalidContact")
    assert.strictEqual(new Desk().ask(wish(registration("eleni"))), "AutomationsChanged")
    const eleni = contactAggregate.evolve(initial, registered("eleni"))
    const same = new Desk(eleni).ask(wish({ _tag: "UpdateContact", profile: { firstName: "Eleni" } }))
    assert.deepStrictEqual(tags(same), [])
  })

  it("AUT-5: approved, is done in the commit of the approval, and its request is told", () => {
    const desk = new Desk()
    desk.ask(register)
    // The automations have changed meanwhile: whoever approves has the last word.
    desk.business = bakery
    desk.at += 1_000
    const { events, takes = [], settles } = decision(desk.ask(approve, "approval"))
    assert.deepStrictEqual(
      events.map(({ _tag }) => _tag),
      ["HeldApproved", "ContactRegistered"]
    )
    assert.isAbove(takes.length, 0)
    const identity = { code: "C-eleni", referralCode: "ELENI2", walletCode: "1234567890123456" }
    const outcome = Result.succeed({ _tag: "ContactRegisteredAnswer" as const, contactId: "eleni", identity })
    assert.deepStrictEqual(settles, [{ commandId: "request", outcome }])
    assert.strictEqual(desk.contact.id, "eleni")
    assert.isUndefined(desk.held.command)
    assert.deepStrictEqual(tags(desk.ask(approve, "approval again")), [])
    assert.strictEqual(desk.ask(reject), "HeldNotPending")
    assert.deepStrictEqual(tags(desk.ask(lapse)), [])
  })

  it("AUT-5: is judged on what is true when it is approved, and goes on waiting if that speaks against it", () => {
    const eleni = contactAggregate.evolve(initial, registered("eleni"))
    const desk = new Desk(eleni)
    const { languageCode, timeZone, emailOptOut, smsOptOut, profile } = eleni
    const judgedOn = { languageCode, timeZone, emailOptOut, smsOptOut, profile }
    const update = { _tag: "UpdateContact", profile: { lastName: "Ioannou" }, judgedBy: [judge] } as const
    assert.strictEqual(
      desk.ask(wish({ ...update, judgedOn: { ...judgedOn, smsOptOut: !smsOptOut } })),
      "AutomationsChanged"
    )
    desk.ask(wish({ ...update, judgedOn }))
    assert.deepStrictEqual(desk.held.command, update)
    desk.contact = { ...eleni, consent: "REJECTED" }
    desk.business = {
      ...judged,
      settings: { ...judged.settings, consentEffects: { rejected: "NONE", withdrawn: "NONE" } }
    }
    assert.strictEqual(desk.ask(approve), "NoConsent")
    assert.strictEqual(desk.held.state, "PENDING")
    desk.contact = { ...eleni, languageCode: "ELL" }
    assert.deepStrictEqual(tags(desk.ask(approve)), ["HeldApproved", "ContactUpdated"])
    assert.deepInclude(desk.contact, { languageCode: "ELL" })
    assert.strictEqual(desk.contact.profile.lastName, "Ioannou")
  })

  it("IDN-2, IDN-3: gets other codes if somebody has those that were made up, and keeps those that were given", () => {
    const desk = new Desk()
    desk.ask(register)
    const codes = { code: "OTHER", referralCode: "ELENI3", walletCode: "6543210987654321" }
    desk.ask({ ...approve, codes })
    assert.deepInclude(desk.contact.identity, { ...codes, code: "C-eleni" })
  })

  it("AUT-5: rejected or lapsed, leaves nothing of the contact, and its request is refused", () => {
    for (const [command, state, at] of [
      [reject, "REJECTED", noon + 1],
      [lapse, "LAPSED", noon + heldForMs]
    ] as const) {
      const desk = new Desk()
      desk.ask(register)
      desk.at = at
      const { settles } = decision(desk.ask(command))
      assert.deepStrictEqual(settles, [
        { commandId: "request", outcome: Result.fail({ _tag: "NotApproved" as const, id: "h", state }) }
      ])
      assert.strictEqual(desk.contact.id, "")
      assert.isUndefined(desk.held.command)
      assert.strictEqual(desk.ask(approve), "HeldNotPending")
    }
  })

  it("AUT-5: cannot be decided once its seven days are over, also while its timer is late", () => {
    const desk = new Desk()
    desk.ask(register)
    desk.at = noon + heldForMs
    assert.strictEqual(desk.ask(approve), "HeldNotPending")
    assert.strictEqual(desk.ask(reject), "HeldNotPending")
    assert.strictEqual(new Desk().ask(approve), "HeldNotFound")
  })
})
