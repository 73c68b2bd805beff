/**
 * Whoever tells the people of a business that one of its endpoints was switched off by itself. Called within the transaction
 * that takes note of it, so that both are durable or neither is. Without one, nobody is told, which is said in the log.
 */
import type { Definition } from "#domain/definition/Definition.ts"
import type { EndpointDefinition } from "#domain/webhook/Endpoint.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"

export interface Disabled {
  readonly business: string
  readonly endpoint: Definition<EndpointDefinition>
  /** Epoch milliseconds. */
  readonly at: number
  readonly reason: string
}

export type DisabledNotice = (disabled: Disabled) => Effect.Effect<void, SqlError>

export const DisabledNotice = Context.Reference<DisabledNotice>("koinon/runtime/DisabledNotice", {
  defaultValue:
    () =>
    ({ business, endpoint: { id }, reason }) =>
      Effect.logWarning(`the webhook endpoint ${id} of ${business} was switched off: no mail is set up for it`, reason)
})
