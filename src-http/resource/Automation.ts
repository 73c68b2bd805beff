/** An automation as it stands in JSON: the fields of an action beside its `type`. Shared by what is asked and answered. */
import {
  type Action,
  type AfterAction,
  type AutomationDefinition,
  type PatchFields,
  type PriorAction
} from "#domain/automation/Automation.ts"
import { Trigger } from "#domain/automation/Trigger.ts"
import { Channel, Purpose } from "#domain/contact/Communication.ts"
import { ConditionSets } from "#domain/segment/Condition.ts"
import { absurd } from "#domain/shared/Aggregate.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readConditions, shownConditions } from "./Conditions.ts"
import { Id, Line, present } from "./Fields.ts"

const Communication = Schema.Struct({
  type: Schema.Literal("COMMUNICATION"),
  template_id: Id,
  /** The template's. */
  channel: Channel,
  /** Not needed, and not shown: the template's own decides, and what is said here has to be the same. */
  purpose: Schema.optionalKey(Purpose),
  /** It passes opt-outs, quiet hours and caps: for critical templates alone, as in plans. */
  override: Schema.optionalKey(Schema.Boolean)
})
const Webhook = Schema.Struct({ type: Schema.Literal("WEBHOOK"), endpoint_id: Id })
const Activity = Schema.Struct({
  type: Schema.Literal("ACTIVITY"),
  /** The business's word for what is to be done. */
  activity_type: Line,
  subject: Schema.optionalKey(Line),
  /** Counted from when the action is done. */
  due_in_minutes: Schema.optionalKey(Schema.Int),
  assignee: Schema.optionalKey(Line)
})
const Approval = Schema.Struct({ type: Schema.Literal("APPROVAL"), assignee: Schema.optionalKey(Line) })
const Tag = Schema.Struct({
  type: Schema.Literal("TAG"),
  add: Schema.optionalKey(Schema.Array(Line)),
  remove: Schema.optionalKey(Schema.Array(Line))
})
const Reject = Schema.Struct({ type: Schema.Literal("REJECT"), reason: Line })
const Patch = Schema.Struct({
  type: Schema.Literal("PATCH"),
  fields: Schema.Struct({
    language_code: Schema.optionalKey(Line),
    /** Of PRIOR_TO_CREATION, and only `true`: no automation changes an opt-out, nor opts anybody in. */
    email_opt_out: Schema.optionalKey(Schema.Boolean),
    sms_opt_out: Schema.optionalKey(Schema.Boolean),
    first_name: Schema.optionalKey(Line),
    middle_name: Schema.optionalKey(Line),
    last_name: Schema.optionalKey(Line),
    company_name: Schema.optionalKey(Line),
    custom_fields: Schema.optionalKey(Schema.Array(Schema.Struct({ key: Line, value: Line })))
  })
})
const Hold = Schema.Struct({ type: Schema.Literal("HOLD") })
const Decision = Schema.Struct({
  type: Schema.Literal("DECISION"),
  /** Who is asked: an endpoint, under its secret, or an address, under the automation's own `decision_secret`. */
  endpoint_id: Schema.optionalKey(Id),
  url: Schema.optionalKey(Schema.String),
  /** Whether silence means yes; no unless it says so. */
  fail_open: Schema.optionalKey(Schema.Boolean)
})

export const ActionShape = Schema.Union([
  Communication,
  Webhook,
  Activity,
  Approval,
  Tag,
  Reject,
  Patch,
  Hold,
  Decision
])
type ActionShape = typeof ActionShape.Type

export const automationShape = {
  trigger: Trigger,
  /** Of SEGMENT_JOINED and SEGMENT_LEFT. */
  segment_id: Schema.optionalKey(Id),
  /** For whom: in the conditions of segments, at least one in each set; everybody without it. */
  filter: Schema.optionalKey(ConditionSets),
  /** Done in this order. */
  actions: Schema.Array(ActionShape).check(Schema.isMinLength(1)),
  /** Of several prior-to automations the smallest decides first, then by name. */
  priority: Schema.optionalKey(Schema.Int)
}
const AutomationBody = Schema.Struct(automationShape)
export type AutomationBody = typeof AutomationBody.Type

type Fields = Extract<ActionShape, { readonly type: "PATCH" }>["fields"]
const patchOf = (fields: Fields): PatchFields =>
  present({
    languageCode: fields.language_code,
    emailOptOut: fields.email_opt_out,
    smsOptOut: fields.sms_opt_out,
    firstName: fields.first_name,
    middleName: fields.middle_name,
    lastName: fields.last_name,
    companyName: fields.company_name,
    customFields: fields.custom_fields
  })
