/**
 * The devices that a contact lets the business push messages to. A device is known by its registration token: registered
 * again it is the same device. A token is one contact's at a time, for what is pushed to it is seen by whoever holds the
 * device now: another contact's has to be removed there first. They are few, and whatever a push service says is gone leaves.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Claim, Judgement, Turn } from "../shared/Decision.ts"
import { claimOf, except } from "./Claims.ts"
import type { RegisterDevice, RemoveDevice } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"

export const Device = Schema.Struct({
  id: Schema.String,
  /** BROWSER: its token is a push subscription as JSON (W3C Push API). */
  platform: Schema.Literals(["MOBILE", "BROWSER", "OTHER"]),
  /** Where pushes to it go; absent on one that takes none. */
  token: Schema.optionalKey(Schema.String),
  macAddress: Schema.optionalKey(Schema.String),
  serialNumber: Schema.optionalKey(Schema.String),
  electronicId: Schema.optionalKey(Schema.String),
  customFields: Schema.optionalKey(Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.String }))),
  /** Epoch milliseconds. */
  registeredAt: Schema.Int
})
export type Device = typeof Device.Type

/** Devices of one contact, at most. */
export const devicesMax = 20

const subscription = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ endpoint: Schema.String })))

/** Where pushes to it go: of a browser's subscription its endpoint, however the rest of it is written. */
export const pushAddressOf = ({ platform, token }: Pick<Device, "platform" | "token">): string | undefined =>
  platform !== "BROWSER" || token === undefined
    ? token
    : Option.match(subscription(token), { onNone: () => token, onSome: ({ endpoint }) => endpoint })

const deviceClaims = (devices: ReadonlyArray<Pick<Device, "platform" | "token">>): ReadonlyArray<Claim> =>
  devices.flatMap((device) => pushAddressOf(device) ?? []).map((address) => claimOf("device", address))

/** What tells that two registrations are of one device. */
const isSame = (left: Omit<Device, "registeredAt">, right: Omit<Device, "registeredAt">): boolean => {
  const address = pushAddressOf(left)
  return left.id === right.id || (address !== undefined && address === pushAddressOf(right))
}

const changed = (contact: ContactState, devices: ReadonlyArray<Device>, turn: Turn) => {
  const [before, after] = [deviceClaims(contact.devices), deviceClaims(devices)]
  return {
    events: [{ _tag: "DevicesChanged", devices, at: turn.at }] as const,
    takes: except(after, before),
    releases: except(before, after)
  }
}

export const registerDevice = (
  contact: ContactState,
  { device: given }: typeof RegisterDevice.Type,
  turn: Turn
): Judgement => {
  const known = contact.devices.find((other) => isSame(other, given))
  const device: Device = { ...given, id: known?.id ?? given.id, registeredAt: turn.at }
  const others = contact.devices.filter((other) => !isSame(other, given))
  if (others.length >= devicesMax) {
    const rule = `A contact has at most ${devicesMax} devices; remove one first.`
    return Result.fail({ _tag: "InvalidContact", field: "devices", rule })
  }
  return Result.succeed({
    ...changed(contact, [...others, device], turn),
    answer: { _tag: "Done", id: device.id }
  })
}

export const removeDevice = (contact: ContactState, { deviceId }: typeof RemoveDevice.Type, turn: Turn): Judgement => {
  const devices = contact.devices.filter(({ id }) => id !== deviceId)
  const same = devices.length === contact.devices.length
  return Result.succeed({
    ...(same ? { events: [] } : changed(contact, devices, turn)),
    answer: { _tag: "Done", id: deviceId }
  })
}
