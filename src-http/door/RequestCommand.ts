/**
 * The id and fingerprint of the command that a request makes: the same for every repetition of it, and of nothing else.
 * An id that nobody can name again is made up, so that a command that takes too long can still be found.
 */
import { clientCommandId, nameUuid } from "#runtime/actor/Naming.ts"
import { networkScope, Sealer } from "#runtime/privacy/Sealer.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hash, randomUUID } from "node:crypto"
import type { Call } from "./Endpoint.ts"
import { type Fault, invalidField } from "./Fault.ts"
import type { Principal } from "./Principal.ts"

const idempotencyKeyPattern = /^[\x21-\x7e]{1,255}$/

export type Fingerprint = (asked: string) => string

/**
 * A request is known again by its hash, which is stored for as long as the command: keyed, because whoever holds a copy of
 * the database could otherwise guess a card number in it, or what was erased since. A secret before the text is as good as
 * an HMAC where nobody is shown the hash, and costs a small write nothing.
 */
export const fingerprinting: Effect.Effect<Fingerprint, never, Sealer> = Effect.map(Sealer, (sealer) => {
  const key = Buffer.from(sealer.keyedHash(networkScope, "fingerprint", "requests")).toString("base64url")
  return (asked) => hash("sha256", `${key}\n${asked}`, "base64url")
})

interface Asked {
  readonly principal: Principal
  /** The Idempotency-Key. */
  readonly key: string | undefined
  /** What in the request itself names it. */
  readonly identity: string | undefined
  /** All that makes it this request and no other. */
  readonly asked: string
  readonly fingerprint: Fingerprint
}

export const commandOf = ({
  principal,
  key,
  identity,
  asked,
  fingerprint
}: Asked): Result.Result<Pick<Call<unknown, unknown>, "commandId" | "fingerprint">, Fault> => {
  if (key !== undefined && !idempotencyKeyPattern.test(key)) {
    return Result.fail(invalidField("Idempotency-Key", "1 to 255 visible ASCII characters."))
  }
  if (key !== undefined && identity !== undefined) {
    return Result.fail(invalidField("Idempotency-Key", "The request names itself by its id; leave one of the two out."))
  }
  const { business, caller } = principal
  if (key === undefined && identity === undefined) {
    return Result.succeed({ commandId: randomUUID(), fingerprint: "" })
  }
  const commandId =
    key === undefined ? nameUuid(business.id, identity ?? "") : clientCommandId(business.id, caller, key)
  return Result.succeed({ commandId, fingerprint: fingerprint(asked) })
}
