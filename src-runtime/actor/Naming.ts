/** How messages, timers, client commands and claims get the ids they are stored under: the same name, the same id. */
import type { Claim } from "#domain/shared/Decision.ts"
import { hash, randomUUID } from "node:crypto"
import type { ClaimRow } from "../journal/Unit.ts"
import { networkScope, type Sealer } from "../privacy/Sealer.ts"

/** A UUID (RFC 9562 version 8) made of a SHA-256 over names. */
export const nameUuid = (...names: ReadonlyArray<string>): string => {
  const hex = hash("sha256", names.join("\n"), "hex")
  const variant = ((Number.parseInt(hex[16] as string, 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * A UUID that sorts by time (RFC 9562 version 7), for commands that nobody named: they go to the end of their index, which
 * stays in memory there however long it grows.
 */
export const timeOrderedUuid = (now: number): string => {
  const time = now.toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

export const messageId = (business: string, id: string): string => nameUuid("message", business, id)
export const timerId = (key: string, name: string, at: number): string => nameUuid("timer", key, name, String(at))
/** What a command is called while it waits for an approval. */
export const heldId = (commandId: string): string => nameUuid("held", commandId)
/** The id of a command that a client named itself: scoped to the caller, so that nobody can meet another's. */
export const clientCommandId = (business: string, caller: string, idempotencyKey: string): string =>
  nameUuid("client", business, caller, idempotencyKey)

export const claimRow = (sealer: Sealer["Service"], business: string, holder: string, claim: Claim): ClaimRow => {
  const scope = claim.scope === "network" ? networkScope : business
  return { scope, kind: claim.kind, hash: sealer.keyedHash(scope, claim.kind, claim.value), business, holder }
}