const shownPatch = (fields: PatchFields): Fields =>
  present({
    language_code: fields.languageCode,
    email_opt_out: fields.emailOptOut,
    sms_opt_out: fields.smsOptOut,
    first_name: fields.firstName,
    middle_name: fields.middleName,
    last_name: fields.lastName,
    company_name: fields.companyName,
    custom_fields: fields.customFields
  })

const actionOf = (action: ActionShape): Action => {
  switch (action.type) {
    case "COMMUNICATION": {
      const { template_id, channel, purpose, override } = action
      return present({
        _tag: "COMMUNICATION" as const,
        templateId: template_id.toLowerCase(),
        channel,
        purpose,
        override: override === true ? true : undefined
      })
    }
    case "WEBHOOK":
      return { _tag: "WEBHOOK", endpointId: action.endpoint_id.toLowerCase() }
    case "ACTIVITY": {
      const { activity_type: type, subject, due_in_minutes: dueInMinutes, assignee } = action
      return present({ _tag: "ACTIVITY" as const, type, subject, dueInMinutes, assignee })
    }
    case "APPROVAL":
      return present({ _tag: "APPROVAL" as const, assignee: action.assignee })
    case "TAG":
      return { _tag: "TAG", add: action.add ?? [], remove: action.remove ?? [] }
    case "REJECT":
      return { _tag: "REJECT", reason: action.reason }
    case "PATCH":
      return { _tag: "PATCH", fields: patchOf(action.fields) }
    case "HOLD":
      return { _tag: "HOLD" }
    case "DECISION": {
      const { url, endpoint_id, fail_open: failOpen = false } = action
      return present({ _tag: "DECISION" as const, endpointId: endpoint_id?.toLowerCase(), url, failOpen })
    }
    default:
      return absurd(action)
  }
}

const shownAfter = (action: AfterAction): ActionShape => {
  switch (action._tag) {
    case "COMMUNICATION": {
      const { templateId, channel, override } = action
      return present({ type: "COMMUNICATION" as const, template_id: templateId, channel, override })
    }
    case "WEBHOOK":
      return { type: "WEBHOOK", endpoint_id: action.endpointId }
    case "ACTIVITY": {
      const { type, subject, dueInMinutes, assignee } = action
      return present({
        type: "ACTIVITY" as const,
        activity_type: type,
        subject,
        due_in_minutes: dueInMinutes,
        assignee
      })
    }
    case "APPROVAL":
      return present({ type: "APPROVAL" as const, assignee: action.assignee })
    case "TAG":
      return { type: "TAG", add: action.add, remove: action.remove }
    default:
      return absurd(action)
  }
}
const shownPrior = (action: PriorAction): ActionShape => {
  switch (action._tag) {
    case "REJECT":
      return { type: "REJECT", reason: action.reason }
    case "PATCH":
      return { type: "PATCH", fields: shownPatch(action.fields) }
    case "HOLD":
      return { type: "HOLD" }
    case "DECISION": {
      const { url, endpointId: endpoint_id, failOpen: fail_open } = action
      return present({ type: "DECISION" as const, endpoint_id, url, fail_open })
    }
    default:
      return absurd(action)
  }
}
export const shownAction = (action: Action): ActionShape => {
  switch (action._tag) {
    case "REJECT":
    case "PATCH":
    case "HOLD":
    case "DECISION":
      return shownPrior(action)
    default:
      return shownAfter(action)
  }
}

/** What a caller means; amounts of its filter are in the currency of the business. */
export const definitionOf = Effect.fnUntraced(function* (pointer: string, body: AutomationBody, currency: string) {
  const { filter } = body
  return present({
    trigger: body.trigger,
    segmentId: body.segment_id?.toLowerCase(),
    filter: filter === undefined ? undefined : yield* readConditions(`${pointer}/filter`, filter, currency),
    actions: body.actions.map(actionOf),
    priority: body.priority
  }) satisfies AutomationDefinition
})

export const shownDefinition = (
  { trigger, segmentId, filter, actions, priority }: AutomationDefinition,
  currency: string
): AutomationBody =>
  present({
    trigger,
    segment_id: segmentId,
    filter: filter === undefined ? undefined : shownConditions(filter, currency),
    actions: actions.map(shownAction),
    priority
  })
