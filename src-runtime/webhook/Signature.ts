/**
 * Signs what is sent, as Standard Webhooks says: HMAC-SHA-256 over `id.timestamp.body`. Secrets are derived from their id and
 * the master secret of the installation, so that none is stored, and the same id always names the same one.
 */
import { createHmac } from "node:crypto"
import type { Sealer } from "../privacy/Sealer.ts"

const secretPrefix = "whsec_"

const bytesOf = (sealer: Sealer["Service"], business: string, secretId: string): Uint8Array =>
  sealer.keyedHash(business, "webhook secret", secretId)

/** The secret as its integrator is given it. */
export const secretText = (sealer: Sealer["Service"], business: string, secretId: string): string =>
  secretPrefix + Buffer.from(bytesOf(sealer, business, secretId)).toString("base64")

/** The headers of a message; the timestamp is in seconds. Each secret that is good signs. */
export const signed = (
  sealer: Sealer["Service"],
  business: string,
  secretIds: ReadonlyArray<string>,
  id: string,
  timestamp: number,
  body: string
): Readonly<Record<string, string>> => ({
  "webhook-id": id,
  "webhook-timestamp": String(timestamp),
  "webhook-signature": secretIds
    .map((secretId) => {
      const hmac = createHmac("sha256", bytesOf(sealer, business, secretId)).update(`${id}.${timestamp}.${body}`)
      return `v1,${hmac.digest("base64")}`
    })
    .join(" ")
})
