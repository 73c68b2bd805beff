/**
 * Automations at work over a database of its own: actors, outbox, the projection that sets them off and the worker that does
 * the runs, the segment store that filters ask, and an endpoint that notes what it is sent.
 */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Purpose } from "#domain/contact/Communication.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Automations from "#runtime/automation/Automations.ts"
import * as FilterFacts from "#runtime/automation/FilterFacts.ts"
import type { WebhookOfRun } from "#runtime/automation/Runner.ts"
import * as Outbox from "#runtime/outbox/Outbox.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ask, writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

/** What a test may change under the feet of the automations, and what it sees of them. */
export class Stage extends Context.Service<
  Stage,
  {
    readonly sent: Array<WebhookOfRun>
    /** Before a webhook is written down: may fail or wait. */
    onWebhook: (webhook: WebhookOfRun) => Effect.Effect<void>
  }
>()("koinon/test/Stage") {}

const stage = Layer.sync(Stage, () => Stage.of({ sent: [], onWebhook: () => Effect.void }))

const webhooks = Layer.effect(
  Automations.RunWebhooks,
  Effect.map(Stage, (stage) =>
    Automations.RunWebhooks.of({
      send: (webhook) =>
        Effect.andThen(
          Effect.suspend(() => stage.onWebhook(webhook)),
          Effect.sync(() => void stage.sent.push(webhook))
        )
    })
  )
)

const projector = Layer.unwrap(
  Effect.gen(function* () {
    const { projection } = yield* Automations.Automations
    const feed = yield* SegmentFeed.SegmentFeed
    return Projector.layer([feed.projection, projection])
  })
)

/** All that sets off and does runs; built anew it is what a process is after a crash. */
const atWork = (maxAttempts: number) =>
  FilterFacts.handed.pipe(
    Layer.provideMerge(SegmentStore.layer),
    Layer.provideMerge(projector),
    Layer.provideMerge(Automations.layer({ maxAttempts, backoff: { firstMs: 1, mostMs: 5 } })),
    Layer.provideMerge(Layer.mergeAll(webhooks, FilterFacts.layer, Outbox.layer, SegmentFeed.layer))
  )

/** Automations at work for a while. */
export const alive = <A, E, R>(use: Effect.Effect<A, E, R>, maxAttempts = 3) =>
  use.pipe(Effect.provide(Layer.fresh(atWork(maxAttempts)), { local: true }))

export const below = Layer.mergeAll(
  stage,
  Definitions.layer,
  SegmentDatabase.layer({ url: undefined, database: "automations" })
).pipe(Layer.provideMerge(writeSide))

export const automationSide = Layer.provideMerge(atWork(3), below)

export const automationId = (number: number): string => nameUuid("automation", String(number))

type Body = Omit<AutomationDefinition, "actions"> & { readonly actions: AutomationDefinition["actions"] }

export const save = (number: number, body: Body, name = `Automation ${number}`) =>
  ask({
    business: businessId,
    key: businessId,
    command: { _tag: "SaveAutomation", id: automationId(number), name, body }
  })

const endpointId = (name: string): string => nameUuid("endpoint", name)
export const webhook = (endpoint: string) => ({ _tag: "WEBHOOK", endpointId: endpointId(endpoint) }) as const

/** Endpoints that automations may name; what is sent to them arrives on the stage. */
export const endpoints = (...names: ReadonlyArray<string>) =>
  Effect.forEach(
    names,
    (name) => {
      const body = { url: "https://integrator.example/hooks", events: "*", secretId: name } as const
      const command = { _tag: "SaveEndpoint", id: endpointId(name), name, body } as const
      return ask({ business: businessId, key: businessId, command })
    },
    { discard: true }
  )

export const templateId = (name: string): string => nameUuid("template", name)

const templateOf = { purpose: "MARKETING", defaultLanguage: "en", missing: { policy: "REJECT" }, events: [] } as const
const byMail = { ...templateOf, channel: "EMAIL", variants: { en: { subject: "Hello", text: "Hello" } } } as const
const inApp = { ...templateOf, channel: "INAPP", variants: { en: { title: "Hello", text: "Hello" } } } as const
const byText = { ...templateOf, channel: "SMS", variants: { en: { text: "Hello" } } } as const
const bodies = { EMAIL: byMail, INAPP: inApp, SMS: byText }

/** Templates that automations may name; nothing is sent from here. */
export const templates = (channel: keyof typeof bodies, names: ReadonlyArray<string>, purpose: Purpose = "MARKETING") =>
  Effect.forEach(
    names,
    (name) => {
      const body = { ...bodies[channel], purpose }
      const command = { _tag: "SaveTemplate", id: templateId(name), name, body } as const
      return ask({ business: businessId, key: businessId, command })
    },
    { discard: true }
  )

/** The name of the endpoint that it was for. */
export const nameOf = (webhook: WebhookOfRun, ...names: ReadonlyArray<string>): string | undefined =>
  names.find((name) => endpointId(name) === webhook.endpointId)

export const asked = (contact: number, command: Parameters<typeof ask>[0]["command"]) =>
  ask({ business: businessId, key: contactId(contact), command })

export const tag = (contact: number, ...add: ReadonlyArray<string>) =>
  asked(contact, { _tag: "ChangeTags", add, remove: [] })

/** By the clock: what was committed before has an earlier instant than what comes. */
export const aMomentLater = Effect.gen(function* () {
  const at = yield* Clock.currentTimeMillis
  yield* eventually(
    "the clock goes on",
    Effect.map(Clock.currentTimeMillis, (now) => now > at)
  )
})

/** The runs of an automation, oldest first. */
export const runsOf = (number: number, contact?: number) =>
  Effect.flatMap(Automations.Automations, (automations) =>
    Effect.map(
      automations.runs({
        business: businessId,
        automation: automationId(number),
        contact: contact === undefined ? undefined : contactId(contact),
        size: 200,
        order: "ASC"
      }),
      ({ rows }) => rows
    )
  )

export const stateOf = (contact: number) =>
  Effect.flatMap(Actors, (actors) =>
    Effect.map(actors.read(businessId, contactId(contact), "contact"), ({ state }) => state)
  )
