/** Segments of the back office: definitions at the business's own key, members and changes as the runtime keeps them. */
import type { Definition } from "#domain/definition/Definition.ts"
import { catalogue } from "#domain/segment/Catalogue.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { type NamedGroup, Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { type Fault, fault, invalidField, notFound } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { answerOf, requestOf, viewFault } from "../door/Views.ts"
import { readConditions, shownConditions, shownExplanation } from "../resource/Conditions.ts"
import { epoch, present } from "../resource/Fields.ts"
import { pageOf, pageSizeDefault } from "../resource/Paging.ts"
import { findContact } from "./ContactReference.ts"
import { checked } from "./SegmentReference.ts"
import * as Api from "./SegmentsApi.ts"

const sampleDefault = 10

const bodyOf = (
  { business: { currency } }: Principal,
  { sets, refresh, export: automatic }: Api.SegmentBody
): Effect.Effect<SegmentDefinition, Fault> =>
  Effect.map(readConditions("/sets", sets, currency), (meant) => ({
    sets: meant,
    refresh: present({ mode: refresh.mode, cron: refresh.cron, timeZone: refresh.time_zone }),
    ...(automatic !== undefined && { export: automatic })
  }))

const rendered = (
  { business: { currency } }: Principal,
  { id, name, state, version, savedAt, body }: Definition<SegmentDefinition>
): Api.Segment =>
  present({
    id,
    name,
    state,
    version,
    saved_on: epoch(savedAt),
    sets: shownConditions(body.sets, currency),
    refresh: present({ mode: body.refresh.mode, cron: body.refresh.cron, time_zone: body.refresh.timeZone }),
    export: body.export
  })

const group = ({ count, sample }: NamedGroup) => ({
  count,
  sample: sample.map(({ contact, displayName }) => present({ id: contact, name: displayName }))
})

/** In milliseconds; what is still to come cannot be looked at. */
const instantOf = Effect.fnUntraced(function* (at: number | undefined) {
  if (at === undefined) return undefined
  const clock = yield* Clock.Clock
  if (at * 1000 > clock.currentTimeMillisUnsafe()) {
    return yield* Effect.fail(invalidField("/at", "An instant that has passed, in epoch seconds."))
  }
  return at * 1000
})

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name.localeCompare(right.name)

const definitionRoutes = [
  serve(
    Api.createSegment,
    Effect.fnUntraced(function* (call) {
      const id = nameUuid("segment", call.commandId)
      const body = yield* bodyOf(call.principal, call.body)
      const command = { _tag: "SaveSegment" as const, id, name: call.body.name, body }
      const { answer: given, replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id: idOf(given) }, replayed, seq }
    })
  ),
  serve(
    Api.listSegments,
    Effect.fnUntraced(function* ({ principal, query }) {
      const all = Object.values(yield* definedBy(principal.business, "segments"))
      const found = all.filter(({ state }) => query.state === undefined || state === query.state).toSorted(byName)
      const page = pageOf(query.order === "DESC" ? found.toReversed() : found, query)
      return { body: { ...page, content: page.content.map((each) => rendered(principal, each)) } }
    })
  ),
  serve(
    Api.getSegment,
    Effect.fnUntraced(function* ({ principal, params }) {
      const found = yield* findDefined(principal, "segments", params["id"])
      const segments = yield* Segments
      const status = yield* Effect.mapError(segments.status(principal.business.id, found.id), viewFault)
      const { state, version, members, refreshedAt, nextRefreshAt, position, failure } = status
      const membership = present({
        state,
        version,
        members,
        position,
        failure,
        refreshed_on: refreshedAt === undefined ? undefined : epoch(refreshedAt),
        next_refresh_on: nextRefreshAt === undefined ? undefined : epoch(nextRefreshAt)
      })
      return { body: { ...rendered(principal, found), membership } }
    })
  ),
  serve(
    Api.updateSegment,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "segments", call.params["id"])
      const body = yield* bodyOf(call.principal, call.body)
      const command = { _tag: "SaveSegment" as const, id, name: call.body.name, body }
      const { expectedSeq } = call
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.actOnSegment,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "segments", call.params["id"])
      const state = call.body.action === "ACTIVATE" ? ("ACTIVE" as const) : ("INACTIVE" as const)
      const command = { _tag: "ChangeSegmentState" as const, id, state }
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.deleteSegment,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "segments", call.params["id"])
      const { replayed } = yield* answer(call, call.principal.business.id, { _tag: "DeleteSegment", id })
      return { body: undefined, replayed }
    })
  )
]

