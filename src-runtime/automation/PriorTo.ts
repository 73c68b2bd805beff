/**
 * Has a command judged by the prior-to automations of its business before its turn (AUT-2, AUT-3): in their order, each on
 * the contact as the command and the patches before would make her. What comes out travels with the command; its turn takes
 * it only if those are still the automations that have to judge, and she is as she was read here. With it travels for which of
 * them it is: what else they do, they do by that (Judges.ts). A command that is turned away leaves an entry in `Rejections` and
 * nothing else. Who is asked outside has two seconds for all questions of one command together.
 */
import { type AutomationDefinition, isPrior, type PriorAction } from "#domain/automation/Automation.ts"
import type { Judge } from "#domain/automation/Judges.ts"
import {
  type Judged,
  judged,
  judgeOf,
  judgesOf,
  patched,
  type PriorAutomation,
  triggerOf,
  withVerdicts
} from "#domain/automation/PriorTo.ts"
import { undecidedOf } from "#domain/automation/Undecided.ts"
import { proposal } from "#domain/automation/Proposal.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { profileDocument } from "#domain/segment/Facts.ts"
import { goodSecrets } from "#domain/webhook/Endpoint.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { ActorUnavailable, type RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { publicProfile } from "../webhook/PublicFacts.ts"
import { signed } from "../webhook/Signature.ts"
import { Targets } from "../webhook/Targets.ts"
import { decide, type Decision, ownSecretId, type Question, Unanswered } from "./DecisionCall.ts"
import { type FactsUnavailable, PriorFacts } from "./PriorFacts.ts"
import { Rejections } from "./Rejections.ts"

/** AUT-3: for everybody who is asked outside about one command. A reference, so that a test of what they say need not be as quick. */
export const DecisionsWithinMs = Context.Reference<number>("koinon/runtime/DecisionsWithinMs", {
  defaultValue: () => 2_000
})

/** The command as it is to be asked now, and the automations that want somebody to approve it first. */
export interface Judgement {
  readonly command: Judged
  readonly heldBy: ReadonlyArray<Judge>
}

export class PriorTo extends Context.Service<
  PriorTo,
  {
    readonly judge: (
      business: Business,
      key: string,
      command: Judged
    ) => Effect.Effect<Judgement, Refusal | RuntimeRefusal>
  }
>()("koinon/runtime/PriorTo") {}

interface Settings {
  /** Hosts, addresses and networks that may be asked although they are not on the internet. */
  readonly allowed: ReadonlyArray<string>
}

/** One judgement under way. */
interface Case {
  readonly business: Business
  readonly key: string
  readonly at: number
  /** The contact as she is; nobody, of a registration. */
  readonly before: ContactState
  /** That she owns. */
  readonly community: CommunityState
  readonly command: Judged
  readonly heldBy: ReadonlyArray<Judge>
  /** The automations whose filter held. */
  readonly meant: ReadonlySet<string>
}

const proposedBy = ({ before, command, at, key, business }: Case): ContactState | undefined =>
  proposal(before, command, { at, key, business })

type Asking = Extract<PriorAction, { readonly _tag: "DECISION" }>

/** What somebody outside is asked. */
const questionOf = ({ id, name, version }: PriorAutomation, { command, community }: Case, proposed: ContactState) => ({
  trigger: triggerOf(command),
  automation: { id, name, version },
  contact: publicProfile(proposed, community)
})

