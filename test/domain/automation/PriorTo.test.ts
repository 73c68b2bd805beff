/** What a turn knows of prior-to automations, and what it takes and refuses because of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { automations } from "#domain/automation/Automations.ts"
import { automationsDecider } from "#domain/automation/AutomationsDecider.ts"
import { isMeant } from "#domain/automation/Judges.ts"
import { type Judged, judged, patched, withVerdicts } from "#domain/automation/PriorTo.ts"
import { proposal } from "#domain/automation/Proposal.ts"
import { contact } from "#domain/contact/Contact.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import { initial } from "#domain/contact/ContactState.ts"
import type { Event } from "#domain/Event.ts"
import { type Business, initial as nobody } from "#domain/organisation/Business.ts"
import { business as aggregate } from "#domain/organisation/BusinessAggregate.ts"
import { isTransient } from "#domain/Refusal.ts"
import { bakery, noon, registered, registration, turnAt } from "../../support/Given.ts"

type Command = Parameters<typeof automationsDecider.decide>[1]

/** The automations and the business as the turns of a test leave them. */
class Desk {
  business: Business = bakery
  all = automations.initial

  ask(command: Command): ReadonlyArray<Event> {
    const states = { automations: this.all, business: this.business }
    const turn = turnAt(noon, { key: "bakery", business: this.business })
    const { events } = Result.getOrThrow(automationsDecider.decide(states, command, turn))
    for (const event of events) {
      if (event._tag.startsWith("Automation")) {
        this.all = automations.evolve(this.all, event as Parameters<typeof automations.evolve>[1])
      } else this.business = aggregate.evolve(this.business, event as Parameters<typeof aggregate.evolve>[1])
    }
    return events
  }

  save(id: string, body: Partial<AutomationDefinition> = {}, name = id): ReadonlyArray<Event> {
    const rejecting: AutomationDefinition = {
      trigger: "PRIOR_TO_CREATION",
      actions: [{ _tag: "REJECT", reason: "No." }]
    }
    return this.ask({ _tag: "SaveAutomation", id, name, body: { ...rejecting, ...body } })
  }
}
const tags = (events: ReadonlyArray<Event>): ReadonlyArray<string> => events.map(({ _tag }) => _tag)

describe("the automations that judge before a turn", () => {
  it("AUT-2: stand in the business's own state from the turn on that saves, switches or deletes them", () => {
    const desk = new Desk()
    assert.deepStrictEqual(tags(desk.save("b", { priority: 1 })), ["AutomationSaved", "PriorAutomationsChanged"])
    desk.save("c", { priority: 1 }, "a")
    desk.save("d", { priority: -1 })
    desk.save("e", { trigger: "PRIOR_TO_UPDATE" })
    const ids = () => desk.business.priorAutomations?.creation.map(({ automationId }) => automationId)
    assert.deepStrictEqual(ids(), ["d", "c", "b"])
    assert.deepStrictEqual(desk.business.priorAutomations?.update, [{ automationId: "e", version: 1 }])
    desk.ask({ _tag: "ChangeAutomationState", id: "c", state: "INACTIVE" })
    assert.deepStrictEqual(ids(), ["d", "b"])
    desk.ask({ _tag: "DeleteAutomation", id: "d" })
    assert.deepStrictEqual(ids(), ["b"])
    desk.save("b", { priority: 9 })
    assert.deepStrictEqual(desk.business.priorAutomations?.creation, [{ automationId: "b", version: 2 }])
  })

  it("AUT-2: are not mentioned by a turn that changes nothing of them", () => {
    const desk = new Desk()
    desk.save("b")
    assert.deepStrictEqual(tags(desk.save("b")), [])
    const after = desk.save("later", {
      trigger: "CONTACT_REGISTERED",
      actions: [{ _tag: "TAG", add: ["new"], remove: [] }]
    })
    assert.deepStrictEqual(tags(after), ["AutomationSaved"])
  })
})