const memberRoutes = [
  serve(
    Api.refreshSegment,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { id, state, body } = yield* findDefined(principal, "segments", params["id"])
      if (state === "INACTIVE" || body.refresh.mode === "NEVER") {
        const why = state === "INACTIVE" ? "It is switched off." : "Its members are imported alone."
        return yield* Effect.fail(fault(409, "KOINON.SEGMENT_NOT_REFRESHED", "Not refreshed", why))
      }
      const segments = yield* Segments
      yield* Effect.mapError(segments.refresh(principal.business.id, id), viewFault)
      return { body: { id } }
    })
  ),
  serve(
    Api.listSegmentMembers,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { id } = yield* findDefined(principal, "segments", params["id"])
      const segments = yield* Segments
      const asked = { ...query, order: query.order ?? ("ASC" as const) }
      const found = yield* Effect.mapError(segments.members(principal.business.id, id, requestOf(asked)), viewFault)
      return {
        body: answerOf(found, asked, ({ contact, displayName, byRule, byImport, since }) => ({
          contact: present({ id: contact, name: displayName }),
          by_rule: byRule,
          imported: byImport,
          since: epoch(since)
        }))
      }
    })
  ),
  serve(
    Api.removeSegmentMember,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { id } = yield* findDefined(principal, "segments", params["id"])
      const contact = (yield* findContact(principal, params["contact"] ?? "")).state.id
      const segments = yield* Segments
      const removed = yield* Effect.mapError(segments.removeMember(principal.business.id, id, contact), viewFault)
      if (!removed) return yield* Effect.fail(notFound("imported member", params["contact"] ?? ""))
      return { body: undefined }
    })
  ),
  serve(
    Api.listSegmentChanges,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { id } = yield* findDefined(principal, "segments", params["id"])
      const { after = 0, size = pageSizeDefault } = query
      const segments = yield* Segments
      const asked = segments.changes(principal.business.id, id, after, size + 1)
      const found = yield* Effect.mapError(asked, viewFault)
      const shown = found.slice(0, size)
      const content = shown.map((change) =>
        present({
          id: change.id,
          position: change.position,
          contact: { id: change.contact },
          kind: change.kind,
          reason: change.reason,
          because: change.because,
          at: epoch(change.at)
        })
      )
      return { body: { content, has_more: found.length > size, position: shown.at(-1)?.position ?? after } }
    })
  ),
  serve(
    Api.listSegmentsOfContact,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const contact = (yield* findContact(principal, params["id"] ?? "")).state.id
      const segments = yield* Segments
      const all = yield* definedBy(principal.business, "segments")
      const found = yield* Effect.mapError(segments.segmentsOf(principal.business.id, contact), viewFault)
      const known = found.flatMap(({ segmentId, byRule, byImport, since }) => {
        const definition = all[segmentId]
        if (definition === undefined) return []
        const { id, name } = definition
        return [{ id, name, by_rule: byRule, imported: byImport, since: epoch(since) }]
      })
      const sorted = known.toSorted(byName)
      return { body: pageOf(query.order === "DESC" ? sorted.toReversed() : sorted, query) }
    })
  )
]

const lookingRoutes = [
  serve(
    Api.previewSegment,
    Effect.fnUntraced(function* ({ principal, body }) {
      const sets = yield* readConditions("/sets", body.sets, principal.business.currency)
      yield* checked(principal, "/sets", sets)
      const look = { at: yield* instantOf(body.at), sampleSize: body.sample_size ?? sampleDefault }
      const segments = yield* Segments
      return {
        body: group(yield* Effect.mapError(segments.preview(principal.business.id, sets, look), viewFault))
      }
    })
  ),
  serve(
    Api.compareSegments,
    Effect.fnUntraced(function* ({ principal, body }) {
      const { currency } = principal.business
      const first = yield* readConditions("/first", body.first, currency)
      const second = yield* readConditions("/second", body.second, currency)
      yield* checked(principal, "/first", first)
      yield* checked(principal, "/second", second)
      const look = { at: yield* instantOf(body.at), sampleSize: body.sample_size ?? sampleDefault }
      const segments = yield* Segments
      const asked = segments.difference(principal.business.id, first, second, look)
      const { onlyFirst, onlySecond, both } = yield* Effect.mapError(asked, viewFault)
      return { body: { only_first: group(onlyFirst), only_second: group(onlySecond), both: group(both) } }
    })
  ),
  serve(
    Api.explainMembership,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { id, body } = yield* findDefined(principal, "segments", params["id"])
      const contact = (yield* findContact(principal, params["contact"] ?? "")).state.id
      const segments = yield* Segments
      const business = principal.business.id
      const sets = yield* Effect.mapError(segments.why(business, body.sets, contact), viewFault)
      if (sets === undefined) return yield* Effect.fail(notFound("contact", params["contact"] ?? ""))
      const standings = yield* Effect.mapError(segments.segmentsOf(business, contact), viewFault)
      const standing = standings.find(({ segmentId }) => segmentId === id)
      return {
        body: {
          member: standing !== undefined,
          imported: standing?.byImport ?? false,
          holds: sets.some(({ holds }) => holds),
          sets: shownExplanation(sets, principal.business.currency)
        }
      }
    })
  ),
  serve(Api.getSegmentCatalogue, () =>
    Effect.succeed({
      body: {
        fields: catalogue.fields,
        events: Array.from(catalogue.events.values(), ({ type, fields }) => ({ type, fields }))
      }
    })
  )
]

export const segmentRoutes = [...lookingRoutes, ...definitionRoutes, ...memberRoutes]
