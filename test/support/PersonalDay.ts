/**
 * A day at a server with one person's particulars in it, in every place where they may be given, rightly and wrongly. What
 * was planted is all that a leak is searched for; nobody else has any of it.
 */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"

export const apiKey = "sk_the_back_office_key_of_a_personal_day"
const card = "4539578763621486"

/** Long enough that none of them shows by chance. */
export const planted = {
  firstName: "Kalliroe",
  middleName: "Ermioni",
  lastName: "Zographopoulou",
  greekName: "Ζωγραφοπούλου",
  email: "kalliroe.z@example.org",
  laterEmail: "k.zographo@example.org",
  phone: "99876501",
  card,
  passport: "K77812349",
  customValue: "allergic to walnuts",
  loyalty: "LOYAL-ZG-00077",
  giftPass: "GIFT-ZG-2026",
  code: "KALLIROE-ZG",
  note: "for the operation on her knee",
  transferNote: "lent at the wedding of Aspasia",
  invitedName: "Polyxeni",
  invitedPhone: "99876502",
  wrongPhone: "99-ZOGRAPHO-01",
  wrongEmail: "kalliroe.z.at.nowhere",
  wrongName: "Zographopoulou-the-younger"
} as const

const answerMaxMs = 60_000
const readsMax = 50

interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever was answered
  readonly body: any
}

export const visit = (url: string) => {
  const refusals: Array<string> = []
  const request = (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { api_key: apiKey }
  ) =>
    Effect.promise(async (): Promise<Answer> => {
      const answer = await fetch(`${url}${path}`, {
        method,
        signal: AbortSignal.timeout(answerMaxMs),
        headers: { "content-type": "application/json", ...headers },
        body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body)
      })
      const text = await answer.text()
      if (answer.status >= 400) refusals.push(text)
      else refusals.push(...text.split("\n").filter((line) => line.includes('"problem":')))
      const json = /^application\/([a-z.]+\+)?json/.test(answer.headers.get("content-type") ?? "")
      return { status: answer.status, body: json && text !== "" ? JSON.parse(text) : text }
    })
  return { request, refusals }
}

export type Visit = ReturnType<typeof visit>

export const her = {
  type: "PERSON",
  code: planted.code,
  first_name: planted.firstName,
  middle_name: planted.middleName,
  last_name: planted.lastName,
  email: planted.email,
  phone: { type: "MOBILE", country_code: "CYP", number: planted.phone },
  demographics: {
    date_of_birth: { year: 1987, month: 4, day: 12 },
    passport: { number: planted.passport, issuing_country_code: "CYP", expiration_date: 1_900_000_000 }
  },
  custom_fields: [{ key: "health", value: planted.customValue }],
  cards: [{ number: card }],
  loyalty_identifiers: [planted.loyalty],
  gift_passes: [planted.giftPass]
}
/** So many that a snapshot of her is kept. */
const journalsMax = 110

const receipt = (storeId: string, fields: object) => ({
  organisation: { id: storeId },
  reference_number: `R-${randomUUID()}`,
  transaction_amounts: { net: 8.4, tax: 1.6, total: 10 },
  currency_code: "EUR",
  spend_request: { restrict_fully_covered: true },
  ...fields
})

