/**
 * Opens a further business of the service owner, with API keys of its own. The keys are keyed hashes of the command that
 * makes them: nobody without the installation's secret can work one out, a repetition of the request is answered with the
 * same ones, and only their SHA-256 is stored.
 */
import type { ApiKey } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as Effect from "effect/Effect"
import type { Asker } from "../door/Asking.ts"
import { invalidField } from "../door/Fault.ts"
import { keyHash } from "../door/Principal.ts"
import type { createOrganisation } from "./BusinessApi.ts"

type Given = NonNullable<typeof createOrganisation.body>["Type"]

const prefixes = { SECRET: "sk_", PUBLISHABLE: "pk_" } as const

export const openBusiness = Effect.fnUntraced(function* (asker: Asker, given: Given) {
  const { name, parent_id, currency_code: currency, country, time_zone: timeZone } = given
  const { business: opener } = asker.principal
  const { serviceOwnerId } = opener
  if (parent_id !== undefined && parent_id.toLowerCase() !== serviceOwnerId) {
    return yield* Effect.fail(
      invalidField("/parent_id", "A business stands below the service owner whose key opens it.")
    )
  }
  if (currency === undefined) return yield* Effect.fail(invalidField("/currency_code", "A business has a currency."))
  if (country === undefined) return yield* Effect.fail(invalidField("/country", "A business has a country."))
  if (timeZone === undefined) return yield* Effect.fail(invalidField("/time_zone", "A business has a time zone."))

  const sealer = yield* Sealer
  const actors = yield* Actors
  const id = nameUuid("business", asker.commandId)
  const keyOf = (kind: ApiKey["kind"]) => {
    const random = Buffer.from(sealer.keyedHash(id, `api_key ${kind}`, asker.commandId)).toString("base64url")
    const key = `${prefixes[kind]}${random}`
    return { key, stored: { id: nameUuid("api_key", kind, id), hash: keyHash(key), kind, serviceOwner: false } }
  }
  const [secret, publishable] = [keyOf("SECRET"), keyOf("PUBLISHABLE")]
  const { replayed } = yield* actors.ask({
    business: id,
    key: id,
    command: {
      _tag: "OpenBusiness",
      businessId: id,
      name,
      serviceOwnerId,
      serviceOwnerName: opener.organisations[serviceOwnerId]?.name ?? "",
      currency,
      country,
      timeZone,
      settings: { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" },
      apiKeys: [secret.stored, publishable.stored],
      organisations: []
    },
    id: asker.commandId,
    fingerprint: asker.fingerprint,
    deadlineAt: asker.deadlineAt,
    trace: asker.trace
  })
  return {
    body: {
      id,
      type: "BUSINESS" as const,
      name,
      parent_id: serviceOwnerId,
      currency_code: currency,
      country,
      time_zone: timeZone,
      secret_key: secret.key,
      publishable_key: publishable.key
    },
    replayed
  }
})
