/**
 * Seals personal data at rest (architecture decision 10). Each contact has a data key of its own, wrapped by its
 * business's key, which is derived from the master secret; destroying the wrapped key erases the contact from everything
 * append-only. AES-256-GCM with a random 96-bit nonce; what a ciphertext belongs to is authenticated with it, so it cannot
 * be moved to another contact. Keyed hashes (claims, cards) use HMAC-SHA-256 under a business key of their own.
 */
import * as Brand from "effect/Brand"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomFillSync
} from "node:crypto"

/** A ciphertext was altered, belongs elsewhere, or its key is gone: refused, never served (P14). */
class Unsealable extends Schema.TaggedError<Unsealable>()("Unsealable", { of: Schema.String }) {}

const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32
/** The scope of values that are unique over all businesses. */
export const networkScope = "00000000-0000-0000-0000-000000000000"

/** Keys that are no business's. */
const installationScope = "installation"

/** Random bytes are drawn for so many nonces at once: drawing costs as much as sealing a short text. */
const noncesAtOnce = 512
const noncePool = Buffer.alloc(nonceBytes * noncesAtOnce)
let nonceAt = noncePool.length

/** Good until the next one is asked for. */
const nextNonce = (): Uint8Array => {
  if (nonceAt === noncePool.length) {
    randomFillSync(noncePool)
    nonceAt = 0
  }
  nonceAt += nonceBytes
  return noncePool.subarray(nonceAt - nonceBytes, nonceAt)
}

/** Keys are `KeyObject`s: Node takes four times as long over a cipher or an HMAC that is given its key as bytes. */
const encrypt = (key: KeyObject, plain: Uint8Array | string, of: string): Buffer => {
  const nonce = nextNonce()
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(of))
  const body = cipher.update(typeof plain === "string" ? Buffer.from(plain, "utf8") : plain)
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()])
}

const decrypt = (key: KeyObject, sealed: Uint8Array, of: string): Buffer => {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes))
      .setAAD(Buffer.from(of))
      .setAuthTag(sealed.subarray(sealed.length - tagBytes))
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()])
  } catch {
    throw new Unsealable({ of })
  }
}

/**
 * The unwrapped data key of one contact. A short string rather than bytes: hundreds of thousands may be in memory, and a
 * slice of a network buffer would keep all of that alive.
 */
export type DataKey = string & Brand.Brand<"DataKey">
const DataKey = Brand.nominal<DataKey>()
const keyObjectOf = (key: DataKey): KeyObject => createSecretKey(key, "latin1")

export class Sealer extends Context.Service<
  Sealer,
  {
    /** A fresh data key. */
    readonly makeDataKey: () => DataKey
    /** The key as it is stored: sealed by its business's key. */
    readonly wrap: (business: string, contact: string, key: DataKey) => Uint8Array
    readonly unwrap: (business: string, contact: string, wrapped: Uint8Array) => DataKey
    /** Base64url of the sealed text. `of` says what it is part of and is needed to open it. */
    readonly seal: (key: DataKey, text: string, of: string) => string
    /** Throws `Unsealable`. */
    readonly open: (key: DataKey, sealed: string, of: string) => string
    /** As `seal`, for what is of a business and of no contact. */
    readonly sealForBusiness: (business: string, text: string, of: string) => string
    /** Throws `Unsealable`. */
    readonly openForBusiness: (business: string, sealed: string, of: string) => string
    /** What only runners with the same master secret can make and read; `of` says what it is. */
    readonly sealForRunners: (text: string, of: string) => Uint8Array
    /** Throws `Unsealable`. */
    readonly openFromRunner: (sealed: Uint8Array, of: string) => string
    /** The keyed hash of a unique value of a kind, 32 bytes. */
    readonly keyedHash: (scope: string, kind: string, value: string) => Uint8Array
  }
>()("koinon/runtime/Sealer") {}

export const layer = (masterSecret: Redacted.Redacted): Layer.Layer<Sealer> =>
  Layer.sync(Sealer, () => {
    const keysOf = (purpose: string) => {
      const derived = new Map<string, KeyObject>()
      return (scope: string): KeyObject => {
        let key = derived.get(scope)
        if (key === undefined) {
          const bytes = hkdfSync("sha256", Redacted.value(masterSecret), scope, `koinon/${purpose}/1`, keyBytes)
          key = createSecretKey(new Uint8Array(bytes))
          derived.set(scope, key)
        }
        return key
      }
    }
    const wrappingKey = keysOf("wrap")
    const hashingKey = keysOf("hash")
    const businessKey = keysOf("business")
    const runnersKey = keysOf("runners")
    return Sealer.of({
      makeDataKey: () => DataKey(randomBytes(keyBytes).toString("latin1")),
      wrap: (business, contact, key) =>
        encrypt(wrappingKey(business), Buffer.from(key, "latin1"), `data-key/${contact}`),
      unwrap: (business, contact, wrapped) =>
        DataKey(decrypt(wrappingKey(business), wrapped, `data-key/${contact}`).toString("latin1")),
      seal: (key, text, of) => encrypt(keyObjectOf(key), text, of).toString("base64url"),
      open: (key, sealed, of) => decrypt(keyObjectOf(key), Buffer.from(sealed, "base64url"), of).toString("utf8"),
      sealForBusiness: (business, text, of) => encrypt(businessKey(business), text, of).toString("base64url"),
      openForBusiness: (business, sealed, of) =>
        decrypt(businessKey(business), Buffer.from(sealed, "base64url"), of).toString("utf8"),
      sealForRunners: (text, of) => encrypt(runnersKey(installationScope), text, `between runners/${of}`),
      openFromRunner: (sealed, of) =>
        decrypt(runnersKey(installationScope), sealed, `between runners/${of}`).toString("utf8"),
      keyedHash: (scope, kind, value) => createHmac("sha256", hashingKey(scope)).update(`${kind}\n${value}`).digest()
    })
  })
