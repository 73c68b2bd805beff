/** Automations as a business arranges them, and what became of each of their runs. Safe to share with clients. */
import { DefinitionState } from "#domain/definition/Definition.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { automationShape } from "../resource/Automation.ts"
import { triggerTable } from "../resource/EventTable.ts"
import { Id, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Automations"
const automationsPath = "/backoffice/v2/automations"
const one = `${automationsPath}/:id` as const
const oneRun = "/backoffice/v2/automation_runs/:id"
const access = "secret"

/** Automations that could set each other off, by their names and ids, the first again at the end. */
const Warning = Schema.Struct({
  type: Schema.Literal("POSSIBLE_LOOP"),
  automation_ids: Schema.Array(Schema.String),
  names: Schema.Array(Schema.String)
})
/** Signs what a DECISION asks at a `url`, as webhooks are signed; only of an automation that has one. */
const decisionSecret = { decision_secret: Schema.optionalKey(Schema.String) }
const Saved = Schema.Struct({ id: Schema.String, ...decisionSecret, warnings: Schema.Array(Warning) })
const Reference = Schema.Struct({ id: Schema.String })

const Automation = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  state: DefinitionState,
  version: Schema.Int,
  saved_on: Schema.Int,
  ...automationShape
})
const body = Schema.Struct({ name: Line, ...automationShape })

export const createAutomation = declare({
  method: "POST",
  path: automationsPath,
  tag,
  name: "createAutomation",
  summary: "Have something done when something happens",
  description:
    "When the trigger happens to a contact for whom the filter holds, the actions are done in their order, once for each " +
    "event. It begins with what happens from now on. Version and filter are those of the event's instant, and the filter is " +
    "judged on what the contact was right after the event, and in which segments, however late that is. That of a PRIOR_TO " +
    "trigger is judged once, before the change: on the profile that it proposes, on what had happened to the contact until then, " +
    "and on the segments that she was in. By that goes what the automation decides, and what it does once the change is " +
    "committed, also where that waits for an approval; an automation that was saved or switched on meanwhile has no part in it. " +
    "Warnings tell of " +
    "automations that could set each other off in a circle: a chain never comes back to one of them, and a circle in which " +
    "nothing stands in between is refused. A message goes as its template is, " +
    "MANDATORY or MARKETING; of a CRITICAL template it passes opt-outs, quiet hours and caps where the action has `override`, and " +
    "goes as marketing otherwise. Refused as well is what could never work: a channel that is not the template's, a " +
    "template about other events, a template or an endpoint that is switched off, a decision asked for at an address that may " +
    "not be called. Of a template that is switched off later messages are rejected as TEMPLATE_INACTIVE, and the run goes on. A WEBHOOK sends " +
    "`automation.run`, with `event_type` and `event` as the webhook of that event has them. An APPROVAL stands in the list of " +
    "approvals, for its `assignee`, for seven days. A filter may ask " +
    "what an update changed: of the LAST `ContactUpdated`, its `changed` (names of fields), and `before_language_code` beside " +
    "`language_code`; of PRIOR_TO_UPDATE that is an update before. `CONTACT_UPDATED` is set off by `IdentifiersAdded` and `OptOutChanged` as well; opt-outs are asked for " +
    "of the LAST `OptOutChanged`, its `channel`, `opted_out` and `by`. LAST of a type that can set the automation off, with " +
    "neither `where` nor `window`, is about the event that did, and does not hold if that is of another type. An award sets off " +
    "`AWARD_GIVEN` and, as a credit, `WALLET_CREDITED`: of the LAST `FundsCredited`, its `reason`, `name`, `amount` and " +
    "`purchase_id`. A DECISION asks " +
    "somebody outside before a command is carried out: at a webhook endpoint, signed under its secret (which can be rotated), " +
    "or at a `url`, signed under the automation's own `decision_secret`, both as Standard Webhooks says: check the signature " +
    "and the timestamp before answering. Amounts are decimals and instants RFC 3339, as in webhooks. The answer is 200 with " +
    '`{"decision": "ALLOW" | "HOLD"}`, `{"decision": "REJECT", "reason": …}` or `{"decision": "PATCH", "fields": {…}}`, ' +
    "within two seconds for all questions about one command. Whatever else comes of it is 503 KOINON.NOT_DECIDED with why in " +
    "`failure` (TIMEOUT, STATUS, NOT_JSON, UNKNOWN_VERDICT, FIELD_NOT_ALLOWED, …), unless the action has `fail_open`. At the " +
    "self-service door a contact is told the `reason` alone, so it is written for her. A PATCH opts nobody in: of a registration `email_opt_out` and " +
    "`sms_opt_out` may be `true`, of a change they may not be said, and what a decision says of them there is not done.\n\n" +
    "What sets off a trigger, as events are named in filters, and in brackets as webhooks tell of them:\n\n" +
    `${triggerTable}\n\n` +
    "PRIOR_TO_CREATION and PRIOR_TO_UPDATE judge the command before it makes that event. COMMUNITY_EXPANDED is the owner's, and of invitations only where somebody is in at once; INVITATION_ACCEPTED and " +
    "INVITATION_REJECTED are the person's, where she was invited and answered. WALLET_DEBITED is a journal, a transfer, " +
    "an expiry, an award taken back or a draw on a shared wallet; what a contact pays from her own wallet is PURCHASE_POSTED.",
  access,
  body,
  status: 201,
  success: Saved
})

