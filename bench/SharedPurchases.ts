/**
 * (e) The main job: a till posts a purchase with a card or a loyalty identifier; the member is found, what she asks to
 * spend is drawn from the owner's shared wallet within her limit, and the purchase is answered when it is paid. Three
 * durable turns in one commit, member → owner and community → member, for each request.
 */
import { httpRequest, serialMark } from "./LoadProcess.ts"
import type { KoinonServer } from "./KoinonServer.ts"
import { cardNumber, contactId, loyaltyIdentifier, members, venueId } from "./World.ts"

/** Commands that the journal must hold for each request. */
export const commandsEach = 3
const spent = 5

export const purchaseRequests = (server: KoinonServer): ReadonlyArray<string> =>
  members.map(({ number }, index) =>
    httpRequest(
      "/backoffice/v2/purchases",
      { api_key: server.apiKey },
      {
        cims: [
          index % 2 === 0
            ? { type: "CARD", value: cardNumber(number) }
            : { type: "LOYALTY_IDENTIFIER", value: loyaltyIdentifier(number) }
        ],
        organisation: { id: venueId },
        reference_number: `R-${serialMark}`,
        transaction_amounts: { net: 10.25, tax: 1.95, total: 12.2 },
        currency_code: "EUR",
        classification: { name: "Groceries" },
        products: [
          {
            product_sku: { sku: "COF-5541", name: "Καφές" },
            quantity: 1,
            net_amount: 10.25,
            tax_amount: 1.95,
            total_amount: 12.2
          }
        ],
        spend_request: { amount: spent, restrict_fully_covered: false }
      }
    )
  )

interface Answered {
  readonly contact?: { readonly id?: string }
  readonly rewards?: { readonly spend?: number }
  readonly spend_breakdown?: ReadonlyArray<{ readonly wallet_id: string; readonly amount: number }>
}

/** What is wrong with an answer, if anything is: all of it must have come from the wallet of the member's owner. */
export const faultOf = (body: string): string | undefined => {
  const { contact, rewards, spend_breakdown: parts = [] } = JSON.parse(body) as Answered
  const owner = members.find(({ number }) => contactId(number) === contact?.id)?.owner
  const fromOwner = parts.reduce(
    (sum, part) => sum + (owner !== undefined && part.wallet_id === contactId(owner) ? part.amount : 0),
    0
  )
  return rewards?.spend === spent && fromOwner === spent ? undefined : `not paid from the shared wallet: ${body}`
}
