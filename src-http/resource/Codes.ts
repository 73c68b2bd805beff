/**
 * Codes that nobody chose: made of the command that needs them, so that a repetition makes the same ones, and of its
 * attempt, so that one that is taken has a next. Without 0, O, 1 and I, which people confuse (IDN-3).
 */
import { nameUuid } from "#runtime/actor/Naming.ts"
import { hash } from "node:crypto"

/** Thirty-two of them: five bits each, none likelier than another. */
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
const digitsMax = 16
const contactCodeLength = 8
const referralCodeLength = 6

/** Text of the alphabet; as many letters as there are bytes. */
export const lettersOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => alphabet[byte % alphabet.length]).join("")

/** Sixteen digits, of the first eight bytes. */
export const digitsOf = (bytes: Uint8Array): string =>
  (Buffer.from(bytes).readBigUInt64BE() % 10n ** BigInt(digitsMax)).toString().padStart(digitsMax, "0")

/** What the attempt is named; the first is the command itself. */
export const attemptOf = (commandId: string, attempt: number): string =>
  attempt === 0 ? commandId : nameUuid("attempt", commandId, String(attempt))

const bytesOf = (what: string, source: string): Buffer => hash("sha256", `${what}\n${source}`, "buffer")

export interface Codes {
  readonly code: string
  readonly referralCode: string
  /** IDN-2. */
  readonly walletCode: string
}

export const codesOf = (source: string): Codes => ({
  code: lettersOf(bytesOf("code", source).subarray(0, contactCodeLength)),
  referralCode: lettersOf(bytesOf("referral code", source).subarray(0, referralCodeLength)),
  walletCode: digitsOf(bytesOf("wallet code", source))
})