export const listAutomations = declare({
  method: "GET",
  path: automationsPath,
  tag,
  name: "listAutomations",
  summary: "List the automations",
  description: "By name.",
  access,
  query: Schema.Struct({ ...pagingQuery, state: Schema.optionalKey(DefinitionState) }),
  status: 200,
  success: listOf(Automation)
})

export const getAutomation = declare({
  method: "GET",
  path: one,
  tag,
  name: "getAutomation",
  summary: "Read an automation",
  description:
    "With the circles that it could be part of, and the secret under which it asks for decisions at a `url`.",
  access,
  status: 200,
  success: Schema.Struct({ ...Automation.fields, ...decisionSecret, warnings: Schema.Array(Warning) })
})

export const updateAutomation = declare({
  method: "PUT",
  path: one,
  tag,
  name: "updateAutomation",
  summary: "Replace an automation",
  description: "What has happened before, and every run that has begun, keeps the version that was in force then.",
  access,
  body,
  status: 200,
  success: Saved
})

export const actOnAutomation = declare({
  method: "POST",
  path: `${one}/actions`,
  tag,
  name: "actOnAutomation",
  summary: "Switch an automation on or off",
  description: "Runs that have begun go on.",
  access,
  body: Schema.Struct({ action: Schema.Literals(["ACTIVATE", "DEACTIVATE"]) }),
  status: 200,
  success: Reference
})

export const deleteAutomation = declare({
  method: "DELETE",
  path: one,
  tag,
  name: "deleteAutomation",
  summary: "Delete an automation",
  description: "Runs that have begun go on, and stay readable.",
  access,
  status: 204
})

export const listAutomationVersions = declare({
  method: "GET",
  path: `${one}/versions`,
  tag,
  name: "listAutomationVersions",
  summary: "List the versions of an automation",
  description: "The one in force first, and the last five before it. A dry run takes any, by its number.",
  access,
  status: 200,
  success: Schema.Struct({
    content: Schema.Array(Schema.Struct({ version: Schema.Int, saved_on: Schema.Int, ...automationShape }))
  })
})

