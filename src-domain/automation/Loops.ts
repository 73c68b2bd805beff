/**
 * Which automations could set each other off in a circle (AUT-8). What an action brings about is known; whether it does so
 * each time depends on filters, on what people do, and on segments. Only a circle in which nothing stands in between is
 * certain. At run time every circle is cut anyway: no automation runs twice in one chain for the same contact.
 */
import type { Definitions } from "../definition/Definition.ts"
import type { Action, AutomationDefinition, NamedByAutomations } from "./Automation.ts"
import type { Trigger } from "./Trigger.ts"

/** Circles that are told of, at most. */
const loopsMax = 10
/** A longer chain is cut at run time. */
const lengthMax = 5

export interface Loop {
  /** Automations in the order in which they set each other off, the first again at the end. */
  readonly ids: ReadonlyArray<string>
  readonly names: ReadonlyArray<string>
  readonly isCertain: boolean
}

interface Node {
  readonly id: string
  readonly name: string
  readonly body: AutomationDefinition
}

type Likelihood = "CERTAIN" | "POSSIBLE"

/** What an action brings about that may set off something else. Adding a tag twice changes nothing the second time. */
const effects: Readonly<Partial<Record<Action["_tag"], ReadonlyArray<readonly [Trigger, Likelihood]>>>> = {
  COMMUNICATION: [
    ["COMMUNICATION_COMPLETED", "CERTAIN"],
    ["COMMUNICATION_REJECTED", "POSSIBLE"]
  ],
  ACTIVITY: [
    ["ACTIVITY_SCHEDULED", "CERTAIN"],
    ["ACTIVITY_CLOSED", "POSSIBLE"]
  ],
  TAG: [["TAGS_CHANGED", "POSSIBLE"]]
}

/** Words by which a segment's conditions ask for what an action changes. */
const askedFor: Readonly<Partial<Record<Action["_tag"], ReadonlyArray<string>>>> = {
  TAG: ["tags", "TagsChanged"],
  COMMUNICATION: ["Communication", "communication"],
  ACTIVITY: ["Activity", "activit"]
}

const maySwitchSegment = (action: Action, segment: unknown): boolean => {
  const words = askedFor[action._tag]
  if (words === undefined) return false
  // A segment that cannot be looked at might ask for anything.
  const text = segment === undefined ? undefined : JSON.stringify(segment)
  return text === undefined || words.some((word) => text.includes(word))
}

const setsOff = (from: Node, to: Node, segments: Definitions<unknown> | undefined): Likelihood | undefined => {
  const { trigger, filter, segmentId } = to.body
  const likelihoods = from.body.actions.flatMap((action): ReadonlyArray<Likelihood> => {
    if (segmentId !== undefined) {
      return maySwitchSegment(action, segments?.[segmentId]?.body) ? ["POSSIBLE"] : []
    }
    return (effects[action._tag] ?? []).flatMap(([effect, likelihood]) => (effect === trigger ? [likelihood] : []))
  })
  if (likelihoods.length === 0) return undefined
  const isHeldUp = filter !== undefined || from.body.actions.some(({ _tag }) => _tag === "APPROVAL")
  return likelihoods.includes("CERTAIN") && !isHeldUp ? "CERTAIN" : "POSSIBLE"
}

/** The circles that go through the candidate, as it would be after it is saved. */
export const loopsOf = (
  candidate: Node,
  all: Definitions<AutomationDefinition>,
  { segments }: NamedByAutomations
): ReadonlyArray<Loop> => {
  const nodes: ReadonlyArray<Node> = [
    candidate,
    ...Object.values(all).filter(({ id, state }) => id !== candidate.id && state === "ACTIVE")
  ]
  const edges = new Map(
    nodes.map((from) => [
      from.id,
      nodes.flatMap((to) => {
        const likelihood = setsOff(from, to, segments)
        return likelihood === undefined ? [] : [{ to, likelihood }]
      })
    ])
  )
  const loops: Array<Loop> = []
  const walk = (path: ReadonlyArray<Node>, isCertain: boolean): void => {
    const last = path.at(-1) as Node
    for (const { to, likelihood } of edges.get(last.id) ?? []) {
      if (loops.length >= loopsMax) return
      const stillCertain = isCertain && likelihood === "CERTAIN"
      if (to === candidate) {
        const circle = [...path, to]
        loops.push({ ids: circle.map(({ id }) => id), names: circle.map(({ name }) => name), isCertain: stillCertain })
      } else if (!path.includes(to) && path.length < lengthMax) walk([...path, to], stillCertain)
    }
  }
  walk([candidate], true)
  return loops
}

/** What to tell whoever saved it: the circles that something may cut, or may not. */
export const possibleLoops = (
  candidate: Node,
  all: Definitions<AutomationDefinition>,
  others: NamedByAutomations
): ReadonlyArray<Loop> => loopsOf(candidate, all, others).filter(({ isCertain }) => !isCertain)
