/**
 * The domain as the runtime sees it: aggregates by kind, code and event, deciders by command, with their types erased at
 * this one place. What the domain put in comes out of the same aggregate again, so the erased types never mix.
 */
import { aggregates, deciders } from "#domain/Domain.ts"
import type { Event } from "#domain/Event.ts"
import type { Command } from "#domain/Command.ts"
import type { Judgement, Turn } from "#domain/shared/Decision.ts"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

export type Aggregates = typeof aggregates
export type Kind = keyof Aggregates
export type StateOf<K extends Kind> = Aggregates[K]["initial"]

/** An aggregate with its state and event types erased. */
export interface AnyAggregate {
  readonly kind: Kind
  readonly code: number
  readonly State: Schema.Codec<unknown, unknown>
  readonly stateVersion: number
  readonly initial: unknown
  readonly Event: Schema.Codec<unknown, unknown>
  readonly evolve: (state: unknown, event: Event) => unknown
}

export interface AnyDecider {
  readonly commands: ReadonlyArray<string>
  readonly needs: (command: Command, key: string) => Readonly<Record<string, string>>
  readonly births?: Readonly<Record<string, string>>
  readonly decide: (states: Readonly<Record<string, unknown>>, command: Command, turn: Turn) => Judgement
}

export const allAggregates = Object.values(aggregates) as unknown as ReadonlyArray<AnyAggregate>
const allDeciders = deciders as unknown as ReadonlyArray<AnyDecider>

/** The tagged structs that a union is made of. */
export const members = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  ast._tag === "Union" ? ast.types.flatMap(members) : [ast]

export const tagOf = (ast: SchemaAST.AST): string => {
  const tag = ast._tag === "Objects" ? ast.propertySignatures.find((property) => property.name === "_tag") : undefined
  return tag?.type._tag === "Literal" ? String(tag.type.literal) : ""
}

const byKind = new Map<string, AnyAggregate>(allAggregates.map((aggregate) => [aggregate.kind, aggregate]))
const byCode = new Map<number, AnyAggregate>(allAggregates.map((aggregate) => [aggregate.code, aggregate]))
const byEvent = new Map<string, AnyAggregate>(
  allAggregates.flatMap((aggregate) => members(aggregate.Event.ast).map((ast) => [tagOf(ast), aggregate] as const))
)
const byCommand = new Map<string, AnyDecider>(
  allDeciders.flatMap((decider) => decider.commands.map((tag) => [tag, decider] as const))
)

/** What the domain does not know was written by newer code, or is damaged: the actor stops, nothing is skipped. */
class UnknownKind extends Schema.TaggedError<UnknownKind>()("UnknownKind", { what: Schema.String }) {}

const known = <A>(found: A | undefined, what: string): A => {
  if (found === undefined) throw new UnknownKind({ what })
  return found
}

export const aggregateOfKind = (kind: string): AnyAggregate => known(byKind.get(kind), `aggregate ${kind}`)
export const aggregateOfCode = (code: number): AnyAggregate => known(byCode.get(code), `aggregate ${code}`)
export const aggregateOf = (event: { readonly _tag: string }): AnyAggregate =>
  known(byEvent.get(event._tag), `event ${event._tag}`)
export const deciderOf = (command: { readonly _tag: string }): AnyDecider =>
  known(byCommand.get(command._tag), `command ${command._tag}`)
