/**
 * Text messages on the terminal, for a developer who wants to see them: whole, with the number that they go to. Nothing is
 * sent, and nobody can report back on what was printed. Whoever keeps what is printed keeps particulars of people, so it is
 * only there where it was asked for.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { SmsGateway } from "./Channel.ts"

/** What a terminal would obey, which a name may hold; of those, a line's end alone is shown as what it is. */
const controls = /(?!\n)\p{Cc}/gu
const shown = (text: string): string => text.replaceAll(controls, "\u{fffd}")

export const make = (sender: string): SmsGateway => ({
  kind: "CONSOLE",
  sender,
  send: ({ to, text, from = sender }) =>
    Effect.as(Console.log([`SMS to ${to} from ${shown(from)}`, ...shown(text).split("\n")].join("\n  ")), undefined),
  isSigned: () => false
})