describe("a command that has to be judged", () => {
  const judge = { automationId: "screening", version: 2 }
  const business: Business = { ...bakery, priorAutomations: { creation: [judge], update: [judge] } }
  const outcome = (command: Parameters<typeof contactDecider.decide>[1], state = initial, of = business) => {
    const judgement = contactDecider.decide({ contact: state }, command, turnAt(noon, { business: of, key: "eleni" }))
    return Result.isSuccess(judgement) ? tags(judgement.success.events) : judgement.failure
  }
  const eleni = contact.evolve(initial, registered("eleni"))
  const changed = { _tag: "AutomationsChanged" } as const

  it("AUT-2: is taken only if exactly the automations of this moment have judged it", () => {
    const command = registration("eleni")
    assert.deepStrictEqual(outcome(command), changed)
    assert.deepStrictEqual(outcome({ ...command, judgedBy: [{ ...judge, version: 1 }] }), changed)
    assert.deepStrictEqual(outcome({ ...command, judgedBy: [judge, judge] }), changed)
    assert.deepStrictEqual(outcome({ ...command, judgedBy: [judge] }), ["ContactRegistered"])
    assert.deepStrictEqual(outcome({ ...command, judgedBy: [judge] }, initial, bakery), changed)
    const update = { _tag: "UpdateContact", profile: { lastName: "Ioannou" } } as const
    assert.deepStrictEqual(outcome(update, eleni), changed)
    assert.deepStrictEqual(outcome(judged(eleni, update, [judge]), eleni), ["ContactUpdated"])
    assert.isTrue(isTransient(changed))
  })

  it("AUT-2: is taken only if she still is who was looked at", () => {
    const update = { _tag: "UpdateContact", profile: { lastName: "Ioannou" } } as const
    const same = { _tag: "UpdateContact", profile: { firstName: "Eleni" } } as const
    const renamed = { ...eleni, profile: { ...eleni.profile, firstName: "Helen" } }
    for (const moved of [renamed, { ...eleni, smsOptOut: !eleni.smsOptOut }, { ...eleni, languageCode: "ELL" }]) {
      assert.deepStrictEqual(outcome(judged(eleni, update, [judge]), moved), changed)
    }
    assert.deepStrictEqual(outcome({ ...update, judgedBy: [judge] }, eleni), changed)
    // What changed nothing when it was looked at was judged by nobody.
    assert.deepStrictEqual(outcome(judged(eleni, same, [judge]), eleni), [])
    assert.deepStrictEqual(outcome(judged(eleni, same, [judge]), renamed), changed)
    // What cannot be judged is no reason to judge again.
    assert.deepStrictEqual(outcome(judged(eleni, update, [judge]), { ...eleni, tags: ["gold"] }), ["ContactUpdated"])
    assert.deepStrictEqual(outcome(update, renamed, bakery), ["ContactUpdated"])
  })

  it("AUT-4: makes a fact that says for which of its judges it is, and of her that is no part", () => {
    const turn = turnAt(noon, { business, key: "eleni" })
    const verdicts = (meant: ReadonlySet<string>, command: Judged, before = initial) => {
      const marked = withVerdicts(judged(before, command, [judge]), meant)
      const { events } = Result.getOrThrow(contactDecider.decide({ contact: before }, marked, turn))
      const [event] = events as ReadonlyArray<Parameters<typeof contact.evolve>[1]>
      assert.isDefined(event)
      assert.notProperty(event && contact.evolve(before, event), "judgedBy")
      return event !== undefined && "judgedBy" in event ? event.judgedBy : undefined
    }
    const update = { _tag: "UpdateContact", profile: { lastName: "Ioannou" } } as const
    assert.deepStrictEqual(verdicts(new Set(["screening"]), registration("eleni")), [{ ...judge, holds: true }])
    assert.deepStrictEqual(verdicts(new Set(), update, eleni), [{ ...judge, holds: false }])
    const judgedBy = [
      { ...judge, holds: true },
      { automationId: "before", version: 1 }
    ]
    assert.isTrue(isMeant(judgedBy, "screening"))
    assert.isFalse(isMeant(judgedBy, "saved while it waited"))
    // Of before it was noted.
    assert.isUndefined(isMeant(judgedBy, "before"))
    assert.isUndefined(isMeant(undefined, "screening"))
  })

  it("AUT-2: needs nobody's judgement where it is refused anyway, or changes nothing", () => {
    const blank = { ...registration("eleni"), profile: { firstName: "Eleni" } }
    assert.deepInclude(outcome(blank), { _tag: "InvalidContact", field: "last_name" })
    assert.deepInclude(outcome(registration("eleni"), eleni), { _tag: "ContactAlreadyRegistered" })
    assert.deepStrictEqual(outcome({ _tag: "UpdateContact", profile: {} }, eleni), [])
  })

  it("AUT-2: is looked at as what it would make of her, patches included", () => {
    const turn = { at: noon, key: "eleni", business: { ...nobody, ...business } }
    const command = patched(
      {
        ...registration("eleni"),
        profile: { ...registration("eleni").profile, customFields: [{ key: "a", value: "1" }] }
      },
      {
        firstName: "Helen",
        smsOptOut: true,
        customFields: [
          { key: "a", value: "2" },
          { key: "b", value: "3" }
        ]
      }
    )
    const proposed = proposal(initial, command, turn)
    assert.deepInclude(proposed, { id: "eleni", smsOptOut: true })
    assert.deepStrictEqual(proposed?.profile, {
      firstName: "Helen",
      lastName: "Georgiou",
      customFields: [
        { key: "a", value: "2" },
        { key: "b", value: "3" }
      ]
    })
    assert.isUndefined(proposal(initial, patched(command, { lastName: " " }), turn))
    assert.isUndefined(proposal(eleni, { _tag: "UpdateContact", profile: { firstName: "Eleni" } }, turn))
  })

  it("MKT-1: is patched with no opt-out of a change, and of a registration only to opt out, with who says so", () => {
    const update = { _tag: "UpdateContact", profile: { firstName: "Eleni" } } as const
    const patch = { lastName: "Ioannou", emailOptOut: false, smsOptOut: true }
    const { profile, ...rest } = patched<Judged>(update, patch)
    assert.deepStrictEqual(profile, { firstName: "Eleni", lastName: "Ioannou" })
    assert.deepStrictEqual(rest, { _tag: "UpdateContact" })
    const optedOut = { ...registration("eleni"), emailOptOut: true, optOutBy: "CONTACT" as const }
    assert.deepInclude(patched(optedOut, patch), { emailOptOut: true, smsOptOut: true, optOutBy: "CONTACT" })
    assert.deepInclude(patched(registration("eleni"), { emailOptOut: true }), { emailOptOut: true, optOutBy: "USER" })
    assert.notProperty(patched(registration("eleni"), { emailOptOut: false }), "optOutBy")
  })
})
