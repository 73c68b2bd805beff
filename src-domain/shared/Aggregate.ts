/**
 * The two forms that the domain is written in. An aggregate is a fold: a stream of events into a state. A decider judges
 * commands on the states of one or more aggregates of one placement key (the group turn, architecture decision 4). The
 * runtime knows nothing else of the domain, so a new aggregate costs its folder and one line in `Domain.ts`.
 */
import type * as Schema from "effect/Schema"
import type { Judgement, Turn } from "./Decision.ts"

export interface Aggregate<Kind extends string, State, Event extends { readonly _tag: string }> {
  readonly kind: Kind
  /** Stored with every event in place of the name: never reused, never changed. */
  readonly code: number
  readonly State: Schema.Codec<State, unknown>
  /** Raised when the state's shape or its fold changes: older snapshots are then folded anew from the events. */
  readonly stateVersion: number
  readonly initial: State
  readonly Event: Schema.Codec<Event, unknown>
  /** Total: an event in the journal has happened. An unknown tag is a defect, never skipped. */
  readonly evolve: (state: State, event: Event) => State
}

export const defineAggregate = <const Kind extends string, State, Event extends { readonly _tag: string }>(
  aggregate: Aggregate<Kind, State, Event>
): Aggregate<Kind, State, Event> => aggregate

export interface Decider<States, Command extends { readonly _tag: string }> {
  readonly commands: ReadonlyArray<Command["_tag"]>
  /** Which aggregate of each kind the command is judged on: the placement key itself, or one that it names. */
  readonly needs: (command: Command, key: string) => { readonly [Kind in keyof States]: string }
  /**
   * The kind that a command brings into being: assumed absent without looking, which saves a read. The assumption is
   * proven by the commit (the stream's first event is unique), or by loading when the decision writes nothing to it.
   */
  readonly births?: { readonly [tag: string]: string }
  /** Pure and total: the same states, command and turn give the same judgement. */
  readonly decide: (states: States, command: Command, turn: Turn) => Judgement
}

export const defineDecider = <States, Command extends { readonly _tag: string }>(
  decider: Decider<States, Command>
): Decider<States, Command> => decider

/** For the `default` of a switch over tags: the compiler finds a missing case, and an unknown tag stops the actor. */
export const absurd = (value: never): never => {
  throw new Error(`unknown tag: ${String((value as { readonly _tag?: unknown })._tag)}`)
}
