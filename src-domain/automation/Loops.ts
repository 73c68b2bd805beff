/**
 * Which automations could set each other off in a circle (AUT-8). What an action brings about is known; whether it does so
 * each time depends on filters, on what people do, and on segments. Only a circle in which nothing stands in between is
 * certain. At run time every circle is cut anyway: no automation runs twice in one chain for the same contact. The search is
 * a part of the save: it looks at each automation a few times, however they are connected.
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

/**
 * Where automations are set off, as far as actions of others go: by a trigger, or by what a segment asks for. However many
 * automations there are, there are only a few of these: a search from one to the next has soon been everywhere.
 */
interface Door {
  readonly isOpenedBy: (action: Action) => Likelihood | undefined
}

const triggerDoor = (trigger: Trigger): Door => ({
  isOpenedBy: ({ _tag }) => effects[_tag]?.find(([effect]) => effect === trigger)?.[1]
})
const segmentDoor = (kinds: ReadonlySet<string>): Door => ({
  isOpenedBy: ({ _tag }) => (kinds.has(_tag) ? "POSSIBLE" : undefined)
})

/** The kinds of actions that a segment's conditions ask for. One that cannot be looked at might ask for anything. */
const kindsAskedFor = (segment: unknown): ReadonlySet<string> => {
  const text = segment === undefined ? undefined : JSON.stringify(segment)
  const kinds = Object.entries(askedFor).filter(
    ([, words]) => text === undefined || words.some((word) => text.includes(word))
  )
  return new Set(kinds.map(([kind]) => kind))
}

/** The door of each automation: one and the same for all that are set off alike. */
const doorsOf = (nodes: ReadonlyArray<Node>, segments: Definitions<unknown> | undefined): ReadonlyMap<Node, Door> => {
  const asked = new Map<string, ReadonlySet<string>>()
  const ofSegment = (id: string): ReadonlySet<string> => {
    const kinds = asked.get(id) ?? kindsAskedFor(segments?.[id]?.body)
    asked.set(id, kinds)
    return kinds
  }
  const doors = new Map<string, Door>()
  const doorOf = ({ body: { trigger, segmentId } }: Node): Door => {
    const kinds = segmentId === undefined ? undefined : ofSegment(segmentId)
    const name = kinds === undefined ? trigger : `a segment that asks for ${[...kinds].join("/")}`
    const door = doors.get(name) ?? (kinds === undefined ? triggerDoor(trigger) : segmentDoor(kinds))
    doors.set(name, door)
    return door
  }
  return new Map(nodes.map((node) => [node, doorOf(node)]))
}

/** Which steps from one automation to the next are taken. */
interface Steps {
  readonly from: (node: Node, door: Door) => boolean
  readonly to: (node: Node) => boolean
}

const likelihoodOf = ({ body: { actions } }: Node, { isOpenedBy }: Door): Likelihood | undefined => {
  let found: Likelihood | undefined
  for (const action of actions) {
    const likelihood = isOpenedBy(action)
    if (likelihood === "CERTAIN") return likelihood
    found ??= likelihood
  }
  return found
}

const possible: Steps = { from: (node, door) => likelihoodOf(node, door) !== undefined, to: () => true }
/** Nothing stands in between: neither a filter nor somebody who is to approve. */
const certain: Steps = {
  from: (node, door) =>
    likelihoodOf(node, door) === "CERTAIN" && !node.body.actions.some(({ _tag }) => _tag === "APPROVAL"),
  to: ({ body }) => body.filter === undefined
}

type Doors = ReadonlyMap<Node, Door>

/** Of each automation from which few enough steps lead to the candidate, the next one on its shortest way. Each door is gone through once. */
const waysTo = (candidate: Node, doors: Doors, steps: Steps): ReadonlyMap<Node, Node> => {
  const next = new Map<Node, Node>()
  const seen = new Set<Door>()
  let reached: ReadonlyArray<Node> = [candidate]
  for (let length = 1; length < lengthMax; length++) {
    const before: Array<Node> = []
    for (const to of reached) {
      const door = doors.get(to)
      if (door === undefined || seen.has(door) || !steps.to(to)) continue
      seen.add(door)
      for (const from of doors.keys()) {
        if (from === candidate || next.has(from) || !steps.from(from, door)) continue
        next.set(from, to)
        before.push(from)
      }
    }
    reached = before
  }
  return next
}

/** The shortest circle through each automation that the candidate sets off. */
const circlesOf = (candidate: Node, doors: Doors, steps: Steps): ReadonlyArray<ReadonlyArray<Node>> => {
  const next = waysTo(candidate, doors, steps)
  const found: Array<ReadonlyArray<Node>> = []
  for (const [first, door] of doors) {
    if (found.length === loopsMax) return found
    if (first !== candidate && !next.has(first)) continue
    if (!steps.to(first) || !steps.from(candidate, door)) continue
    const circle = [candidate]
    for (let each = first; each !== candidate; each = next.get(each) ?? candidate) circle.push(each)
    found.push([...circle, candidate])
  }
  return found
}

/** The circles that go through the candidate, as it would be after it is saved: those that are certain first. */
export const loopsOf = (
  candidate: Node,
  all: Definitions<AutomationDefinition>,
  { segments }: NamedByAutomations
): ReadonlyArray<Loop> => {
  const others = Object.values(all).filter(({ id, state }) => id !== candidate.id && state === "ACTIVE")
  const doors = doorsOf([candidate, ...others], segments)
  const found = new Map<string, Loop>()
  for (const steps of [certain, possible]) {
    for (const circle of circlesOf(candidate, doors, steps)) {
      const ids = circle.map(({ id }) => id)
      const place = ids.join("/")
      if (found.has(place) || found.size === loopsMax) continue
      found.set(place, { ids, names: circle.map(({ name }) => name), isCertain: steps === certain })
    }
  }
  return [...found.values()]
}
