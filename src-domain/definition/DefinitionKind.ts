/**
 * Makes one kind of definitions out of its body and its rules: an aggregate, a decider, and the events and commands under
 * the kind's own names (`SegmentSaved`, `SaveSegment`), for tags are unique over the whole domain and stored for ever.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Event as DomainEvent } from "../Event.ts"
import { type Aggregate, type Decider, defineAggregate, defineDecider } from "../shared/Aggregate.ts"
import { type Change, changed, type Definitions, DefinitionState } from "./Definition.ts"
import { judge, type Rules, type Wish } from "./DefinitionRules.ts"

interface Options<Kind extends string, Name extends string, Body, Others> extends Rules<Body, Others> {
  /** Of the aggregate, in the plural: `segments`. */
  readonly kind: Kind
  readonly code: number
  readonly stateVersion: number
  /** Begins or ends the tags: `Segment`. */
  readonly name: Name
  readonly Body: Schema.Codec<Body, unknown>
  /** The kinds of definitions that `Others` holds: their rules look at each other. */
  readonly others: ReadonlyArray<keyof Others & string>
}

const reasonLengthMax = 500
const id = Schema.String
const at = Schema.Int

const shapesOf = <Name extends string, Body>(name: Name, Body: Schema.Codec<Body, unknown>) => {
  const Saved = Schema.TaggedStruct(`${name}Saved`, { id, version: Schema.Int, name: Schema.String, body: Body, at })
  const reason = Schema.String.check(Schema.isMaxLength(reasonLengthMax))
  const StateChanged = Schema.TaggedStruct(`${name}StateChanged`, {
    id,
    state: DefinitionState,
    /** Why it was changed by itself; absent where somebody asked for it. */
    reason: Schema.optionalKey(reason),
    at
  })
  const Deleted = Schema.TaggedStruct(`${name}Deleted`, { id, at })
  const Save = Schema.TaggedStruct(`Save${name}`, { id, name: Schema.String, body: Body })
  const because = Schema.Struct({ reason, version: Schema.Int, stateSince: Schema.Int })
  const ChangeState = Schema.TaggedStruct(`Change${name}State`, {
    id,
    state: DefinitionState,
    because: Schema.optionalKey(because)
  })
  const Delete = Schema.TaggedStruct(`Delete${name}`, { id })
  return {
    Event: Schema.Union([Saved, StateChanged, Deleted]),
    Command: Schema.Union([Save, ChangeState, Delete])
  }
}

const stateOf = <Body>(Body: Schema.Codec<Body, unknown>): Schema.Codec<Definitions<Body>, unknown> => {
  const version = { version: Schema.Int, savedAt: Schema.Int, body: Body }
  const definition = { id, name: Schema.String, state: DefinitionState, stateSince: Schema.Int }
  const earlier = Schema.Array(Schema.Struct(version))
  const firstSavedAt = Schema.optionalKey(Schema.Int)
  return Schema.Record(Schema.String, Schema.Struct({ ...definition, ...version, earlier, firstSavedAt }))
}

type Shapes<Name extends string, Body> = ReturnType<typeof shapesOf<Name, Body>>

/** Written out: what follows from the domain's events may not be needed to know what they are. */
interface DefinitionKind<Kind extends string, Name extends string, Body> extends Shapes<Name, Body> {
  readonly aggregate: Aggregate<Kind, Definitions<Body>, Shapes<Name, Body>["Event"]["Type"]>
  readonly decider: Decider<Record<string, unknown>, Shapes<Name, Body>["Command"]["Type"]>
}

/** The aggregate and the decider of one kind of definitions. */
export const defineDefinitions = <const Kind extends string, const Name extends string, Body, Others = {}>(
  options: Options<Kind, Name, Body, Others>
): DefinitionKind<Kind, Name, Body> => {
  const { kind, code, stateVersion, name, Body, others } = options
  const { Event, Command } = shapesOf(name, Body)
  type Event = typeof Event.Type
  type Command = typeof Command.Type

  // Only the tags differ: a change or a wish is the same thing without the kind's name in it.
  const changeOf = (event: Event) => ({ ...event, _tag: event._tag.slice(name.length) }) as unknown as Change<Body>
  const eventOf = (change: Change<Body>) => ({ ...change, _tag: `${name}${change._tag}` }) as unknown as DomainEvent
  const wishOf = (command: Command) => ({ ...command, _tag: command._tag.replace(name, "") }) as unknown as Wish<Body>

  const aggregate = defineAggregate<Kind, Definitions<Body>, Event>({
    kind,
    code,
    State: stateOf(Body),
    stateVersion,
    initial: {},
    Event,
    evolve: (all, event) => changed(all, changeOf(event))
  })
  const decider = defineDecider<Record<string, unknown>, Command>({
    commands: [`Save${name}`, `Change${name}State`, `Delete${name}`] as ReadonlyArray<Command["_tag"]>,
    needs: (_, key) => Object.fromEntries([kind, ...others].map((each) => [each, key])),
    decide: (states, command, turn) => {
      if (turn.business.id === "" || turn.key !== turn.business.id) {
        return Result.fail({ _tag: "OrganisationNotFound", id: turn.key })
      }
      const verdict = judge(options, states[kind] as Definitions<Body>, states as Others, wishOf(command), turn)
      return Result.map(verdict, (changes) => ({
        events: changes.map(eventOf),
        answer: { _tag: "Done", id: command.id }
      }))
    }
  })
  return { aggregate, decider, Event, Command }
}
