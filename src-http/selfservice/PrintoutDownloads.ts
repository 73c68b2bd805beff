/**
 * `GET /downloads/printouts/…`: the page or PDF behind the signed link of a printout, as the thing stands when the link is
 * followed. The link is all the right there is, for the quarter of an hour that it lasts.
 */
import { Actors } from "#runtime/actor/Actors.ts"
import { readPrintoutTicket } from "#runtime/communication/PrintoutLink.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { guardedRoute } from "../door/Door.ts"
import { fault } from "../door/Fault.ts"
import { CurrentGate, priorityOf } from "../door/Shedding.ts"
import { metered } from "../operator/RequestMeter.ts"
import { printoutFile } from "./PrintoutFiles.ts"

const path = "/downloads/printouts/:business/:contact/:thing/:seal"
const noSuchLink = fault(404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION", "Not found", "There is nothing behind this link.")
const expired = fault(410, "KOINON.LINK_EXPIRED", "Expired", "This link has expired; ask for a new one.")
const priority = priorityOf({ method: "GET", path })

const shown = Effect.gen(function* () {
  const full = (yield* CurrentGate).refuses(priority)
  if (full !== undefined) return yield* Effect.fail(full)
  const { business: of = "", contact = "", thing = "", seal = "" } = yield* HttpRouter.params
  const ticket = readPrintoutTicket(yield* Sealer, [of, contact, thing, seal].join("/"))
  if (ticket === undefined) return yield* Effect.fail(noSuchLink)
  if ((yield* Clock.currentTimeMillis) >= ticket.expiresAt) return yield* Effect.fail(expired)
  const business = (yield* Actors).business(ticket.business)
  if (business === undefined) return yield* Effect.fail(noSuchLink)
  const file = yield* printoutFile(business, ticket.contact, ticket)
  return file ?? (yield* Effect.fail(noSuchLink))
})

export const layer = HttpRouter.addAll([
  HttpRouter.route("GET", path, metered({ method: "GET", path }, guardedRoute(shown, "/downloads/printouts")))
])
