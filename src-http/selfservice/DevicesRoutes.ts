/**
 * Devices of the contact who asks: read from the contact itself, so a list holds what was answered before. A device that
 * another contact had registered is removed there before it is hers.
 */
import { claimOf } from "#domain/contact/Claims.ts"
import type { RegisterDevice } from "#domain/contact/ContactCommand.ts"
import { type Device as Known, pushAddressOf } from "#domain/contact/Device.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Identification } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import { isPushService, PushServices, subscriptionOf } from "#runtime/communication/PushServices.ts"
import * as Effect from "effect/Effect"
import { answer, answeredBefore, ask, type Asker, askOf, idOf } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { type Fault, invalidField, notFound } from "../door/Fault.ts"
import { epoch, present } from "../resource/Fields.ts"
import { isOn, pageOf } from "../resource/Paging.ts"
import { listDevices, registerDevice, removeDevice } from "./DevicesApi.ts"
import { ownContact } from "./OwnContact.ts"

const render = (device: Known) =>
  present({
    id: device.id,
    platform: device.platform,
    mac_address: device.macAddress,
    serial_number: device.serialNumber,
    electronic_id: device.electronicId,
    registration_token: device.token,
    custom_fields: device.customFields ?? [],
    registration_date: epoch(device.registeredAt)
  })

/** `key;value`, as the published description writes a set of them. */
const hasFields = (fields: Known["customFields"], text: string): boolean => {
  const [key, value] = text.split(";")
  return fields?.some((field) => field.key === key && (value === undefined || field.value === value)) ?? false
}

type Given = (typeof RegisterDevice.Type)["device"]

/** Whoever else takes the same token at the same time may come first so often. */
const movesMax = 3

/** Takes a token from the contact who registered it before, if there is one. */
const takeFromHolder = Effect.fnUntraced(function* (call: Asker, contact: string, address: string, step: string) {
  const business = call.principal.business.id
  const actors = yield* Actors
  const { identify } = yield* Identification
  const holder = yield* Effect.catchTag(identify(business, [claimOf("device", address)]), "NotIdentified", () =>
    Effect.succeed(contact)
  )
  if (holder === contact) return
  const { state } = yield* actors.read(business, holder, "contact")
  const device = state.devices.find((each) => pushAddressOf(each) === address)
  if (device === undefined) return
  yield* ask(call, holder, { _tag: "RemoveDevice", deviceId: device.id }, { step })
})

const stepOf = (move: number): string => `register ${move}`
/** Also where it is a repetition, and has been said before. */
const isTaken = (failure: Refusal | RuntimeRefusal | Fault): boolean =>
  failure._tag === "Fault" ? failure.code === "KOINON.ALREADY_TAKEN" : failure._tag === "AlreadyTaken"

/** A refusal is one too. */
const wasAnswered = (call: Asker) =>
  Effect.match(answeredBefore(call), { onFailure: () => true, onSuccess: (known) => known !== undefined })

/**
 * Registered, whoever had it before: a refused attempt is followed by another under an id of its own. A repetition of the
 * request goes the same way by what was answered then, and takes nothing from who has registered it since.
 */
const registered = Effect.fnUntraced(function* (call: Asker, contact: string, device: Given) {
  const command = { _tag: "RegisterDevice", device } as const
  const address = pushAddressOf(device)
  const attempt = (move: number) => answer(call, contact, command, move === 1 ? {} : { step: stepOf(move) })
  if (address === undefined) return yield* attempt(1)
  for (let move = 1; move < movesMax; move += 1) {
    const result = yield* Effect.result(attempt(move))
    if (result._tag === "Success") return result.success
    if (!isTaken(result.failure)) return yield* Effect.fail(result.failure)
    const next = { ...call, commandId: askOf(call, contact, command, { step: stepOf(move + 1) }).id }
    if (!(yield* wasAnswered(next))) yield* takeFromHolder(call, contact, address, `take ${move}`)
  }
  return yield* attempt(movesMax)
})

export const deviceRoutes = [
  serve(
    listDevices,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const actors = yield* Actors
      const { principal, query } = call
      const { state } = yield* actors.read(principal.business.id, id, "contact")
      const { electronic_id, serial_number, search_value, custom_fields, order } = query
      const rentedAlone = isOn(query.rented_by_contact) && !isOn(query.owned_by_contact)
      const found = state.devices.filter(
        ({ electronicId, serialNumber, customFields }) =>
          !rentedAlone &&
          (custom_fields === undefined || hasFields(customFields, custom_fields)) &&
          (electronic_id === undefined || electronicId === electronic_id) &&
          (serial_number === undefined || serialNumber === serial_number) &&
          (search_value === undefined || electronicId === search_value || serialNumber === search_value)
      )
      const sorted = order === "ASC" ? found : found.toReversed()
      return { body: pageOf(sorted.map(render), query) }
    })
  ),
  serve(
    registerDevice,
    Effect.fnUntraced(function* (call) {
      const contact = yield* ownContact(call)
      const { body } = call
      const unbuilt = (["product_id", "application_id"] as const).find((name) => body[name] !== undefined)
      if (unbuilt !== undefined) {
        return yield* Effect.fail({ _tag: "NotSupported" as const, feature: `A device's ${unbuilt}` })
      }
      const platform = body.platform ?? "OTHER"
      const token = body.registration_token ?? undefined
      if (platform === "BROWSER" && token !== undefined) {
        const subscription = subscriptionOf(token)
        const services = yield* PushServices
        if (subscription === undefined || !isPushService(services, subscription.endpoint)) {
          const rule = "For BROWSER, the JSON of a push subscription with a known push service."
          return yield* Effect.fail(invalidField("/registration_token", rule))
        }
      }
      const device = present({
        id: nameUuid("device", call.commandId),
        platform,
        token,
        macAddress: body.mac_address ?? undefined,
        serialNumber: body.serial_number ?? undefined,
        electronicId: body.electronic_id ?? undefined,
        customFields: body.custom_fields?.flatMap(({ key, value = "" }) => (key === undefined ? [] : [{ key, value }]))
      })
      const { answer: done, replayed } = yield* registered(call, contact, device)
      return { body: { id: idOf(done) }, replayed }
    })
  ),
  serve(
    removeDevice,
    Effect.fnUntraced(function* (call) {
      const contact = yield* ownContact(call)
      const before = yield* answeredBefore(call)
      if (before !== undefined) return { body: undefined, replayed: true }
      const actors = yield* Actors
      const name = call.params["fcm_token"] ?? ""
      const { state } = yield* actors.read(call.principal.business.id, contact, "contact")
      const device = state.devices.find(({ id, token }) => token === name || id === name.toLowerCase())
      if (device === undefined) return yield* Effect.fail(notFound("device", "of that token"))
      yield* answer(call, contact, { _tag: "RemoveDevice", deviceId: device.id })
      return { body: undefined }
    })
  )
]
