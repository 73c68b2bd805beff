import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { contact as aggregate } from "#domain/contact/Contact.ts"
import type { ContactCommand } from "#domain/contact/ContactCommand.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { countedSendsMax, type Purpose } from "#domain/contact/Communication.ts"
import { quietUntil } from "#domain/contact/Sending.ts"
import { type BusinessSettings, initial as nobody } from "#domain/organisation/Business.ts"

const noon = Date.UTC(2026, 10, 22, 10)
const hour = 3_600_000
const eleni: ContactState = {
  ...initial,
  id: "eleni",
  timeZone: "Europe/Nicosia",
  currency: "EUR",
  profile: { firstName: "Eleni", lastName: "Georgiou" }
}

const turn = (settings: Partial<BusinessSettings>, at: number) => ({
  at,
  key: "eleni",
  commandId: "c",
  business: { ...nobody, id: "shop", settings: { ...nobody.settings, ...settings } }
})
const after = (
  state: ContactState,
  command: ContactCommand,
  settings: Partial<BusinessSettings> = {},
  at = noon
): ContactState => {
  const { events } = Result.getOrThrow(contactDecider.decide({ contact: state }, command, turn(settings, at)))
  return (events as ReadonlyArray<ContactEvent>).reduce(aggregate.evolve, state)
}
const refusal = (state: ContactState, command: ContactCommand) => {
  const judgement = contactDecider.decide({ contact: state }, command, turn({}, noon))
  return Result.isFailure(judgement) ? judgement.failure._tag : undefined
}
const asked = (id: string) =>
  ({
    _tag: "RequestCommunication",
    communicationId: id,
    channel: "EMAIL",
    purpose: "MARKETING",
    name: "Autumn",
    templateId: "t"
  }) as const
const request = (id: string, purpose: Purpose = "MARKETING"): ContactCommand => ({ ...asked(id), purpose })
const verdict = (
  state: ContactState,
  id: string,
  settings: Partial<BusinessSettings> = {},
  at = noon,
  purpose?: Purpose
) => {
  const command = { _tag: "AuthorizeSend", communicationId: id, ...(purpose && { purpose }) } as const
  const { answer, events } = Result.getOrThrow(contactDecider.decide({ contact: state }, command, turn(settings, at)))
  if (answer?._tag !== "SendJudged") throw new Error("a send is judged")
  const [event] = events
  const reason = event?._tag === "CommunicationRejected" ? event.reason : undefined
  return reason ?? (answer.verdict === "WAIT" ? answer.at : answer.verdict)
}

describe("consent", () => {
  it("CON-1: goes only where it may", () => {
    const to = (state: ContactState["consent"]): ContactCommand => ({ _tag: "ChangeConsent", to: state, by: "CONTACT" })
    assert.strictEqual(refusal(eleni, to("WITHDRAWN")), "ConsentNotChangeable")
    const accepted = after(eleni, to("ACCEPTED"))
    assert.strictEqual(refusal(accepted, to("REJECTED")), "ConsentNotChangeable")
    const withdrawn = after(accepted, to("WITHDRAWN"))
    assert.strictEqual(after(withdrawn, to("ACCEPTED")).consent, "ACCEPTED")
  })

  it("CON-2, CON-5: sends nothing but system messages to who withdrew, where the business has set so", () => {
    const settings = { consentEffects: { rejected: "NONE", withdrawn: "COMPLETE" } } as const
    const rejected = after(eleni, { _tag: "ChangeConsent", to: "REJECTED", by: "LINK" })
    for (const purpose of ["MARKETING", "CRITICAL"] as const) {
      assert.strictEqual(verdict(after(rejected, request("m", purpose)), "m", settings), "CONSENT")
    }
    assert.strictEqual(verdict(after(rejected, request("m", "MANDATORY")), "m", settings), "GO")
    assert.strictEqual(verdict(after(rejected, request("m")), "m"), "GO")
  })
})

