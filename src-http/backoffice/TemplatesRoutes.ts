/** Templates of the back office: definitions at the business's own key, and what they would say. */
import type { Template } from "#domain/communication/Template.ts"
import { type LinkName, tagCatalogue, tagsFor } from "#domain/communication/TemplateTags.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { linksFor, withWayOutOf } from "#runtime/communication/Preparing.ts"
import { render } from "#runtime/communication/Rendering.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { readEventValues } from "../resource/EventValues.ts"
import { epoch, present } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import { findContact } from "./ContactReference.ts"
import * as Api from "./TemplatesApi.ts"

const bodyOf = (given: Api.TemplateBody): Template => ({
  channel: given.channel,
  purpose: given.purpose,
  defaultLanguage: given.default_language,
  variants: Object.fromEntries(
    Object.entries(given.variants).map(([language, { image_url: imageUrl, ...rest }]) => [
      language,
      present({ ...rest, imageUrl })
    ])
  ),
  missing: given.missing,
  events: given.events ?? [],
  ...(given.sender !== undefined && { sender: given.sender })
})

type Written = Pick<Definition<Template>, "id" | "name" | "state" | "version" | "savedAt" | "body">

const rendered = ({ id, name, state, version, savedAt, body }: Written): Api.Template => ({
  id,
  name,
  state,
  version,
  saved_on: epoch(savedAt),
  channel: body.channel,
  purpose: body.purpose,
  default_language: body.defaultLanguage,
  variants: Object.fromEntries(
    Object.entries(body.variants).map(([language, { imageUrl, ...rest }]) => [
      language,
      present({ ...rest, image_url: imageUrl })
    ])
  ),
  missing: body.missing,
  events: body.events,
  ...(body.sender !== undefined && { sender: body.sender })
})

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name.localeCompare(right.name)

/** Each its own, as where they lead: which of them a message has tells whether its way out has to be added. */
const nowhere = (name: LinkName): string => `https://example.com/preview/${name.toLowerCase()}`

const definitionRoutes = [
  serve(
    Api.createTemplate,
    Effect.fnUntraced(function* (call) {
      const id = nameUuid("template", call.commandId)
      const command = { _tag: "SaveTemplate" as const, id, name: call.body.name, body: bodyOf(call.body) }
      const { answer: given, replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id: idOf(given) }, replayed, seq }
    })
  ),
  serve(
    Api.listTemplates,
    Effect.fnUntraced(function* ({ principal, query }) {
      const all = Object.values(yield* definedBy(principal.business, "templates"))
      const found = all
        .filter(({ state }) => query.state === undefined || state === query.state)
        .filter(({ body }) => query.channel === undefined || body.channel === query.channel)
        .toSorted(byName)
      const page = pageOf(query.order === "DESC" ? found.toReversed() : found, query)
      return { body: { ...page, content: page.content.map(rendered) } }
    })
  ),
  serve(Api.listTemplateTags, ({ query: { event } }) => {
    if (event !== undefined && !tagCatalogue.events.has(event)) {
      return Effect.fail(invalidField("event", `There is no event ${event}.`))
    }
    const tags = [...tagsFor(tagCatalogue, event === undefined ? [] : [event])].map(([tag, kind]) => ({ tag, kind }))
    return Effect.succeed({ body: { tags } })
  }),
  serve(
    Api.getTemplate,
    Effect.fnUntraced(function* ({ principal, params }) {
      return { body: rendered(yield* findDefined(principal, "templates", params["id"])) }
    })
  ),
  serve(
    Api.listTemplateVersions,
    Effect.fnUntraced(function* ({ principal, params }) {
      const found = yield* findDefined(principal, "templates", params["id"])
      const earlier = found.earlier.map((version) => ({ ...found, ...version }))
      return { body: { content: [found, ...earlier].map(rendered) } }
    })
  ),
  serve(
    Api.updateTemplate,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "templates", call.params["id"])
      const command = { _tag: "SaveTemplate" as const, id, name: call.body.name, body: bodyOf(call.body) }
      const { expectedSeq } = call
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.actOnTemplate,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "templates", call.params["id"])
      const state = call.body.action === "ACTIVATE" ? ("ACTIVE" as const) : ("INACTIVE" as const)
      const command = { _tag: "ChangeTemplateState" as const, id, state }
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.deleteTemplate,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "templates", call.params["id"])
      const { replayed } = yield* answer(call, call.principal.business.id, { _tag: "DeleteTemplate", id })
      return { body: undefined, replayed }
    })
  )
]

export const templateRoutes = [
  ...definitionRoutes,
  serve(
    Api.previewTemplate,
    Effect.fnUntraced(function* ({ principal, params, body }) {
      const { body: template } = yield* findDefined(principal, "templates", params["id"])
      const { state: contact } = yield* findContact(principal, body.contact_id)
      const { events } = template
      const values = yield* readEventValues(body.event, { pointer: "/event", events, currency: contact.currency })
      const clock = yield* Clock.Clock
      const actors = yield* Actors
      const community = yield* actors.read(principal.business.id, contact.id, "community")
      const result = render({
        template,
        business: principal.business,
        contact,
        community: community.state,
        at: clock.currentTimeMillisUnsafe(),
        values,
        language: body.language,
        links: linksFor(template.channel, nowhere)
      })
      const { language } = result
      if (result._tag === "MissingValue") return { body: { language, missing_tag: result.tag } }
      if (result._tag === "Unwritable") return { body: { language, reason: result.reason } }
      const said = withWayOutOf(template, result, nowhere("OPT_OUT"))
      if ("reason" in said) return { body: { language, reason: `it is too long for ${template.channel}` } }
      const { subject, title, image } = result
      const { html, text } = said
      return { body: { language, message: present({ subject, html, text, title, image_url: image }) } }
    })
  )
]
