/** Links to printouts: read back as they were made, and nothing else is one. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type PrintoutTicket, printoutPath, readPrintoutTicket } from "#runtime/communication/PrintoutLink.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import { businessId, contactId, noon, otherBusinessId } from "./SampleCommands.ts"

const folder = "/downloads/printouts/"
const ticket: PrintoutTicket = {
  business: businessId,
  contact: contactId(1),
  kind: "CREDIT",
  of: "lot/1 ά",
  format: "PDF",
  expiresAt: noon
}
const sealerOf = (secret: string) =>
  Effect.provide(Sealer.Sealer, Sealer.layer(Redacted.make(`${secret}, and it is long enough`)))

it.effect("a link to a printout is read back as it was made, and altered in any part it is none", () =>
  Effect.gen(function* () {
    const sealer = yield* sealerOf("ours")
    const text = printoutPath(sealer, ticket).slice(folder.length)
    assert.deepStrictEqual(readPrintoutTicket(sealer, text), ticket)
    const others: ReadonlyArray<PrintoutTicket> = [
      { ...ticket, business: otherBusinessId },
      { ...ticket, contact: contactId(2) },
      { ...ticket, kind: "PURCHASE" },
      { ...ticket, of: "lot/2" },
      { ...ticket, format: "WEB_VIEW" },
      { ...ticket, expiresAt: noon + 1 }
    ]
    const seal = text.slice(text.lastIndexOf(".") + 1)
    for (const other of others) {
      const path = printoutPath(sealer, other).slice(folder.length)
      assert.isUndefined(readPrintoutTicket(sealer, `${path.slice(0, path.lastIndexOf(".") + 1)}${seal}`))
    }
    for (let at = 0; at < text.length; at++) {
      const altered = `${text.slice(0, at)}${text[at] === "a" ? "b" : "a"}${text.slice(at + 1)}`
      assert.isUndefined(readPrintoutTicket(sealer, altered), altered)
    }
    assert.isUndefined(readPrintoutTicket(yield* sealerOf("another's"), text))
  })
)
