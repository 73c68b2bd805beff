/**
 * Sends what was asked for: whether it may go is judged by the contact at that instant, then it is written down, handed to
 * the channel's gateway, and its end stated. Once the gateway has it the task says so, and nothing but the end is tried
 * again. Only a crash before that sends it again, word for word and under the same id: at least once on the wire, once for
 * who keeps the ids.
 *
 *     judged: GO ─► written ─► gateway ─► handed ─► completed        WAIT ─► later        REJECTED, OVER ─► nothing to do
 */
import { purposeAtSend } from "#domain/communication/SendPurpose.ts"
import type { Template } from "#domain/communication/Template.ts"
import { claimOf } from "#domain/contact/Claims.ts"
import type { RejectionReason } from "#domain/contact/Communication.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { pushAddressOf } from "#domain/contact/Device.ts"
import type { Refusal } from "#domain/Refusal.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { claimRow, nameUuid } from "../actor/Naming.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import { Journal } from "../journal/Journal.ts"
import { claimName } from "../journal/Unit.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { Outcome, Task, WorkOptions } from "../outbox/Task.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import type { ProjectionWaits, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { Gateways, SendFault } from "./Channel.ts"
import { CommunicationBodies, type CommunicationBody, ownWords, type StoredBody } from "./CommunicationBodies.ts"
import type { Handed, SendTask } from "./CommunicationView.ts"
import * as OwnNotice from "./OwnNotice.ts"
import { MessageLinks } from "./MessageLinks.ts"
import { noAddress, prepare, reachable, recipientOf } from "./Preparing.ts"
import { PublicAddress } from "./PublicAddress.ts"
import * as QuietHoursChanged from "./QuietHoursChanged.ts"

const dayMs = 24 * 60 * 60_000
/** What could not be sent by then says nothing worth hearing any more. */
const expiresAfterMs = 7 * dayMs
/** About a day of attempts, an hour apart at most. */
const failuresMaxDefault = 56
const concurrencyDefault = 16
const attemptMaxMs = 120_000
const backoffDefault = { firstMs: 2_000, mostMs: 60 * 60_000 }

export interface SendingOptions {
  /** So many failures, and a message is refused as given up. */
  readonly failuresMax?: number
  readonly backoff?: WorkOptions["backoff"]
}

/** A message that ended otherwise meanwhile. */
const over: Outcome = { _tag: "Done", result: "it had ended before" }

/** What a gateway says of a message that it has. */
type Taken = Pick<Handed, "gateway" | "providerId" | "gone">
const outbox: Taken = { gateway: "OUTBOX" }

type Trouble = Refusal | RuntimeRefusal | SendFault | ViewUnavailable | ProjectionWaits

/** What an attempt that could not be made is: something to try again, and never with a value in it. */
const failed = (error: Trouble): Outcome =>
  error._tag === "ContactNotFound"
    ? { _tag: "Dead", reason: "there is no such contact" }
    : { _tag: "Retry", reason: error instanceof SendFault ? error.reason : error._tag }

const make = Effect.fnUntraced(function* ({ failuresMax = failuresMaxDefault }: SendingOptions) {
  const actors = yield* Actors
  const definitions = yield* Definitions
  const gateways = yield* Gateways
  const bodies = yield* CommunicationBodies
  const links = yield* MessageLinks
  const publicAddress = yield* PublicAddress
  const journal = yield* Journal
  const sealer = yield* Sealer

  const reject = (task: Task, { communicationId }: SendTask, reason: RejectionReason, detail: string, code?: string) =>
    actors
      .ask({
        business: task.business,
        key: task.key,
        id: nameUuid("communication rejected", task.business, communicationId, reason),
        fingerprint: "communication",
        command: { _tag: "RejectCommunication", communicationId, reason, ...(code !== undefined && { code }) }
      })
      .pipe(
        Effect.as<Outcome>({ _tag: "Done", result: reason, log: detail }),
        Effect.catchTag("CommunicationNotPending", () => Effect.succeed(over))
      )

  const complete = (task: Task, send: SendTask, { gateway, language, recipient, subject }: Handed) =>
    actors
      .ask({
        business: task.business,
        key: task.key,
        id: nameUuid("communication completed", task.business, send.communicationId),
        fingerprint: "communication",
        command: {
          _tag: "CompleteCommunication",
          communicationId: send.communicationId,
          language,
          recipient,
          ...(subject !== undefined && { subject }),
          gateway
        }
      })
      .pipe(
        Effect.as<Outcome>({ _tag: "Done", result: gateway }),
        Effect.catchTag("CommunicationNotPending", () => Effect.succeed(over))
      )

  const senderOf = (channel: SendTask["channel"]): string | undefined =>
    channel === "EMAIL" ? gateways.mail?.sender : channel === "SMS" ? gateways.sms?.sender : undefined

  /** As it is in force now, wherever that was said: what was made a moment ago is there, what was switched off is off. */
  const templateOf = Effect.fnUntraced(function* (business: string, id: string) {
    const templates = yield* definitions.inForce([business], "templates")
    return templates.get(business)?.[id]
  })

  /** As it was written before, or now, and to where the contact can be reached now; or why it cannot be. */
  const written = Effect.fnUntraced(function* (
    task: Task,
    send: SendTask,
    template: Template | undefined,
    contact: ContactState
  ) {
    const { communicationId: id, channel } = send
    const place = { business: task.business, contact: task.key, id }
    const known = (yield* bodies.read([place])).get(id)
    if (known !== undefined) {
      const recipient = recipientOf(channel, contact)
      if (recipient === undefined) return noAddress(channel)
      return known.body.recipient === recipient ? known : yield* bodies.readdress(place, known, recipient)
    }
    if (template === undefined) return { reason: "TEMPLATE_GONE", detail: "its words are not kept any more" } as const
    const business = actors.business(task.business)
    if (business === undefined) return { reason: "TEMPLATE_GONE", detail: "there is no such business" } as const
    const address = yield* publicAddress.url
    const at = yield* Clock.currentTimeMillis
    const { state: community } = yield* actors.read(task.business, task.key, "community")
    const sender = senderOf(channel)
    const made = prepare({ task: send, template, business, contact, community, at, address, links, sender })
    return made._tag === "Ready" ? yield* bodies.keep(place, made.body) : made
  })

  /** What goes wrong with it must not send the message again. */
  const bestEffort = <A>(what: string, work: Effect.Effect<A, Trouble>): Effect.Effect<void> =>
    Effect.catch(Effect.asVoid(work), (error) => Effect.logWarning(`${what}, and the message goes on`, reasonOf(error)))

  const removeDevices = (task: Task, communicationId: string, devices: ReadonlyArray<string>) =>
    Effect.forEach(
      devices,
      (deviceId) => {
        const id = nameUuid("device gone", task.business, communicationId, deviceId)
        const command = { _tag: "RemoveDevice", deviceId } as const
        const asked = actors.ask({ business: task.business, key: task.key, id, fingerprint: "device", command })
        return bestEffort("a device that is gone stays", asked)
      },
      { discard: true }
    )

  /** What has become another contact's device since is not pushed to (it shows what it gets to whoever holds it), and leaves. */
  const ownDevices = Effect.fnUntraced(function* ({ business, key }: Task, contact: ContactState) {
    const devices = reachable(contact)
    const rows = devices.map((device) => {
      const address = pushAddressOf(device) ?? device.token
      return claimRow(sealer, business, key, claimOf("device", address))
    })
    const holders = yield* Effect.mapError(
      journal.holders(rows),
      ({ _tag }) => new SendFault({ kind: "FAILED", reason: _tag })
    )
    const isOwn = rows.map((row) => (holders.get(claimName(row)) ?? key) === key)
    return {
      devices: devices.filter((_, index) => isOwn[index]),
      elsewhere: devices.flatMap(({ id }, index) => (isOwn[index] === true ? [] : [id]))
    }
  })

  const byPush = Effect.fnUntraced(function* (task: Task, id: string, body: CommunicationBody, contact: ContactState) {
    const push = gateways.push
    const { devices, elsewhere } = yield* ownDevices(task, contact)
    const taken = push === undefined ? [] : devices.filter(push.takes)
    if (push === undefined || (taken.length === 0 && devices.length > 0)) return outbox
    const gone: Array<string> = [...elsewhere]
    let sent = 0
    let fault = new SendFault({ kind: "REFUSED", reason: "no device is left" })
    for (const { id: deviceId, platform, token } of taken) {
      const exit = yield* Effect.result(push.send({ id, platform, token, message: body }))
      if (exit._tag === "Success") sent += 1
      else if (exit.failure.kind === "GONE") gone.push(deviceId)
      // One that may yet get it keeps the message alive, whatever the others say.
      else if (fault.kind !== "FAILED") fault = exit.failure
    }
    // One of them has it: those that failed are not worth showing it twice on the others.
    if (sent > 0) return { gateway: "PUSH" as const, gone }
    yield* removeDevices(task, id, gone)
    return yield* fault
  })

  const bySms = Effect.fnUntraced(function* (task: Task, id: string, body: CommunicationBody) {
    const { sms } = gateways
    if (sms === undefined) return outbox
    const { business, key: contact } = task
    const path = links.pathOf({ action: "SMS_STATUS", business, contact, communication: id, channel: "SMS", number: 0 })
    const statusCallback = `${yield* publicAddress.url}${path}`
    const { recipient: to, text, from } = body
    const providerId = yield* sms.send({ id, to, text, from: from?.name, statusCallback })
    return { gateway: "SMS" as const, ...(providerId !== undefined && { providerId }) }
  })

  const byMail = Effect.fnUntraced(function* (id: string, { body, at }: StoredBody) {
    const { mail } = gateways
    if (mail === undefined) return outbox
    const { from, unsubscribe, recipient: to } = body
    yield* mail.send({ id, to, at, message: body, from, unsubscribe })
    return { gateway: "MAIL" as const }
  })

  const handOver = (
    task: Task,
    { channel, communicationId: id }: SendTask,
    stored: StoredBody,
    contact: ContactState
  ): Effect.Effect<Taken, SendFault> => {
    switch (channel) {
      case "EMAIL":
        return byMail(id, stored)
      case "SMS":
        return bySms(task, id, stored.body)
      case "DEVICE":
        return byPush(task, id, stored.body, contact)
      case "INAPP":
        return Effect.succeed({ gateway: "IN_APP" })
    }
  }

  const sent = Effect.fnUntraced(function* (task: Task, send: SendTask, template: Template | undefined) {
    const { state: contact } = yield* actors.read(task.business, task.key, "contact")
    const ready = yield* written(task, send, template, contact)
    if ("reason" in ready) return yield* reject(task, send, ready.reason, ready.detail)
    const result = yield* Effect.result(handOver(task, send, ready, contact))
    if (result._tag === "Success") {
      const { language, recipient, subject } = ready.body
      const handed: Handed = { ...result.success, language, recipient, ...(subject !== undefined && { subject }) }
      // What has not left the house may be handed over as often as it takes.
      if (handed.gateway === "IN_APP" || handed.gateway === "OUTBOX") return yield* complete(task, send, handed)
      const onward: Outcome = { _tag: "Continue", body: { ...send, handed } as unknown as Json }
      return onward
    }
    const { kind, reason, code, retryAfterMs } = result.failure
    if (kind === "DECLINED") return yield* reject(task, send, "PROVIDER_REFUSED", reason, code)
    if (kind !== "FAILED") return yield* reject(task, send, "ADDRESS_REFUSED", reason, code)
    const now = yield* Clock.currentTimeMillis
    const outcome: Outcome = {
      _tag: "Retry",
      reason,
      ...(retryAfterMs !== undefined && { notBefore: now + retryAfterMs })
    }
    return outcome
  })

  /** The gateway has it: all that is left is to say so. */
  const stated = Effect.fnUntraced(function* (task: Task, send: SendTask, handed: Handed) {
    const { communicationId: id } = send
    const { gateway, providerId, gone = [] } = handed
    if (gateway === "SMS") {
      const noted = bodies.note({ business: task.business, id }, { providerId, status: "sent" })
      yield* bestEffort("the provider's name of a message is not noted", noted)
    }
    yield* removeDevices(task, id, gone)
    return yield* complete(task, send, handed)
  })

  const attempted = Effect.fnUntraced(function* (task: Task) {
    const send = task.body as unknown as SendTask
    const { communicationId, templateId, handed } = send
    if (handed !== undefined) return yield* stated(task, send, handed)
    if (task.failures >= failuresMax) return yield* reject(task, send, "GAVE_UP", `${task.failures} attempts failed`)
    const now = yield* Clock.currentTimeMillis
    if (now - send.at > expiresAfterMs) return yield* reject(task, send, "EXPIRED", "it waited too long")
    // What is switched off goes no more, whatever was asked for before, and however often it was tried.
    const template = yield* templateOf(task.business, templateId)
    if (template === undefined && templateId !== ownWords) {
      return yield* reject(task, send, "TEMPLATE_GONE", "there is no such template")
    }
    if (template !== undefined && template.state !== "ACTIVE") {
      return yield* reject(task, send, "TEMPLATE_INACTIVE", "it is switched off")
    }
    const purpose = template === undefined ? send.purpose : purposeAtSend(send, template.body)
    // Under an id of its own: what was judged once may be judged otherwise now.
    const { answer } = yield* actors.ask({
      business: task.business,
      key: task.key,
      command: { _tag: "AuthorizeSend", communicationId, purpose }
    })
    if (answer._tag !== "SendJudged") return yield* Effect.die(new Error(`a send was answered ${answer._tag}`))
    switch (answer.verdict) {
      case "GO":
        return yield* sent(task, { ...send, purpose }, template?.body)
      case "WAIT": {
        const later: Outcome = { _tag: "Later", at: answer.at ?? now }
        return later
      }
      case "REJECTED": {
        const refused: Outcome = { _tag: "Done", result: "the contact may not be sent it" }
        return refused
      }
      case "OVER":
        return over
    }
  })

  return (task: Task): Effect.Effect<Outcome> => Effect.catch(attempted(task), (error) => Effect.succeed(failed(error)))
})

/** Sends for as long as the scope is open. */
export const start = Effect.fnUntraced(function* (options: SendingOptions = {}) {
  const outbox = yield* Outbox
  const attempt = yield* make(options)
  const tell = yield* OwnNotice.make
  yield* QuietHoursChanged.watch(attemptMaxMs)
  yield* outbox.work("communication", {
    concurrency: concurrencyDefault,
    attempt: (task) => (OwnNotice.isNotice(task) ? tell(task) : attempt(task)),
    attemptMaxMs,
    // The end of a message is stated by the contact, not by the queue.
    giveUpAfterMs: 4 * expiresAfterMs,
    backoff: options.backoff ?? backoffDefault
  })
})
