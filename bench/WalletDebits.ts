/**
 * (d) One durable command through the whole server: a debit journal of a wallet, over keep-alive connections, each with an
 * Idempotency-Key of its own, as a caller sends it who may have to repeat it.
 */
import { httpRequest, numberMark, serialMark } from "./LoadProcess.ts"
import { contactIdOf } from "./World.ts"

/** Commands that the journal must hold for each request. */
export const commandsEach = 1

/** A wallet's id is its contact's. Processes that ask the same server name their keys apart by `sender`. */
export const debitRequestOf = (apiKey: string, wallet: string, sender: string): string =>
  httpRequest(
    `/backoffice/v2/wallets/${wallet}/journals`,
    { api_key: apiKey, "idempotency-key": `bench-${sender}-${serialMark}` },
    { action: "DEBIT", amount: 0.01, currency_code: "EUR" }
  )

/** Of a wallet drawn at random. */
export const debitRequest = (apiKey: string): string => debitRequestOf(apiKey, contactIdOf(numberMark), "load")

/** What is wrong with an answer, if anything is. */
export const faultOf = (body: string): string | undefined => {
  const { id } = JSON.parse(body) as { readonly id?: unknown }
  return typeof id === "string" ? undefined : `a journal without an id: ${body}`
}
