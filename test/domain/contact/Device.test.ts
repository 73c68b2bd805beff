import { assert, describe, it } from "@effect/vitest"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { initial } from "#domain/contact/ContactState.ts"
import { devicesMax, registerDevice, removeDevice } from "#domain/contact/Device.ts"
import { initial as business } from "#domain/organisation/Business.ts"
import * as Result from "effect/Result"

const turn = { at: 1_795_000_000_000, key: "eleni", commandId: "c1", business }
const phone = (id: string, token = `token-${id}`) => ({ id, platform: "MOBILE" as const, token })
const after = (state: typeof initial, verdict: ReturnType<typeof registerDevice>) =>
  (Result.getOrThrow(verdict).events as ReadonlyArray<ContactEvent>).reduce(contact.evolve, state)
const register = (state: typeof initial, device: ReturnType<typeof phone>) =>
  registerDevice(state, { _tag: "RegisterDevice", device }, turn)
const remove = (state: typeof initial, deviceId: string) =>
  removeDevice(state, { _tag: "RemoveDevice", deviceId }, turn)

describe("the devices of a contact", () => {
  it("are known by their token: registered again it is the same device, with the id it had", () => {
    const once = after(initial, register(initial, phone("a")))
    const verdict = Result.getOrThrow(register(once, phone("b", "token-a")))
    assert.deepStrictEqual(verdict.answer, { _tag: "Done", id: "a" })
    const twice = after(once, Result.succeed(verdict))
    assert.deepStrictEqual(twice.devices, [{ ...phone("a"), registeredAt: turn.at }])
  })

  it("are each one contact's alone: its token is claimed, and let go of when it leaves or changes", () => {
    const claim = (value: string) => ({ kind: "device", value, scope: "business" as const })
    const verdict = Result.getOrThrow(register(initial, phone("a")))
    assert.deepStrictEqual([verdict.takes, verdict.releases], [[claim("token-a")], []])
    const once = after(initial, Result.succeed(verdict))
    const again = Result.getOrThrow(register(once, phone("b", "token-a")))
    assert.deepStrictEqual([again.takes, again.releases], [[], []])
    const renewed = Result.getOrThrow(register(once, phone("a", "token-new")))
    assert.deepStrictEqual([renewed.takes, renewed.releases], [[claim("token-new")], [claim("token-a")]])
    assert.deepStrictEqual(Result.getOrThrow(remove(once, "a")).releases, [claim("token-a")])
  })

  it("of a browser are known by where its pushes go, however its subscription is written", () => {
    const browser = (id: string, token: string) => ({ id, platform: "BROWSER" as const, token })
    const endpoint = "https://push.example/x"
    const registered = registerDevice(
      initial,
      { _tag: "RegisterDevice", device: browser("a", JSON.stringify({ endpoint, keys: {} })) },
      turn
    )
    assert.deepStrictEqual(Result.getOrThrow(registered).takes, [
      { kind: "device", value: endpoint, scope: "business" }
    ])
    const device = browser("b", JSON.stringify({ keys: {}, expirationTime: null, endpoint }))
    const again = Result.getOrThrow(
      registerDevice(after(initial, registered), { _tag: "RegisterDevice", device }, turn)
    )
    assert.deepStrictEqual([again.answer, again.takes], [{ _tag: "Done", id: "a" }, []])
  })

  it("leave when they are removed, and removing one that is gone says nothing new", () => {
    const state = after(initial, register(initial, phone("a")))
    assert.deepStrictEqual(after(state, remove(state, "a")).devices, [])
    assert.deepStrictEqual(Result.getOrThrow(remove(state, "b")).events, [])
  })

  it("are bounded", () => {
    const ids = Array.from({ length: devicesMax }, (_, index) => `d${index}`)
    const full = ids.reduce((state, id) => after(state, register(state, phone(id))), initial)
    assert.isTrue(Result.isFailure(register(full, phone("more"))))
    assert.isTrue(Result.isSuccess(register(full, phone("d0"))), "one that is known is not one more")
  })
})
