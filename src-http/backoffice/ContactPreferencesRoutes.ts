/** Tags, consent and opt-outs of a contact, as a user of the back office changes them (CON-3, MKT-1). */
import * as Effect from "effect/Effect"
import { answer } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { present } from "../resource/Fields.ts"
import { findContact } from "./ContactReference.ts"
import * as Api from "./ContactPreferencesApi.ts"

export const contactPreferenceRoutes = [
  serve(
    Api.changeTags,
    Effect.fnUntraced(function* (call) {
      const { id } = (yield* findContact(call.principal, call.params["id"] ?? "")).state
      const { add = [], remove = [] } = call.body
      const { expectedSeq } = call
      const { replayed, seq } = yield* answer(call, id, { _tag: "ChangeTags", add, remove }, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.changeConsent,
    Effect.fnUntraced(function* (call) {
      const { id } = (yield* findContact(call.principal, call.params["id"] ?? "")).state
      const { state: to, form } = call.body
      const command = present({ _tag: "ChangeConsent" as const, to, by: "USER" as const, form })
      const { replayed, seq } = yield* answer(call, id, command, { expectedSeq: call.expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.changeCommunicationPreferences,
    Effect.fnUntraced(function* (call) {
      const { id } = (yield* findContact(call.principal, call.params["id"] ?? "")).state
      const { email_opt_out: email, sms_opt_out: sms } = call.body
      const optOut = (channel: "EMAIL" | "SMS", optedOut: boolean) =>
        ({ _tag: "ChangeOptOut", channel, optedOut, by: "USER" }) as const
      const { expectedSeq } = call
      if (email === undefined && sms === undefined) {
        return yield* Effect.fail(invalidField("", "Say at least one of email_opt_out and sms_opt_out."))
      }
      if (email === undefined || sms === undefined) {
        const command = email === undefined ? optOut("SMS", sms ?? false) : optOut("EMAIL", email)
        const { replayed, seq } = yield* answer(call, id, command, { expectedSeq })
        return { body: { id }, replayed, seq }
      }
      // Each on its own, so that a repetition goes on where the first request ended.
      yield* answer(call, id, optOut("EMAIL", email), { expectedSeq, step: "email" })
      const { replayed, seq } = yield* answer(call, id, optOut("SMS", sms))
      return { body: { id }, replayed, seq }
    })
  )
]
