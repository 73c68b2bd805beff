/**
 * Asks for a contact to be made or changed, which prior-to automations may judge first (AUT-2). What they hold is parked
 * under the request's own id and answered 202; what they let through is asked as ever. While the automations change under
 * its hands it is judged anew, a few times.
 */
import { areSameJudges } from "#domain/automation/Judges.ts"
import { type Judged, requiredJudges } from "#domain/automation/PriorTo.ts"
import type { HoldCommand } from "#domain/held/HeldCommand.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors, type Answered } from "#runtime/actor/Actors.ts"
import { heldId, nameUuid } from "#runtime/actor/Naming.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import { PriorTo } from "#runtime/automation/PriorTo.ts"
import * as Effect from "effect/Effect"
import { heldOperation } from "../resource/Operation.ts"
import { answer, answeredBefore, ask, type Asker } from "./Asking.ts"
import type { Later } from "./Endpoint.ts"
import type { Fault } from "./Fault.ts"

/** How often it is judged anew, and how long it waits before: a runner hears of the change in less. */
const judgedMax = 5
const againAfterMs = 20

interface Choices {
  readonly step?: string
  readonly expectedSeq?: number | undefined
  /** Codes that were made up for a registration. */
  readonly generated?: (typeof HoldCommand.Type)["generated"]
  /** Whether a refusal that was given before says so. */
  readonly tellsReplayed?: boolean
}

export type Wanted = Answered | Later

const later = (id: string): Later => ({ later: heldOperation(id, heldId(id)) })

/** What became of it when it was sent before; held, it is still where it was. */
const before = (asker: Asker, id: string) =>
  Effect.map(
    Effect.catchTag(answeredBefore({ ...asker, commandId: id }), "StillRunning", () => Effect.succeed(later(id))),
    (known): Wanted | undefined => known
  )

const hold = Effect.fnUntraced(function* (
  asker: Asker,
  key: string,
  command: typeof HoldCommand.Type,
  id: string,
  choices: { readonly step?: string; readonly expectedSeq?: number | undefined }
) {
  const actors = yield* Actors
  return yield* Effect.catchTag(ask(asker, key, command, choices), "StillRunning", (running) =>
    // Parked, or the same request is under way a second time and nothing is durable yet.
    Effect.flatMap(actors.outcome(asker.principal.business.id, id, asker.fingerprint), (known) =>
      known === undefined ? Effect.fail(running) : Effect.succeed(later(id))
    )
  )
})

export const askJudged = Effect.fnUntraced(function* (
  asker: Asker,
  key: string,
  command: Judged,
  { generated = [], tellsReplayed = false, ...choices }: Choices = {}
) {
  const { step } = choices
  const id = step === undefined ? asker.commandId : nameUuid("step", asker.commandId, step)
  const asking = tellsReplayed ? answer : ask
  const actors = yield* Actors
  const priorTo = yield* PriorTo

  const once: Effect.Effect<Wanted, Refusal | RuntimeRefusal | Fault, Actors> = Effect.suspend(() => {
    const business = actors.business(asker.principal.business.id) ?? asker.principal.business
    if (areSameJudges(requiredJudges(business.priorAutomations, command), [])) {
      return asking(asker, key, command, choices)
    }
    return Effect.flatMap(before(asker, id), (known) =>
      known !== undefined
        ? Effect.succeed(known)
        : Effect.flatMap(priorTo.judge(business, key, command), (judged): typeof once => {
            const { heldBy } = judged
            if (heldBy.length === 0) return asking(asker, key, judged.command, choices)
            const holding = {
              _tag: "HoldCommand" as const,
              heldId: heldId(id),
              command: judged.command,
              generated,
              heldBy
            }
            return hold(asker, key, holding, id, choices)
          })
    )
  })
  const again = (count: number): typeof once =>
    Effect.catchTag(once, "AutomationsChanged", (changed) =>
      count + 1 < judgedMax
        ? Effect.andThen(Effect.sleep(againAfterMs * 2 ** count), again(count + 1))
        : Effect.fail(changed)
    )
  return yield* again(0)
})

export const isLater = (wanted: Wanted): wanted is Later => "later" in wanted