const make = Effect.fnUntraced(function* ({ allowed }: Settings) {
  const actors = yield* Actors
  const definitions = yield* Definitions
  const facts = yield* PriorFacts
  const rejections = yield* Rejections
  const sealer = yield* Sealer
  const decisionsWithinMs = yield* DecisionsWithinMs
  const targets = new Targets(allowed)
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()

  const holds = Effect.fnUntraced(function* (
    { filter }: AutomationDefinition,
    { business, key, at, before, community }: Case,
    proposed: ContactState
  ): Effect.fn.Return<boolean, FactsUnavailable> {
    if (filter === undefined) return true
    const { events, segments } = dependsOn(filter)
    // Who is not there yet is in no segment, and nothing has happened to her.
    const isThere = before.id !== ""
    const happened = isThere && events.size > 0 ? yield* facts.events(business.id, key, events) : []
    const memberOf = new Map<string, number>()
    if (isThere) {
      for (const segment of segments) {
        const since = yield* facts.memberSince(business.id, segment, key)
        if (since !== undefined) memberOf.set(segment, since)
      }
    }
    const known = { profile: profileDocument(business, proposed, community), events: happened }
    return compile(filter)(known, at, (segment) => memberOf.get(segment)).holds
  })

  const turnedAway = Effect.fnUntraced(function* (
    automation: PriorAutomation,
    { business, key, before, command }: Case,
    refusal: Extract<Refusal, { readonly _tag: "RejectedByAutomation" | "NotDecided" }>
  ) {
    yield* rejections.note(business.id, {
      ...judgeOf(automation),
      at: now(),
      trigger: triggerOf(command),
      ...(refusal._tag === "NotDecided"
        ? { verdict: "NOT_DECIDED", ...undecidedOf(refusal) }
        : { verdict: "REJECTED" }),
      ...(before.id !== "" && { contactId: key })
    })
    return yield* Effect.fail<Refusal>(refusal)
  })

  const nameOf = ({ id, name }: PriorAutomation) => ({ automationId: id, automation: name })

  /** Where to ask, and under which secrets: those of the endpoint, or the automation's own. */
  const addressOf = Effect.fnUntraced(function* (business: string, automationId: string, { endpointId, url }: Asking) {
    if (endpointId === undefined) return { url: url ?? "", secretIds: [ownSecretId(automationId)] }
    const inForce = yield* Effect.mapError(
      definitions.inForce([business], "endpoints"),
      (cause) => new ActorUnavailable({ cause })
    )
    const endpoint = inForce.get(business)?.[endpointId]
    if (endpoint?.state !== "ACTIVE")
      return yield* new Unanswered({ failure: "ENDPOINT_INACTIVE", reason: "its endpoint is switched off" })
    return { url: endpoint.body.url, secretIds: goodSecrets(endpoint.body, now()) }
  })

  const questionFor = Effect.fnUntraced(function* (
    automation: PriorAutomation,
    action: Asking,
    each: Case,
    proposed: ContactState
  ): Effect.fn.Return<Question, Unanswered | RuntimeRefusal> {
    const { id: business } = each.business
    const { url, secretIds } = yield* addressOf(business, automation.id, action)
    const body = JSON.stringify(questionOf(automation, each, proposed))
    const headers = signed(sealer, business, secretIds, randomUUID(), Math.floor(now() / 1_000), body)
    return { url, headers, body }
  })

  const outside = Effect.fnUntraced(function* (automation: PriorAutomation, action: Asking, each: Case) {
    const proposed = proposedBy(each)
    const allow: Decision = { _tag: "ALLOW" }
    if (proposed === undefined) return allow
    const withinMs = each.at + decisionsWithinMs - now()
    return yield* questionFor(automation, action, each, proposed).pipe(
      Effect.flatMap((question) => decide(question, { withinMs, targets })),
      Effect.catchTag("Unanswered", (unanswered) =>
        Effect.logWarning(`a decision for the automation ${automation.id} was not given: ${unanswered.reason}`).pipe(
          Effect.andThen(
            action.failOpen
              ? Effect.succeed(allow)
              : turnedAway(automation, each, {
                  _tag: "NotDecided",
                  ...nameOf(automation),
                  ...undecidedOf(unanswered)
                })
          )
        )
      )
    )
  })

  const act = Effect.fnUntraced(function* (automation: PriorAutomation, action: PriorAction, each: Case) {
    const decision = action._tag === "DECISION" ? yield* outside(automation, action, each) : action
    switch (decision._tag) {
      case "ALLOW":
        return each
      case "PATCH":
        return { ...each, command: patched(each.command, decision.fields) }
      case "HOLD":
        return { ...each, heldBy: [...each.heldBy, judgeOf(automation)] }
      case "REJECT": {
        const { reason } = decision
        return yield* turnedAway(automation, each, { _tag: "RejectedByAutomation", ...nameOf(automation), reason })
      }
    }
  })

  const judgeOne = Effect.fnUntraced(function* (automation: PriorAutomation, given: Case) {
    const proposed = proposedBy(given)
    if (proposed === undefined) return given
    const isMeant = yield* holds(automation.body, given, proposed).pipe(
      Effect.catchTag("FactsUnavailable", ({ cause }) =>
        Effect.logWarning(`the filter of the automation ${automation.id} cannot be judged`, cause).pipe(
          Effect.andThen(
            turnedAway(automation, given, {
              _tag: "NotDecided",
              ...nameOf(automation),
              failure: "FILTER_UNAVAILABLE"
            })
          )
        )
      )
    )
    if (!isMeant) return given
    let each: Case = { ...given, meant: new Set([...given.meant, automation.id]) }
    for (const action of automation.body.actions) {
      if (isPrior(action)) each = yield* act(automation, action, each)
    }
    return each
  })

  return PriorTo.of({
    judge: Effect.fn("PriorTo.judge")(function* (business, key, command) {
      const judges = judgesOf(yield* definitions.of(business.id, "automations"), triggerOf(command))
      const owner = yield* actors.readOwner(business.id, key)
      const before = owner.contact.state
      const marked = judged(before, command, judges.map(judgeOf))
      const community = owner.community.state
      let each: Case = { business, key, at: now(), before, community, command: marked, heldBy: [], meant: new Set() }
      for (const automation of judges) each = yield* judgeOne(automation, each)
      return { command: withVerdicts(each.command, each.meant), heldBy: each.heldBy }
    })
  })
})

export const layer = (
  settings: Settings
): Layer.Layer<PriorTo, never, Actors | Definitions | PriorFacts | Rejections | Sealer> =>
  Layer.effect(PriorTo, make(settings))