const RunState = Schema.Literals(["PENDING", "RUNNING", "WAITING", "SKIPPED", "COMPLETED", "REJECTED", "FAILED"])
const Run = Schema.Struct({
  id: Schema.String,
  automation: Schema.Struct({ id: Schema.String, version: Schema.Int }),
  contact: Schema.Struct({ id: Schema.String }),
  trigger: Schema.String,
  /** What set it off: the entry of the contact's activity feed. */
  event_id: Schema.optionalKey(Schema.String),
  state: RunState,
  /** LOOP or CHAIN_TOO_LONG of one that was skipped; what failed last; NOT_APPROVED; LAPSED: nobody decided in time. */
  reason: Schema.optionalKey(Schema.String),
  /** Actions that are done, of how many. */
  actions_done: Schema.Int,
  actions: Schema.Int,
  /** Of one that waits: for whom, and until when. */
  approval: Schema.optionalKey(
    Schema.Struct({ assignee: Schema.optionalKey(Schema.String), held_on: Schema.Int, expires_on: Schema.Int })
  ),
  /** The automations that led here, the first cause first. */
  chain: Schema.Array(Schema.String),
  happened_on: Schema.Int,
  created_on: Schema.Int,
  changed_on: Schema.Int,
  ended_on: Schema.optionalKey(Schema.Int)
})
export type Run = typeof Run.Type

const { page: _page, ...byCursor } = { ...pagingQuery, ...cursorQuery }

export const listAutomationRuns = declare({
  method: "GET",
  path: `${one}/runs`,
  tag,
  name: "listAutomationRuns",
  summary: "List the runs of an automation",
  description: "Newest first. It holds the runs for whatever was committed before it was asked for.",
  access,
  query: Schema.Struct({
    ...byCursor,
    state: Schema.optionalKey(RunState),
    contact_id: Schema.optionalKey(Id)
  }),
  status: 200,
  success: listOf(Run)
})

export const listRuns = declare({
  method: "GET",
  path: "/backoffice/v2/automation_runs",
  tag,
  name: "listRuns",
  summary: "List the runs of all automations",
  description:
    "Newest first; those that FAILED wait to be resumed or replayed. It holds the runs for whatever was committed before it " +
    "was asked for.",
  access,
  query: Schema.Struct({
    ...byCursor,
    state: Schema.optionalKey(RunState),
    automation_id: Schema.optionalKey(Id),
    contact_id: Schema.optionalKey(Id)
  }),
  status: 200,
  success: listOf(Run)
})

const Attempt = Schema.Struct({
  number: Schema.Int,
  outcome: Schema.Literals(["DONE", "RETRY", "CONTINUE", "DEAD"]),
  reason: Schema.optionalKey(Schema.String),
  started_on: Schema.Int,
  ended_on: Schema.Int
})
export const getAutomationRun = declare({
  method: "GET",
  path: oneRun,
  tag,
  name: "getAutomationRun",
  summary: "Read a run",
  description: "With its attempts, one for each action and each time that one failed; they are kept for 30 days.",
  access,
  status: 200,
  success: Schema.Struct({ ...Run.fields, attempts: Schema.Array(Attempt) })
})

const onRun = (name: string, word: "resume" | "replay" | "approve" | "reject", summary: string, description: string) =>
  declare({
    method: "POST",
    path: `${oneRun}/${word}`,
    tag,
    name,
    summary,
    description,
    access,
    status: 200,
    success: Reference
  })

export const resumeAutomationRun = onRun(
  "resumeAutomationRun",
  "resume",
  "Go on with a run that failed",
  "It begins again at the action that failed; those before it are not done again."
)
export const replayAutomationRun = onRun(
  "replayAutomationRun",
  "replay",
  "Go through a run again",
  "One that is over. What it did before is recognised by its ids and not done twice: only what is missing is made up for."
)
export const approveAutomationRun = onRun(
  "approveAutomationRun",
  "approve",
  "Approve what a run waits for",
  "The actions behind the approval are done."
)
export const rejectAutomationRun = onRun(
  "rejectAutomationRun",
  "reject",
  "Refuse what a run waits for",
  "The actions behind the approval are never done."
)
