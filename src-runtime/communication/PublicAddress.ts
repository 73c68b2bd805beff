/**
 * The address under which the world reaches this installation: links in messages begin with it. It is a setting; without it,
 * whatever this runner listens on, which is known once it listens, and nothing is sent before.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class PublicAddress extends Context.Service<
  PublicAddress,
  {
    /** Without a slash at its end. */
    readonly url: Effect.Effect<string>
    /** What this runner listens on; forgotten where the address is set. */
    readonly announce: (url: string) => void
  }
>()("koinon/runtime/PublicAddress") {}

const trimmed = (url: string): string => url.replace(/\/+$/, "")

export const layer = (given: string | undefined): Layer.Layer<PublicAddress> =>
  Layer.sync(PublicAddress, () => {
    const known = Deferred.makeUnsafe<string>()
    const announce = (url: string): void => void Deferred.doneUnsafe(known, Effect.succeed(trimmed(url)))
    if (given !== undefined) announce(given)
    return PublicAddress.of({ url: Deferred.await(known), announce })
  })
