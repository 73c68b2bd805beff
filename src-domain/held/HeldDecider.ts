/**
 * Judges what is asked of a held command, together with the contact it is about: approved, it is judged on what is true
 * then, and its facts stand in the commit of the approval, or it stays as it was (AUT-5). Whoever sent it is told the end.
 */
import * as Result from "effect/Result"
import { isMeant } from "../automation/Judges.ts"
import { isJudged, type Judged, judged, requiredJudges, triggerOf } from "../automation/PriorTo.ts"
import { contactDecider } from "../contact/ContactDecider.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Identity } from "../contact/Profile.ts"
import type { Refusal } from "../Refusal.ts"
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import type { Judgement, Settlement, Turn } from "../shared/Decision.ts"
import type { HeldState } from "./Held.ts"
import { type ApproveHeld, HeldCommand, type HoldCommand } from "./HeldCommand.ts"

/** How long somebody may take to decide. */
export const heldForMs = 7 * 24 * 3_600_000

interface States {
  readonly contact: ContactState
  readonly held: HeldState
}

/** What the command comes to as things stand; whoever approves has the last word over the automations, whose verdicts stay. */
const judgedAnew = (contact: ContactState, command: Judged, turn: Turn): Judgement => {
  const judgedBy = requiredJudges(turn.business.priorAutomations, command).map((judge) => {
    const holds = isMeant(command.judgedBy ?? [], judge.automationId)
    return holds === undefined ? judge : { ...judge, holds }
  })
  return contactDecider.decide({ contact }, judged(contact, command, judgedBy), turn)
}

/** Whoever approves it knows the contact as she is then, so that what was known of her before need not be kept. */
const kept = (command: Judged): Judged => {
  if (command._tag === "RegisterContact") return command
  const { judgedOn: _, ...rest } = command
  return rest
}

const hold = ({ contact, held }: States, wish: typeof HoldCommand.Type, turn: Turn): Judgement => {
  const { _tag, heldId, command, ...rest } = wish
  if (held.id !== "") return Result.fail({ _tag: "AlreadyExists", kind: "held command", id: heldId })
  const judgement = judgedAnew(contact, command, turn)
  // What is refused as it is, or changes nothing, needs nobody to decide about it.
  if (Result.isFailure(judgement) || judgement.success.events.length === 0) return judgement
  if (!isJudged(contact, command, turn.business)) return Result.fail({ _tag: "AutomationsChanged" })
  const expiresAt = turn.at + heldForMs
  const { commandId, key: contactId, at } = turn
  return Result.succeed({
    events: [
      {
        _tag: "CommandHeld",
        heldId,
        commandId,
        contactId,
        command: kept(command),
        ...rest,
        trigger: triggerOf(command),
        expiresAt,
        at
      }
    ],
    timers: [{ name: `held/${heldId}`, at: expiresAt, command: { _tag: "LapseHeld", heldId } }],
    answer: undefined,
    parked: true
  })
}

const objectionToDeciding = ({ id, state, expiresAt }: HeldState, heldId: string, turn: Turn): Refusal | undefined => {
  if (id === "") return { _tag: "HeldNotFound", id: heldId }
  if (state !== "PENDING") return { _tag: "HeldNotPending", id, state }
  return turn.at < expiresAt ? undefined : { _tag: "HeldNotPending", id, state: "LAPSED" }
}

type Codes = NonNullable<(typeof ApproveHeld.Type)["codes"]>

const withCodes = (command: Judged, generated: HeldState["generated"], codes: Codes | undefined): Judged => {
  if (codes === undefined || command._tag !== "RegisterContact") return command
  const anew: Partial<Identity> = Object.fromEntries(generated.map((name) => [name, codes[name]]))
  return { ...command, identity: { ...command.identity, ...anew } }
}

const approve = ({ contact, held }: States, { heldId, codes }: typeof ApproveHeld.Type, turn: Turn): Judgement => {
  const { command, commandId, generated, state } = held
  const answer = { _tag: "Done", id: heldId } as const
  if (held.id !== "" && state === "APPROVED") return Result.succeed({ events: [], answer })
  const objection = objectionToDeciding(held, heldId, turn)
  if (objection !== undefined) return Result.fail(objection)
  if (command === undefined) throw new Error(`the held command ${heldId} has lost what it says`)
  return Result.map(judgedAnew(contact, withCodes(command, generated, codes), turn), (decision) => {
    const { answer: outcome, events, settles = [] } = decision
    if (outcome === undefined) throw new Error(`${command._tag} was left open`)
    const settled: Settlement = { commandId, outcome: Result.succeed(outcome) }
    return {
      ...decision,
      events: [{ _tag: "HeldApproved", heldId, at: turn.at }, ...events],
      settles: [...settles, settled],
      answer
    }
  })
}

/** Ends it without its command: whoever sent that is refused. */
const dismissed = (held: HeldState, state: "REJECTED" | "LAPSED", turn: Turn): Judgement => {
  const { id, commandId } = held
  return Result.succeed({
    events: [{ _tag: state === "REJECTED" ? "HeldRejected" : "HeldLapsed", heldId: id, at: turn.at }],
    settles: [{ commandId, outcome: Result.fail({ _tag: "NotApproved", id, state }) }],
    answer: { _tag: "Done", id }
  })
}

const reject = (held: HeldState, heldId: string, turn: Turn): Judgement => {
  if (held.id !== "" && held.state === "REJECTED")
    return Result.succeed({ events: [], answer: { _tag: "Done", id: heldId } })
  const objection = objectionToDeciding(held, heldId, turn)
  return objection === undefined ? dismissed(held, "REJECTED", turn) : Result.fail(objection)
}

export const heldDecider = defineDecider<States, HeldCommand>({
  commands: HeldCommand.members.map((member) => member.fields._tag.schema.literal),
  // The contact first: her sequence number is the one that If-Match means.
  needs: (command, key) => ({ contact: key, held: command.heldId }),
  births: { HoldCommand: "held" },
  decide: (states, command, turn) => {
    switch (command._tag) {
      case "HoldCommand":
        return hold(states, command, turn)
      case "ApproveHeld":
        return approve(states, command, turn)
      case "RejectHeld":
        return reject(states.held, command.heldId, turn)
      case "LapseHeld":
        return states.held.state === "PENDING" && states.held.id !== ""
          ? dismissed(states.held, "LAPSED", turn)
          : Result.succeed({ events: [], answer: { _tag: "Done", id: command.heldId } })
      default:
        return absurd(command)
    }
  }
})
