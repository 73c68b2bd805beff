/** A printout as a file, made of the thing as it stands now. */
import type { Business } from "#domain/organisation/Business.ts"
import type { PrintoutThing } from "#runtime/communication/PrintoutLink.ts"
import { printoutOf } from "#runtime/communication/Printouts.ts"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { plainHeaders } from "../door/AnswerHeaders.ts"
import { viewFault } from "../door/Views.ts"
import { printoutPage } from "../message/PrintoutPage.ts"
import { printoutPdf } from "../message/PrintoutPdf.ts"

/** `undefined` of what is not hers. */
export const printoutFile = Effect.fnUntraced(function* (
  business: Business,
  contact: string,
  { kind, of, format }: PrintoutThing
) {
  const printout = yield* Effect.mapError(printoutOf(business, contact, kind, of), (error) =>
    error._tag === "ViewUnavailable" ? viewFault(error) : error
  )
  if (printout === undefined) return undefined
  if (format === "WEB_VIEW") return printoutPage(printout)
  return HttpServerResponse.uint8Array(yield* printoutPdf(printout), {
    contentType: "application/pdf",
    headers: { ...plainHeaders, "content-disposition": `attachment; filename="printout.pdf"` }
  })
})
