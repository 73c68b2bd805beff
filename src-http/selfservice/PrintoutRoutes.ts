/** Printouts of what is the caller's own: mailed to her, or behind a link that is soon over. */
import { type Printout, printoutText } from "#domain/communication/Printout.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { CommunicationBodies, ownWords } from "#runtime/communication/CommunicationBodies.ts"
import {
  type PrintoutKind,
  printoutLinkMs,
  printoutName,
  readPrintoutName,
  printoutPath,
  type PrintoutTicket
} from "#runtime/communication/PrintoutLink.ts"
import { printoutOf } from "#runtime/communication/Printouts.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer, answeredBefore, type Asker } from "../door/Asking.ts"
import { serve, serveFile } from "../door/Endpoint.ts"
import { fault, invalidField, notFound } from "../door/Fault.ts"
import { viewFault } from "../door/Views.ts"
import { printoutHtml } from "../message/PrintoutPage.ts"
import { epoch, isId } from "../resource/Fields.ts"
import { createPrintout, getFile, type PrintoutWish } from "./PrintoutApi.ts"
import { printoutFile } from "./PrintoutFiles.ts"

const kinds: Readonly<Record<string, PrintoutKind>> = { ORDERS: "PURCHASE", TOP_UP: "CREDIT" }
/** Longer than any id of an entry, and short enough for a link. */
const idLengthMax = 72

/** Whether there can be such a thing at all. */
const isPrintoutOf = (kind: PrintoutKind, id: string): boolean =>
  kind === "PURCHASE" ? isId(id) : id.length <= idLengthMax

const noAddress = fault(
  422,
  "KOINON.NO_ADDRESS",
  "No e-mail address",
  "There is no e-mail address to send it to; give one, or ask for another format."
)

const mailed = Effect.fnUntraced(function* (asker: Asker, contact: string, printout: Printout) {
  const { business } = asker.principal
  const actors = yield* Actors
  const { email } = (yield* actors.read(business.id, contact, "contact")).state.profile
  if (email === undefined) return yield* Effect.fail(noAddress)
  const communicationId = nameUuid("printout", asker.commandId)
  const bodies = yield* CommunicationBodies
  const { language, title } = printout
  const purpose = "MANDATORY" as const
  const words = { subject: `${business.name}: ${title}`, html: printoutHtml(printout), text: printoutText(printout) }
  const place = { business: business.id, contact, id: communicationId }
  yield* Effect.mapError(bodies.keep(place, { ...words, language, purpose, recipient: email, urls: [] }), viewFault)
  const { replayed } = yield* answer(asker, contact, {
    _tag: "RequestCommunication",
    communicationId,
    channel: "EMAIL",
    purpose,
    name: title,
    templateId: ownWords
  })
  return replayed
})

const linked = Effect.fnUntraced(function* (thing: Omit<PrintoutTicket, "expiresAt">) {
  const expiresAt = (yield* Clock.currentTimeMillis) + printoutLinkMs
  const url = printoutPath(yield* Sealer, { ...thing, expiresAt })
  return { id: printoutName(thing), url, expires_on: epoch(expiresAt) }
})

const notSupported = (feature: string) => Effect.fail({ _tag: "NotSupported" as const, feature })

const entityOf = Effect.fnUntraced(function* ({ entity }: PrintoutWish) {
  const kind = kinds[entity.type]
  if (kind === undefined) return yield* notSupported(`A printout of ${entity.type} (entity.type)`)
  const id = entity.id ?? ""
  if (id === "") return yield* Effect.fail(invalidField("/entity/id", "Name the one that is to be printed out."))
  if (!isPrintoutOf(kind, id)) return yield* Effect.fail(notFound(entity.type, id))
  return { kind, of: kind === "PURCHASE" ? id.toLowerCase() : id }
})

export const printoutRoutes = [
  serve(
    createPrintout,
    Effect.fnUntraced(function* (call) {
      const { principal, body } = call
      const { business } = principal
      const { kind, of } = yield* entityOf(body)
      const before = yield* answeredBefore(call)
      if (before !== undefined) return { body: undefined, replayed: true }
      const contact = principal.contactId ?? ""
      const printout = yield* Effect.mapError(printoutOf(business, contact, kind, of), (error) =>
        error._tag === "ViewUnavailable" ? viewFault(error) : error
      )
      if (printout === undefined) return yield* Effect.fail(notFound(body.entity.type, of))
      if (body.format === "EMAIL") return { body: undefined, replayed: yield* mailed(call, contact, printout) }
      return { body: yield* linked({ business: business.id, contact, kind, of, format: body.format }) }
    })
  ),
  serveFile(
    getFile,
    Effect.fnUntraced(function* ({ principal, params }) {
      const id = params["id"] ?? ""
      const thing = readPrintoutName(id)
      const isKnown = thing !== undefined && isPrintoutOf(thing.kind, thing.of)
      const file = isKnown ? yield* printoutFile(principal.business, principal.contactId ?? "", thing) : undefined
      return file ?? (yield* Effect.fail(notFound("file", id)))
    })
  )
]