/** All that goes well; gives what was made on the way. */
export const good = Effect.fnUntraced(function* ({ request }: Visit, storeId: string) {
  const made = Effect.fnUntraced(function* (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>
  ) {
    let answer = yield* request(method, path, body, headers)
    // A view that is late asks to come again.
    const triesMax = method === "GET" ? readsMax : 1
    for (let nth = 1; nth < triesMax && answer.status === 503; nth++) {
      answer = yield* request(method, path, body, headers)
    }
    if (answer.status >= 300) return yield* Effect.die(new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`))
    return answer.body
  })
  const contacts = "/backoffice/v2/contacts"
  const key = { api_key: apiKey, "idempotency-key": `register-${randomUUID()}` }
  const { id, wallet } = yield* made("POST", contacts, her, key)
  yield* made("POST", contacts, her, key)
  const tokens = yield* made("POST", `${contacts}/${id}/access_token`, {})
  const own = { authorization: `Bearer ${tokens.access_token}` }
  const friend = (yield* made("POST", contacts, { type: "PERSON", first_name: "Nikos", last_name: "Ioannou" })).id
  const mine = `/self-service/v2/contacts/${id}`
  yield* made("PUT", mine, { last_name: planted.greekName, email: planted.laterEmail }, own)
  yield* made("PUT", `${contacts}/${id}`, { last_name: planted.lastName })
  for (let count = 0; count < journalsMax; count++) {
    const notes = count === 0 ? { notes: planted.note } : {}
    yield* made("POST", `/backoffice/v2/wallets/${id}/journals`, {
      action: "CREDIT",
      amount: 5,
      currency_code: "EUR",
      ...notes
    })
  }
  const invited = { first_name: planted.invitedName, last_name: planted.lastName }
  const phone = { country_code: "CYP", number: planted.invitedPhone }
  yield* made(
    "POST",
    `${mine}/people`,
    { contact: invited, phone, wallet_sharing: { is_enabled: true, method: "AUTO" } },
    own
  )
  yield* made("POST", `${contacts}/${id}/people`, {
    contact: { id: friend },
    wallet_sharing: { is_enabled: true, method: "AUTO" }
  })
  const token = yield* made("POST", `${mine}/tokens`, { intent: "SPEND" }, own)
  for (const cim of [
    { type: "CARD", value: card },
    { type: "PHONE", value: `+357${planted.phone}` },
    { type: "EMAIL", value: planted.laterEmail },
    { type: "LOYALTY_IDENTIFIER", value: planted.loyalty },
    { type: "TOKEN", value: token.value }
  ]) {
    const paid = { api_key: apiKey, "idempotency-key": `till-${randomUUID()}` }
    yield* made("POST", "/backoffice/v2/purchases", receipt(storeId, { cims: [cim] }), paid)
  }
  yield* made("POST", "/backoffice/v2/purchases", receipt(storeId, { contact: { id: friend }, community_id: id }))
  yield* made(
    "POST",
    "/backoffice/v2/purchases/batch",
    `${JSON.stringify(receipt(storeId, { cims: [{ type: "CARD", value: card }] }))}\n`
  )
  const transfer = {
    origin: { wallet_id: id },
    destination: { wallet_id: friend },
    amount: 1,
    notes: planted.transferNote
  }
  yield* made("POST", "/self-service/v2/transfers", transfer, { ...own, prefer: "respond-async" })
  yield* made("GET", `${contacts}?search=${planted.lastName}`)
  yield* made("GET", `${contacts}?email_address=${encodeURIComponent(planted.laterEmail)}`)
  const opened = yield* made("POST", "/backoffice/v2/organisations", {
    type: "BUSINESS",
    name: "Another business",
    currency_code: "EUR",
    country: "GRC",
    time_zone: "Europe/Athens"
  })
  const secrets: ReadonlyArray<string> = [
    tokens.access_token,
    tokens.refresh_token,
    token.value,
    token.alternative_token,
    opened.secret_key,
    opened.publishable_key
  ]
  return { id: id as string, walletCode: wallet.code as string, own, secrets }
})

/** Everything that is refused, with particulars where they do not belong. The path of a request is told to its asker again, so none stands in one. */
export const bad = Effect.fnUntraced(function* (
  { request }: Visit,
  storeId: string,
  { id, own }: Effect.Success<ReturnType<typeof good>>
) {
  const contacts = "/backoffice/v2/contacts"
  const mine = `/self-service/v2/contacts/${id}`
  const till = "/backoffice/v2/purchases"
  const statuses: Array<number> = []
  for (const [method, path, body, headers] of [
    ["POST", contacts, her],
    ["POST", contacts, { ...her, code: undefined, email: planted.laterEmail }],
    ["POST", contacts, { ...her, surname: planted.wrongName, first_name: 12 }],
    ["POST", contacts, { ...her, type: planted.wrongName }],
    ["POST", contacts, { type: "PERSON", first_name: [planted.wrongName], last_name: { name: planted.wrongName } }],
    ["POST", contacts, { ...her, email: planted.wrongEmail, cards: [], phone: undefined }],
    ["POST", contacts, { ...her, phone: { type: "MOBILE", country_code: "CYP", number: planted.wrongPhone } }],
    [
      "POST",
      contacts,
      { ...her, phone: { type: planted.wrongName, country_code: planted.wrongName, number: planted.phone } }
    ],
    ["POST", contacts, { ...her, cards: [{ number: `${card}1` }] }],
    [
      "POST",
      contacts,
      { ...her, demographics: { passport: { number: planted.passport, issuing_country_code: planted.passport } } }
    ],
    ["POST", contacts, { ...her, custom_fields: planted.customValue, language_code: planted.customValue }],
    ["POST", contacts, `{"first_name": "${planted.wrongName}`],
    ["POST", contacts, `{"first_name": ${planted.wrongName}}`],
    ["GET", `${contacts}?search=${planted.lastName}&surname=${planted.lastName}`],
    ["GET", `${contacts}?phone=${planted.wrongPhone}`],
    ["GET", `${contacts}?sort=${planted.lastName}&cursor=${planted.lastName}`],
    ["PUT", mine, { email: planted.wrongEmail, id: planted.wrongName }, own],
    ["PUT", mine, { first_name: planted.wrongName, nickname: planted.wrongName }, own],
    ["PUT", mine, { first_name: planted.wrongName }, { authorization: `Bearer ${planted.wrongName}` }],
    ["PUT", mine, { first_name: planted.wrongName }, { api_key: planted.wrongName }],
    ["PUT", mine, { first_name: planted.wrongName }, { ...own, "if-match": planted.wrongName }],
    ["PUT", mine, { first_name: planted.wrongName }, { ...own, "idempotency-key": `${planted.wrongName} with spaces` }],
    ["POST", `${mine}/people`, { phone: { country_code: "CYP", number: planted.wrongPhone } }, own],
    ["POST", `${mine}/people`, { email: planted.wrongEmail, contact: { first_name: planted.wrongName } }, own],
    ["POST", `${mine}/tokens`, { intent: planted.wrongName }, own],
    ["POST", `/backoffice/v2/wallets/${id}/journals`, { action: "DEBIT", amount: 99_999, notes: planted.note }],
    [
      "POST",
      `/backoffice/v2/wallets/${id}/journals`,
      { action: "DEBIT", amount: planted.note, currency_code: planted.note }
    ],
    [
      "POST",
      till,
      receipt(storeId, {
        cims: [
          { type: "CARD", value: "4916108926268679" },
          { type: "PHONE", value: planted.wrongPhone }
        ]
      })
    ],
    ["POST", till, receipt(storeId, { cims: [{ type: "EMAIL", value: planted.email }] })],
    ["POST", till, receipt(storeId, { cims: [{ type: planted.wrongName, value: planted.card }] })],
    ["POST", till, receipt(storeId, { contact: { code: planted.code, id: randomUUID() } })],
    ["POST", till, receipt(planted.wrongName, { cims: [{ type: "CARD", value: card }] })]
  ] as const) {
    statuses.push((yield* request(method, path, body, headers)).status)
  }
  yield* request(
    "POST",
    `${till}/batch`,
    `{"cims":[{"type":"CARD","value":"${card}"}],"who":"${planted.wrongName}"}\nnot ${planted.wrongName}\n`
  )
  return statuses
})
