/** A runtime that can be closed and built anew, as a restart does: everything is in the journal and nothing in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/** Nothing is built before it is asked for; what is built is closed with the scope that this was made in. */
export const makeReopening = Effect.fnUntraced(function* <A, E>(layer: Layer.Layer<A, E>) {
  let current: { readonly scope: Scope.Closeable; readonly context: Context.Context<A> } | undefined
  const close = Effect.suspend(() => {
    const closing = current
    current = undefined
    return closing === undefined ? Effect.void : Scope.close(closing.scope, Exit.void)
  })
  yield* Effect.addFinalizer(() => close)
  const opened = Effect.gen(function* () {
    if (current !== undefined) return current.context
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(layer, scope)
    current = { scope, context }
    return context
  })
  return { opened, reopened: Effect.andThen(close, opened), close }
})
