/** As what a message goes, whoever sends it, and what a template may not become under those that send it (CON-5, CON-6). */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { planDecider, templateDecider } from "#domain/communication/CommunicationDefinitions.ts"
import type { Plan } from "#domain/communication/Plan.ts"
import { purposeAtSend, purposeOf } from "#domain/communication/SendPurpose.ts"
import type { Template } from "#domain/communication/Template.ts"
import { Purpose } from "#domain/contact/Communication.ts"
import type { Definition, Definitions } from "#domain/definition/Definition.ts"
import { initial as nobody } from "#domain/organisation/Business.ts"
import type { Turn } from "#domain/shared/Decision.ts"
import { endpointDecider } from "#domain/webhook/Endpoint.ts"

const greeting: Template = {
  channel: "EMAIL",
  purpose: "MARKETING",
  defaultLanguage: "en",
  variants: { en: { subject: "Hello", text: "Hello" } },
  missing: { policy: "REJECT" },
  events: []
}
const daily: Plan = {
  templateId: "greeting",
  segmentIds: ["everybody"],
  schedule: { type: "DAILY", time: "10:00", timeZone: "Europe/Athens" },
  window: {},
  override: false,
  priority: 0
}
const thanks: AutomationDefinition = {
  trigger: "PURCHASE_POSTED",
  actions: [
    { _tag: "COMMUNICATION", templateId: "greeting", channel: "EMAIL" },
    { _tag: "WEBHOOK", endpointId: "hook" }
  ]
}

const defined = <Body>(id: string, body: Body, more: Partial<Definition<Body>> = {}): Definitions<Body> => ({
  [id]: { id, name: id, version: 1, savedAt: 1, state: "ACTIVE", stateSince: 1, body, earlier: [], ...more }
})
const business = { ...nobody, id: "business" }
const turn: Turn = { at: 1_000, key: business.id, commandId: "command", business }

/** What is refused, and where; `undefined` of what is done. */
const refusal = (judgement: ReturnType<typeof templateDecider.decide>) => {
  if (Result.isSuccess(judgement)) return undefined
  const { failure } = judgement
  return failure._tag === "InvalidDefinition" ? failure.pointer : failure._tag
}

const users = { plans: defined("daily", daily), automations: defined("thanks", thanks) }
const saveTemplate = (body: Template, { before = greeting, by = {} }: { before?: Template; by?: object } = {}) =>
  refusal(
    templateDecider.decide(
      { plans: {}, automations: {}, ...by, templates: defined("greeting", before) },
      { _tag: "SaveTemplate", id: "greeting", name: "greeting", body },
      turn
    )
  )
const savePlan = (more: Partial<Plan>, template: Partial<Template>, state: "ACTIVE" | "INACTIVE" = "ACTIVE") =>
  planDecider.decide(
    {
      plans: {},
      segments: defined("everybody", {}),
      templates: defined("greeting", { ...greeting, ...template }, { state })
    },
    { _tag: "SavePlan", id: "daily", name: "daily", body: { ...daily, ...more } },
    turn
  )

describe("a message", () => {
  it("CON-6: of a plan is marketing, or critical where the plan overrides what is no marketing", () => {
    const of = (override: boolean) => Purpose.literals.map((purpose) => purposeOf({ override }, { purpose }))
    assert.deepStrictEqual(Purpose.literals, ["MANDATORY", "CRITICAL", "MARKETING"])
    assert.deepStrictEqual(of(false), ["MARKETING", "MARKETING", "MARKETING"])
    assert.deepStrictEqual(of(true), ["CRITICAL", "CRITICAL", "MARKETING"])
  })

  it("CON-6: goes as it was asked for, or as its template is by then, whichever passes less", () => {
    const at = (asked: Parameters<typeof purposeAtSend>[0]) =>
      Purpose.literals.map((purpose) => purposeAtSend(asked, { purpose }))
    assert.deepStrictEqual(at({ purpose: "MANDATORY" }), ["MANDATORY", "CRITICAL", "MARKETING"])
    assert.deepStrictEqual(at({ purpose: "CRITICAL" }), ["CRITICAL", "CRITICAL", "MARKETING"])
    assert.deepStrictEqual(at({ purpose: "MARKETING" }), ["MARKETING", "MARKETING", "MARKETING"])
    assert.deepStrictEqual(at({ purpose: "CRITICAL", planId: "daily" }), ["CRITICAL", "CRITICAL", "MARKETING"])
    assert.deepStrictEqual(at({ purpose: "MANDATORY", planId: "daily" }), ["MARKETING", "MARKETING", "MARKETING"])
  })
})

