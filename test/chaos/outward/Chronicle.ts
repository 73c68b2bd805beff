/**
 * The journal folded once more, with what had to leave because of it: which events call for automations, which are told to
 * endpoints, which messages were asked for and how they ended. It knows Koinon's events and none of its views.
 */
import { triggersOf } from "#domain/automation/Trigger.ts"
import type { Event } from "#domain/Event.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import { positionText } from "#runtime/live/Position.ts"
import { toldTypes } from "#runtime/webhook/PublicEvents.ts"
import { Fold } from "../Fold.ts"
import { automations, type Counted } from "./Standing.ts"

/** A message as the journal tells it. */
export interface Message {
  readonly id: string
  readonly contact: string
  readonly purpose: string
  /** What brought it about: a run of an automation, or of a plan. */
  readonly cause: string
  readonly isOfPlan: boolean
  readonly ends: Array<{
    readonly state: "COMPLETED" | "REJECTED"
    readonly gateway?: string
    readonly reason?: string
  }>
}

/** An activity that a run has scheduled. */
export interface Scheduled {
  readonly id: string
  readonly run: string
}

export interface Person {
  readonly email: string | undefined
  readonly hasOptedOut: boolean
  readonly counted: Counted
}

const told: ReadonlySet<string> = new Set(toldTypes)

export class Chronicle extends Fold {
  readonly people = new Map<string, Person>()
  readonly messages = new Map<string, Message>()
  /** Events that are told, as webhooks name their place: whose they are. */
  readonly told = new Map<string, string>()
  /** For each automation on events, in order: the events that call for it. */
  readonly calls: ReadonlyArray<Set<string>> = automations.map(() => new Set())
  readonly activities: Array<Scheduled> = []
  /** By contact: all of them, as they are now. */
  readonly tags = new Map<string, ReadonlyArray<string>>()
  /** Changes that were held, and how they ended: once, if all is well. */
  readonly held = new Map<string, Array<"APPROVED" | "REJECTED">>()
  /** How often each contact was changed. */
  readonly updates = new Map<string, number>()
  /** What messages end twice, or end and were never asked for, in words. */
  readonly strays: Array<string> = []

  override take(row: EventRow, event: Event): void {
    super.take(row, event)
    if (told.has(event._tag)) this.told.set(positionText(row), row.key)
    if (event._tag === "ContactRegistered") {
      const { emailOptOut, profile } = event
      const counted: Counted = { balance: 0n, credits: 0, debits: 0, purchases: 0 }
      this.people.set(row.key, { email: profile.email, hasOptedOut: emailOptOut, counted })
    }
    const person = this.people.get(row.key)
    if (person === undefined) return
    count(person.counted, event)
    this.#call(row, event, person.counted)
    this.#message(row.key, event)
    this.#action(row.key, event)
  }

  #action(contact: string, event: Event): void {
    switch (event._tag) {
      case "ActivityScheduled":
        return void this.activities.push({ id: event.activityId, run: event.cause?.runId ?? "nobody" })
      case "TagsChanged":
        return void this.tags.set(contact, event.tags)
      case "CommandHeld":
        return void this.held.set(event.heldId, this.held.get(event.heldId) ?? [])
      case "HeldApproved":
      case "HeldRejected": {
        const ends = this.held.get(event.heldId) ?? []
        this.held.set(event.heldId, [...ends, event._tag === "HeldApproved" ? "APPROVED" : "REJECTED"])
        return
      }
      case "ContactUpdated":
        return void this.updates.set(contact, (this.updates.get(contact) ?? 0) + 1)
      default:
        return
    }
  }

  #call(row: EventRow, event: Event, counted: Counted): void {
    const name = `${row.aggregate}/${row.id}/${row.seq}`
    const triggers: ReadonlyArray<string> = triggersOf(event)
    for (const [index, { trigger, holds }] of automations.entries()) {
      if (triggers.includes(trigger) && (holds?.(counted) ?? true)) this.calls[index]?.add(name)
    }
  }

  #message(contact: string, event: Event): void {
    if (event._tag === "CommunicationRequested") {
      const { communicationId: id, purpose, cause, planId, planRun } = event
      const isOfPlan = planId !== undefined
      if (this.messages.has(id)) this.strays.push(`message ${id} was asked for twice`)
      const by = isOfPlan ? `${planId}/${planRun}` : (cause?.runId ?? "nobody")
      this.messages.set(id, { id, contact, purpose, cause: by, isOfPlan, ends: [] })
    } else if (event._tag === "CommunicationCompleted" || event._tag === "CommunicationRejected") {
      const message = this.messages.get(event.communicationId)
      if (message === undefined) return void this.strays.push(`message ${event.communicationId} ends and is unknown`)
      const { gateway } = { gateway: undefined, ...event }
      message.ends.push(
        event._tag === "CommunicationRejected"
          ? { state: "REJECTED", reason: event.reason }
          : { state: "COMPLETED", ...(gateway !== undefined && { gateway }) }
      )
    }
  }
}

/** Amounts alone: what wallets make of them is not asked. */
const count = (counted: Counted, event: Event): void => {
  switch (event._tag) {
    case "FundsCredited":
      counted.credits += 1
      counted.balance += event.amount
      return
    case "FundsReturned":
      counted.balance += event.amount
      return
    case "FundsDebited":
      counted.debits += 1
      counted.balance -= event.amount
      return
    case "PurchasePaid":
      counted.purchases += 1
      counted.balance -= event.own?.amount ?? 0n
      return
    case "PurchaseReversed":
      counted.balance += event.own?.amount ?? 0n
      return
    default:
      return
  }
}
