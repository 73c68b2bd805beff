/**
 * A business's standing order: when this happens to a contact for whom that holds, do these things in this order (AUT-1).
 * It is saved, changed and deleted like every definition; a run keeps the version it began with (AUT-6).
 *
 * Prior-to automations first decide about a command (REJECT, PATCH, HOLD, DECISION), before anything is stored (AUT-2);
 * their other actions are done once it has committed (AUT-4).
 */
import * as Schema from "effect/Schema"
import { Channel, Purpose } from "../contact/Communication.ts"
import type { Template } from "../communication/Template.ts"
import type { Definitions } from "../definition/Definition.ts"
import { ConditionSets } from "../segment/Condition.ts"
import { Trigger } from "./Trigger.ts"

const Communication = Schema.TaggedStruct("COMMUNICATION", {
  templateId: Schema.String,
  channel: Channel,
  /** As it was said when it was saved. A message goes as its template has it by then (SendPurpose.ts). */
  purpose: Schema.optionalKey(Purpose),
  /** It passes opt-outs, quiet hours and caps: for critical templates alone, as in plans (CON-6). */
  override: Schema.optionalKey(Schema.Boolean)
})
const Webhook = Schema.TaggedStruct("WEBHOOK", { endpointId: Schema.String })
const Activity = Schema.TaggedStruct("ACTIVITY", {
  /** The business's word for what is to be done. */
  type: Schema.String,
  subject: Schema.optionalKey(Schema.String),
  /** Counted from when the action is done. */
  dueInMinutes: Schema.optionalKey(Schema.Int),
  assignee: Schema.optionalKey(Schema.String)
})
/** Nothing after it is done before somebody approves; rejected, it never is. */
const Approval = Schema.TaggedStruct("APPROVAL", { assignee: Schema.optionalKey(Schema.String) })
const Tag = Schema.TaggedStruct("TAG", { add: Schema.Array(Schema.String), remove: Schema.Array(Schema.String) })

const Reject = Schema.TaggedStruct("REJECT", { reason: Schema.String })
/** AUT-2: what names a contact towards others, and what must be unique, is not among it. */
export const PatchFields = Schema.Struct({
  languageCode: Schema.optionalKey(Schema.String),
  /** MKT-1: of a registration, and only to opt out. Older definitions may say more; nothing is done about it. */
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean),
  firstName: Schema.optionalKey(Schema.String),
  middleName: Schema.optionalKey(Schema.String),
  lastName: Schema.optionalKey(Schema.String),
  companyName: Schema.optionalKey(Schema.String),
  customFields: Schema.optionalKey(Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.String })))
})
export type PatchFields = typeof PatchFields.Type
const Patch = Schema.TaggedStruct("PATCH", { fields: PatchFields })
const Hold = Schema.TaggedStruct("HOLD", {})
/**
 * AUT-3: somebody outside is asked, at an endpoint of the business or at an address of the automation's own, signed under
 * the secret of the one or the other; `failOpen` says whether silence means yes.
 */
const Decision = Schema.TaggedStruct("DECISION", {
  endpointId: Schema.optionalKey(Schema.String),
  url: Schema.optionalKey(Schema.String),
  failOpen: Schema.Boolean
})

/** What is done about a fact that stands. */
export const AfterAction = Schema.Union([Communication, Webhook, Activity, Approval, Tag])
export type AfterAction = typeof AfterAction.Type
/** What decides about a command. */
export const PriorAction = Schema.Union([Reject, Patch, Hold, Decision])
export type PriorAction = typeof PriorAction.Type
export const Action = Schema.Union([...AfterAction.members, ...PriorAction.members])
export type Action = typeof Action.Type

export const AutomationDefinition = Schema.Struct({
  trigger: Trigger,
  /** Of SEGMENT_JOINED and SEGMENT_LEFT: which segment. */
  segmentId: Schema.optionalKey(Schema.String),
  /** Without one it is for everybody. */
  filter: Schema.optionalKey(ConditionSets),
  actions: Schema.Array(Action),
  /** Of several prior-to automations the one with the smallest decides first, then by name; 0 if not said (AUT-2). */
  priority: Schema.optionalKey(Schema.Int)
})
export type AutomationDefinition = typeof AutomationDefinition.Type

/** What automations name, by kind. A kind that is not given is not looked at. */
export interface NamedByAutomations {
  readonly templates?: Definitions<Template>
  readonly endpoints?: Definitions<unknown>
  readonly segments?: Definitions<unknown>
}

const priorTags: ReadonlySet<string> = new Set(PriorAction.members.map((each) => each.fields._tag.schema.literal))

export const isPrior = (action: Action): action is PriorAction => priorTags.has(action._tag)