describe("a plan", () => {
  it("CON-5, CON-6: sends nothing that is MANDATORY, and is told which template that is and what to take instead", () => {
    for (const override of [false, true]) {
      const judgement = savePlan({ override }, { purpose: "MANDATORY" })
      assert.strictEqual(refusal(judgement), "/template_id")
      const told = JSON.stringify(Result.isFailure(judgement) ? judgement.failure : {})
      assert.match(told, /The template greeting is MANDATORY .* a plan takes one that is MARKETING/)
    }
    assert.isUndefined(refusal(savePlan({}, { purpose: "MARKETING" })))
    assert.isUndefined(refusal(savePlan({ override: true }, { purpose: "CRITICAL" })))
    assert.strictEqual(refusal(savePlan({ override: true }, { purpose: "MARKETING" })), "/override")
    assert.strictEqual(refusal(savePlan({}, {}, "INACTIVE")), "/template_id")
  })
})

describe("a template that is in use", () => {
  it("does not become what those that send it cannot send, and stays what it was before", () => {
    const sms: Template = { ...greeting, channel: "SMS", variants: { en: { text: "Hello" } } }
    const about = (...events: ReadonlyArray<string>): Template => ({ ...greeting, events })
    const mandatory: Template = { ...greeting, purpose: "MANDATORY" }
    for (const body of [sms, mandatory, about("FundsCredited")]) assert.isUndefined(saveTemplate(body))
    const { plans, automations } = users
    assert.strictEqual(saveTemplate(sms, { by: { automations } }), "/channel")
    assert.strictEqual(saveTemplate(about("FundsCredited"), { by: { automations } }), "/events")
    assert.isUndefined(saveTemplate(about("FundsCredited", "PurchasePaid"), { by: { automations } }))
    assert.isUndefined(saveTemplate(mandatory, { by: { automations } }))
    assert.strictEqual(saveTemplate(mandatory, { by: { plans } }), "/purpose")
    assert.strictEqual(saveTemplate(about("PurchasePaid"), { by: { plans } }), "/events")
    const reworded = { ...mandatory, variants: { en: { subject: "Hello again", text: "Hello" } } }
    assert.isUndefined(saveTemplate(reworded, { before: mandatory, by: { plans } }))
  })

  it("AUT-11: is switched off at once, as an endpoint is, and deleted only when nobody needs it", () => {
    const templates = defined("greeting", greeting)
    const off = { _tag: "ChangeTemplateState", id: "greeting", state: "INACTIVE" } as const
    assert.isUndefined(refusal(templateDecider.decide({ ...users, templates }, off, turn)))
    const gone = { _tag: "DeleteTemplate", id: "greeting" } as const
    assert.strictEqual(refusal(templateDecider.decide({ ...users, templates }, gone, turn)), "DefinitionInUse")
    const endpoints = defined("hook", { url: "https://shop.example", events: "*", secretId: "s" })
    const hookOff = { _tag: "ChangeEndpointState", id: "hook", state: "INACTIVE" } as const
    assert.isUndefined(refusal(endpointDecider.decide({ ...users, endpoints }, hookOff, turn)))
    const hookGone = { _tag: "DeleteEndpoint", id: "hook" } as const
    assert.strictEqual(refusal(endpointDecider.decide({ ...users, endpoints }, hookGone, turn)), "DefinitionInUse")
  })
})
