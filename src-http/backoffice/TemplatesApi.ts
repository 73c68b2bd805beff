/** Templates of messages as the back office makes them. Safe to share with clients. */
import { Channel, Purpose } from "#domain/contact/Communication.ts"
import { DefinitionState } from "#domain/definition/Definition.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { eventValuesRules } from "../resource/EventValues.ts"
import { Line } from "../resource/Fields.ts"
import { listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Templates"
const templates = "/backoffice/v2/templates"
const one = `${templates}/:id` as const
const defaultsMax = 200
const eventsMax = 20
const variantsMax = 40

const text = Schema.optionalKey(Schema.String)
const Variant = Schema.Struct({
  subject: text,
  html: text,
  text: Schema.String,
  title: text,
  image_url: text
})

const TemplateBody = Schema.Struct({
  name: Line,
  channel: Channel,
  /**
   * As what each of its messages goes, whoever sends it. MANDATORY passes every opt-out and is in no plan; CRITICAL passes them
   * too, of a plan or an automation where that overrides; MARKETING never does.
   */
  purpose: Purpose,
  default_language: Line,
  /** By language code, as contacts have them. */
  variants: Schema.Record(Schema.String, Variant).check(Schema.isMaxProperties(variantsMax)),
  missing: Schema.Union([
    Schema.Struct({ policy: Schema.Literal("REJECT") }),
    Schema.Struct({ policy: Schema.Literal("EMPTY") }),
    Schema.Struct({
      policy: Schema.Literal("DEFAULT"),
      /** By tag. A tag that is not here has to have a value. */
      values: Schema.Record(Schema.String, Line).check(Schema.isMaxProperties(defaultsMax))
    })
  ]),
  /** Types of events that it may speak of, as #EVENT.…#. */
  events: Schema.optionalKey(Schema.Array(Line).check(Schema.isMaxLength(eventsMax))),
  sender: Schema.optionalKey(Schema.Struct({ name: Schema.optionalKey(Line), address: Schema.optionalKey(Line) }))
})
export type TemplateBody = typeof TemplateBody.Type

const Template = Schema.Struct({
  id: Schema.String,
  state: DefinitionState,
  version: Schema.Int,
  saved_on: Schema.Int,
  ...TemplateBody.fields
})
export type Template = typeof Template.Type
const Reference = Schema.Struct({ id: Schema.String })

export const createTemplate = declare({
  method: "POST",
  path: templates,
  tag,
  name: "createTemplate",
  summary: "Write a template",
  description:
    "Facts of the contact stand in it as #TAG#, and Liquid may be used: filters, conditions, loops. Tags are checked: what " +
    "cannot be read or is not known is refused with its language, line and column. Marketing by mail or SMS without " +
    "#LINK.OPT_OUT# is sent with that link behind its text; an SMS that is then longer than 1,600 characters is not sent.",
  access: "secret",
  body: TemplateBody,
  status: 201,
  success: Reference
})

export const listTemplates = declare({
  method: "GET",
  path: templates,
  tag,
  name: "listTemplates",
  summary: "List the templates",
  description: "By name.",
  access: "secret",
  query: Schema.Struct({
    ...pagingQuery,
    state: Schema.optionalKey(DefinitionState),
    channel: Schema.optionalKey(Channel)
  }),
  status: 200,
  success: listOf(Template)
})

export const listTemplateTags = declare({
  method: "GET",
  path: `${templates}/tags`,
  tag,
  name: "listTemplateTags",
  summary: "List the tags that templates may use",
  description: "With `event`, those of that type of event as well.",
  access: "secret",
  query: Schema.Struct({ event: Schema.optionalKey(Line) }),
  status: 200,
  success: Schema.Struct({
    tags: Schema.Array(
      Schema.Struct({
        tag: Schema.String,
        /** RECORD: a key stands behind it, as in #CUSTOM_FIELDS.SHOE_SIZE#. */
        kind: Schema.Literals(["TEXT", "NUMBER", "MONEY", "BOOLEAN", "INSTANT", "DATE", "LIST", "RECORD"])
      })
    )
  })
})

export const getTemplate = declare({
  method: "GET",
  path: one,
  tag,
  name: "getTemplate",
  summary: "Read a template",
  access: "secret",
  status: 200,
  success: Template
})

export const listTemplateVersions = declare({
  method: "GET",
  path: `${one}/versions`,
  tag,
  name: "listTemplateVersions",
  summary: "Read the last versions of a template",
  description: "Newest first; the last six are kept.",
  access: "secret",
  status: 200,
  success: Schema.Struct({ content: Schema.Array(Template) })
})

export const updateTemplate = declare({
  method: "PUT",
  path: one,
  tag,
  name: "updateTemplate",
  summary: "Replace a template",
  description:
    "Messages that are written from then on say what it says, and those that wait go as what its purpose is then, if that " +
    "passes less. Refused is what automations and plans that send it could not send: another channel, MANDATORY in a plan, " +
    "events that do not fit.",
  access: "secret",
  body: TemplateBody,
  status: 200,
  success: Reference
})

export const actOnTemplate = declare({
  method: "POST",
  path: `${one}/actions`,
  tag,
  name: "actOnTemplate",
  summary: "Switch a template on or off",
  description:
    "Off, nothing more of it leaves, whoever uses it: what waits is rejected at its next attempt as TEMPLATE_INACTIVE, and so " +
    "is what plans and automations still ask for, while their runs go on. It is not sent directly, a plan is not sent with it " +
    "by hand, and no plan or automation is saved with it. On again, what was rejected can be sent again one by one.",
  access: "secret",
  body: Schema.Struct({ action: Schema.Literals(["ACTIVATE", "DEACTIVATE"]) }),
  status: 200,
  success: Reference
})

export const deleteTemplate = declare({
  method: "DELETE",
  path: one,
  tag,
  name: "deleteTemplate",
  summary: "Delete a template",
  description: "Not while a plan or an automation uses it; it can be switched off.",
  access: "secret",
  status: 204
})

export const previewTemplate = declare({
  method: "POST",
  path: `${one}/preview`,
  tag,
  name: "previewTemplate",
  summary: "Write a message to a contact without sending it",
  description:
    "In her language, or in the one that is given, as it would be sent, with the way out that is added to marketing. Links in " +
    "it lead nowhere. `event` are facts of the event that the " +
    `template speaks of. ${eventValuesRules}`,
  access: "secret",
  body: Schema.Struct({
    /** By id or code. */
    contact_id: Line,
    language: Schema.optionalKey(Line),
    /** The facts of an event, where the template speaks of one. */
    event: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
  }),
  status: 200,
  success: Schema.Struct({
    language: Schema.String,
    /** Absent where it could not be written. */
    message: Schema.optionalKey(
      Schema.Struct({
        subject: text,
        html: text,
        text: Schema.String,
        title: text,
        image_url: text
      })
    ),
    /** A tag that has no value for this contact: the message would not be sent. */
    missing_tag: text,
    /** Why it could not be written. */
    reason: text
  })
})