describe("a send", () => {
  it("AUT-12: waits for the end of the quiet hours of where the contact is now", () => {
    const settings = { quietHours: { from: "21:00", until: "08:30" } }
    const night = Date.UTC(2026, 10, 22, 20)
    const asleep = after(eleni, request("m"), settings, night)
    assert.strictEqual(verdict(asleep, "m", settings, night), Date.UTC(2026, 10, 23, 6, 30))
    const moved = after(asleep, { _tag: "UpdateContact", timeZone: "America/New_York", profile: {} }, settings, night)
    assert.strictEqual(verdict(moved, "m", settings, night), "GO")
  })

  it("AUT-12: is rejected after all when its provider says that it did not arrive, before or after it was completed", () => {
    const report = { _tag: "ReportUndelivered", communicationId: "m", channel: "EMAIL", code: "30003" } as const
    const sending = after(after(eleni, request("m")), { _tag: "AuthorizeSend", communicationId: "m" })
    const complete = { _tag: "CompleteCommunication", communicationId: "m", language: "en", recipient: "e" } as const
    const early = after(sending, report)
    assert.deepStrictEqual(early.communications, [])
    assert.strictEqual(refusal(early, complete), "CommunicationNotPending")
    const judgement = contactDecider.decide({ contact: after(sending, complete) }, report, turn({}, noon))
    assert.deepStrictEqual(Result.getOrThrow(judgement).events, [
      {
        _tag: "CommunicationRejected",
        communicationId: "m",
        channel: "EMAIL",
        reason: "UNDELIVERED",
        code: "30003",
        at: noon
      }
    ])
  })

  it("CON-6, MKT-1: is judged by the opt-out of that instant, which only critical and system messages pass", () => {
    const optedOut = after(after(eleni, request("m")), {
      _tag: "ChangeOptOut",
      channel: "EMAIL",
      optedOut: true,
      by: "LINK"
    })
    assert.strictEqual(verdict(optedOut, "m"), "OPTED_OUT")
    assert.strictEqual(verdict(after(optedOut, request("n", "CRITICAL")), "n"), "GO")
    assert.strictEqual(verdict(after(optedOut, request("o", "MANDATORY")), "o"), "GO")
  })

  it("CON-5, CON-6: is judged as what it would go now, whatever it was asked for as", () => {
    const rejected = after(eleni, { _tag: "ChangeConsent", to: "REJECTED", by: "LINK" })
    const optedOut = after(after(rejected, request("m", "MANDATORY")), {
      _tag: "ChangeOptOut",
      channel: "EMAIL",
      optedOut: true,
      by: "LINK"
    })
    const settings = { consentEffects: { rejected: "NONE", withdrawn: "COMPLETE" } } as const
    assert.strictEqual(verdict(optedOut, "m", settings, noon, "MANDATORY"), "GO")
    assert.strictEqual(verdict(optedOut, "m", settings, noon, "CRITICAL"), "CONSENT")
    assert.strictEqual(verdict(optedOut, "m", {}, noon, "CRITICAL"), "GO")
    assert.strictEqual(verdict(optedOut, "m", {}, noon, "MARKETING"), "OPTED_OUT")
  })

  it("CON-5, CON-6, AUT-12: that was allowed is judged again before each further attempt, but counted once", () => {
    const settings = { frequencyCaps: [{ channel: "EMAIL", maximum: 1, hours: 24 }] } as const
    const authorize: ContactCommand = { _tag: "AuthorizeSend", communicationId: "m" }
    const allowed = after(after(eleni, request("m")), authorize, settings)
    assert.strictEqual(verdict(allowed, "m", settings), "GO")
    assert.strictEqual(after(allowed, authorize, settings).countedSends.length, 1)
    const quietHours = { from: "11:00", until: "13:00" }
    assert.strictEqual(verdict(allowed, "m", { quietHours }), noon + hour)
    const optedOut = after(allowed, { _tag: "ChangeOptOut", channel: "EMAIL", optedOut: true, by: "USER" })
    assert.strictEqual(verdict(optedOut, "m"), "OPTED_OUT")
    const rejected = after(allowed, { _tag: "ChangeConsent", to: "REJECTED", by: "LINK" })
    const consentEffects = { rejected: "NONE", withdrawn: "COMPLETE" } as const
    assert.strictEqual(verdict(rejected, "m", { consentEffects }), "CONSENT")
  })

  it("that is over stays so", () => {
    const allowed = after(after(eleni, request("m")), { _tag: "AuthorizeSend", communicationId: "m" })
    const sent = after(allowed, {
      _tag: "CompleteCommunication",
      communicationId: "m",
      language: "ENG",
      recipient: "e@x"
    })
    assert.strictEqual(verdict(sent, "m"), "OVER")
    assert.strictEqual(
      refusal(sent, { _tag: "RejectCommunication", communicationId: "m", reason: "GAVE_UP" }),
      "CommunicationNotPending"
    )
  })

  it("waits for the end of the quiet hours, also over midnight and a change of clocks", () => {
    const quietHours = { from: "21:00", until: "08:00" }
    const evening = Date.UTC(2026, 10, 22, 20, 30)
    assert.strictEqual(verdict(after(eleni, request("m")), "m", { quietHours }, evening), Date.UTC(2026, 10, 23, 6))
    assert.isUndefined(quietUntil(noon, "Europe/Nicosia", quietHours))
    // The clocks go forward at 03:00 on 29 March 2026, and 08:00 there is 05:00 UTC.
    assert.strictEqual(quietUntil(Date.UTC(2026, 2, 28, 23), "Europe/Nicosia", quietHours), Date.UTC(2026, 2, 29, 5))
  })

  it("stops at the cap of its channel, and goes on when the window has passed", () => {
    const settings = { frequencyCaps: [{ channel: "EMAIL", maximum: 1, hours: 24 }] } as const
    const first = after(after(eleni, request("m")), { _tag: "AuthorizeSend", communicationId: "m" }, settings)
    const second = after(first, request("n"))
    assert.strictEqual(verdict(second, "n", settings, noon + 23 * hour), "FREQUENCY_CAP")
    assert.strictEqual(verdict(second, "n", settings, noon + 24 * hour), "GO")
  })

  it("AUT-12: is counted in its own channel, however many go out by another", () => {
    const settings = { frequencyCaps: [{ channel: "EMAIL", maximum: 1, hours: 24 }] } as const
    const sentBy = (state: ContactState, id: string, channel: "EMAIL" | "INAPP"): ContactState =>
      after(after(state, { ...asked(id), channel }), { _tag: "AuthorizeSend", communicationId: id })
    let state = sentBy(eleni, "mail", "EMAIL")
    for (let number = 0; number < countedSendsMax + 10; number += 1) {
      state = after(sentBy(state, `note ${number}`, "INAPP"), {
        _tag: "RejectCommunication",
        communicationId: `note ${number}`,
        reason: "GAVE_UP"
      })
    }
    assert.strictEqual(verdict(after(state, request("m")), "m", settings, noon + hour), "FREQUENCY_CAP")
    assert.strictEqual(state.countedSends.length, countedSendsMax + 1)
  })
})

