/** The opening credits: the shop, who is who, what identifies them at a till, and what one is about to see. */
import { business, breadPool, people, type PersonKey, personKeys, shelf, venueKeys, venues } from "./Household.ts"
import { money } from "./Money.ts"
import type { World } from "./Opening.ts"
import type { Line } from "./Screen.ts"
import { cardShown, nameOf, phoneShown } from "./Sentences.ts"
import { initially } from "./Story.ts"

/** Spaces that are not broken at stay where they are at the beginning of a line. */
const inset = "\u00a0\u00a0"

interface Named {
  readonly name: string
  readonly latinName: string
}
const both = ({ name, latinName }: Named): string => `${name} (${latinName})`

const linesOf = (key: PersonKey): ReadonlyArray<Line> => {
  const { firstName, lastName, latinName, role, phone, card, loyaltyIdentifier } = people[key]
  const { bread } = initially[key]
  const media = [
    phoneShown(phone),
    card === undefined ? "" : cardShown(card),
    loyaltyIdentifier === undefined ? "" : `loyalty card ${loyaltyIdentifier}`
  ]
  const owns = bread === 0 ? "" : `, has ${money(bread)} that buy bread only`
  return [
    { text: `${both({ name: `${firstName} ${lastName}`, latinName })}, ${role}${owns}` },
    { text: `${inset}known at the till by ${media.filter((medium) => medium !== "").join(", ")}`, tone: "dim" }
  ]
}

/** `seconds` is how long it will take; absent: as long as the answers take. */
export const castLines = ({ client, silence }: World, seconds: number | undefined): ReadonlyArray<Line> => [
  { text: "" },
  { text: `${both(business)}, Λευκωσία (Nicosia)`, tone: "bold" },
  {
    text: `tills at ${venueKeys.map((key) => both(venues[key])).join(" and ")}; ${business.currency}, ${business.timeZone}`
  },
  {
    text: `on the shelf ${Object.values(shelf)
      .map((product) => `${both(product)} ${money(product.price)}`)
      .join(", ")}`,
    tone: "dim"
  },
  { text: "" },
  ...personKeys.flatMap(linesOf),
  { text: "" },
  {
    text:
      `Each step is a request to ${client.url} and its answer; » is what the server pushed to an app over its ` +
      `WebSocket, ms after the request. Below are the wallets, the bread money (${both(breadPool)}) and what ` +
      `${nameOf("eleni")} and ${nameOf("nikos")} took this month. ` +
      (seconds === undefined ? "" : `It takes about ${Math.round(seconds)} seconds; Ctrl-C ends it.`),
    tone: "dim"
  },
  ...(silence === undefined ? [] : [{ mark: "!", markTone: "warm" as const, text: silence, tone: "warm" as const }])
]
