/**
 * Marks the fields of an event, command, answer or state that identify a person. The runtime seals every marked field
 * with the data key of the contact it belongs to before anything durable is written (architecture decision 10), and
 * `personalFields` tells it which ones those are. Marks count on the top-level fields of a tagged struct only, so that
 * "what is sealed" can be read off a schema at a glance.
 */
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

const personalMark = "koinon/personal"

/** Marks a field: its whole value is sealed at rest. */
export const Personal = <S extends Schema.Top>(schema: S): S["Rebuild"] => schema.annotate({ [personalMark]: true })

/** The marked fields of one tagged struct, by name. */
export const personalFields = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "Objects"
    ? ast.propertySignatures
        .filter((property) => property.type.annotations?.[personalMark] === true)
        .map((property) => String(property.name))
    : []