describe("tags and activities", () => {
  it("are changed without saying the same twice", () => {
    const tagged = after(eleni, { _tag: "ChangeTags", add: ["vip", "north"], remove: [] })
    assert.deepStrictEqual(after(tagged, { _tag: "ChangeTags", add: ["vip"], remove: ["north"] }).tags, ["vip"])
    const command = { _tag: "ChangeTags", add: ["vip"], remove: ["gone"] } as const
    const { events } = Result.getOrThrow(contactDecider.decide({ contact: tagged }, command, turn({}, noon)))
    assert.deepStrictEqual(events, [])
    const gone = { _tag: "ChangeTags", add: [], remove: ["north"] } as const
    const change = Result.getOrThrow(contactDecider.decide({ contact: tagged }, gone, turn({}, noon))).events[0]
    assert.deepInclude(change, { tags: ["vip"], previous: ["vip", "north"] })
    assert.strictEqual(refusal(eleni, { _tag: "ChangeTags", add: [" x"], remove: [] }), "InvalidContact")
  })

  it("are open until they are closed, once", () => {
    const call = { _tag: "ScheduleActivity", activityId: "a", type: "CALL", dueAt: noon } as const
    const scheduled = after(eleni, call)
    const moved = after(scheduled, { _tag: "ChangeActivity", activityId: "a", assignee: "Nikos" })
    assert.deepStrictEqual(moved.openActivities, [{ id: "a", type: "CALL", dueAt: noon, assignee: "Nikos" }])
    const closed = after(moved, { _tag: "CloseActivity", activityId: "a", outcome: "DONE" })
    assert.deepStrictEqual(closed.openActivities, [])
    assert.strictEqual(refusal(closed, { _tag: "CloseActivity", activityId: "a", outcome: "DONE" }), "ActivityNotOpen")
  })
})
