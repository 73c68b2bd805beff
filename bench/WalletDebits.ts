/**
 * (d) One durable command through the whole server: a debit journal of a wallet, over keep-alive connections, each with an
 * Idempotency-Key of its own, as a caller sends it who may have to repeat it.
 */
import { httpRequest, serialMark } from "./LoadProcess.ts"
import type { KoinonServer } from "./KoinonServer.ts"
import { hotContact } from "./DurableCommands.ts"
import type { Spread } from "./RowLocks.ts"
import { contactId, wallets } from "./World.ts"

/** Commands that the journal must hold for each request. */
export const commandsEach = 1

/** A wallet's id is its contact's. */
export const debitRequests = (server: KoinonServer, spread: Spread): ReadonlyArray<string> =>
  Array.from({ length: spread === "hot" ? 1 : wallets }, (_, index) =>
    httpRequest(
      `/backoffice/v2/wallets/${contactId(hotContact + index)}/journals`,
      { api_key: server.apiKey, "idempotency-key": `bench-debit-${serialMark}` },
      { action: "DEBIT", amount: 0.01, currency_code: "EUR" }
    )
  )

/** What is wrong with an answer, if anything is. */
export const faultOf = (body: string): string | undefined => {
  const { id } = JSON.parse(body) as { readonly id?: unknown }
  return typeof id === "string" ? undefined : `a journal without an id: ${body}`
}
