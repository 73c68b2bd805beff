/** Contacts made through the doors: each with values of her own, so that tests on one server do not meet. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Parsed, Response, TestServer } from "./TestServer.ts"

export interface HttpContact {
  readonly id: string
  readonly code: string
  readonly referralCode: string
  readonly walletCode: string
  readonly email: string
  /** National, of Cyprus. */
  readonly phone: string
  readonly accessToken: string
  readonly refreshToken: string
}

let made = 0

export const freshPhone = (): string => `99${String(++made).padStart(6, "0")}`
export const freshEmail = (): string => `contact.${++made}@example.com`

/** Somebody of that name, to be registered: nobody else has her addresses. */
export const named = (last_name: string, fields: object = {}) => ({
  type: "PERSON",
  first_name: "Ελένη",
  last_name,
  email: freshEmail(),
  phone: { type: "MOBILE", country_code: "CYP", number: freshPhone() },
  ...fields
})

/** The body of an answer that has to have this status; otherwise the answer is what the test shows. */
export const bodyOf = (response: Response, status: number): Parsed => {
  assert.strictEqual(response.status, status, JSON.stringify(response.body))
  return response.body
}

/** The pointers of the faults that a 400 names. */
export const pointersOf = (response: Response): ReadonlyArray<string> =>
  (bodyOf(response, 400).faults as ReadonlyArray<{ readonly pointer: string }>).map(({ pointer }) => pointer)

/** A registered person with tokens; `fields` replace what she is made of. */
export const contact = Effect.fnUntraced(function* (
  server: TestServer["Service"],
  fields: Readonly<Record<string, unknown>> = {}
) {
  const [email, phone] = [freshEmail(), freshPhone()]
  const created = bodyOf(
    yield* server.request("POST", "/backoffice/v2/contacts", {
      type: "PERSON",
      first_name: "Ελένη",
      last_name: "Χριστοδούλου",
      email,
      phone: { type: "MOBILE", country_code: "CYP", number: phone },
      ...fields
    }),
    201
  )
  const tokens = bodyOf(yield* server.request("POST", `/backoffice/v2/contacts/${created.id}/access_token`, {}), 200)
  return {
    id: created.id,
    code: created.code,
    referralCode: created.referral_code,
    walletCode: created.wallet.code,
    email,
    phone,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token
  } satisfies HttpContact
})
