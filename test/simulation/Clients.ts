/**
 * The tills, apps and back offices of a world: they ask, they may hear nothing, and then they ask again under the same id
 * until they know. What a runner answers is judged in the instant in which it answers, whether anybody hears it or not.
 */
import { isTransient } from "#domain/Refusal.ts"
import type { Reply } from "#runtime/actor/Pending.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { isDeepStrictEqual } from "node:util"
import type { Chance } from "../chaos/Chance.ts"
import type { Exchange, Kind, Record as OperationRecord } from "../chaos/Operation.ts"
import { awardId, businessId, contactId, purchaseId } from "../runtime/SampleCommands.ts"
import type { Machine } from "./Machine.ts"
import { type Accuse, type Model, plain, tagOf } from "./Model.ts"
import type { Operation } from "./Plan.ts"
import type { Request } from "./Requests.ts"
import type { Runner, Runners } from "./Runners.ts"
import type { Story } from "./Story.ts"

/** A client hangs up after that. */
const patienceMs = 1_500
const againWithinMs = 150
const pollMs = 200
const oneWayMsMax = 2

export interface Surroundings {
  readonly machine: Machine
  readonly dice: Chance
  readonly store: Store
  readonly model: Model
  readonly runners: Runners
  readonly story: Story
  readonly accuse: Accuse
}

/** One request with all that its client knows. */
export interface Errand {
  readonly operation: Operation
  readonly request: Request
  readonly name: string
  readonly record: OperationRecord
  expectedSeq: number | undefined
  isKnown: boolean
}

const bodyOf = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}` : each))

/** Whether it is the outcome of the command: the others say that there is none, and are not kept. */
const isKept = ({ body }: Exchange): boolean => body !== "CommandIdReused" && body !== "PreconditionFailed"

const detailOf = ({ kind, person, other, amount }: Operation): string => {
  if (kind === "transfer") return `, ${amount} cents from contact ${person} to ${other},`
  if (kind === "cancel") return `, of purchase #${other} of contact ${person},`
  if (kind === "reversal") return `, of award #${other} of contact ${person},`
  if (kind === "award" && other > 0) return `, for purchase #${other} of contact ${person},`
  if (kind === "read" || kind === "e-mail" || kind === "registration") return `, of contact ${person},`
  return `, ${amount} cents of contact ${person},`
}

export class Clients {
  readonly #world: Surroundings
  readonly errands: Array<Errand> = []
  /** So many answers get lost on their way. */
  answersToLose = 0
  /** From now on everybody asks the owner. */
  isCalm = false

  constructor(world: Surroundings) {
    this.#world = world
  }

  /** Somebody wants something, and does not rest before it is known what became of it. */
  want(operation: Operation, request: Request, isAltered: boolean): Errand {
    const { machine, model } = this.#world
    const { kind, number, person, other, isAccepted, isConditional } = operation
    const name = `${isAltered ? "altered " : ""}${isAccepted ? "accepted " : ""}${kind} #${number}`
    const errand: Errand = {
      operation,
      request,
      name,
      record: {
        operation: {
          mark: request.mark,
          kind: kind as Kind,
          path: "",
          body: "",
          purchaseId: purchaseId(other),
          awardId: awardId(other)
        },
        round: 1,
        invokedAt: ++machine.order,
        returnedAt: Number.POSITIVE_INFINITY,
        answer: undefined,
        acceptedAt: undefined,
        sent: 0,
        oddities: []
      },
      expectedSeq: isConditional ? model.statesOf("contact", contactId(person)).length - 1 : undefined,
      isKnown: kind === "read"
    }
    const { id, key, command, fingerprint } = request.ask
    if (kind !== "read") {
      model.asked(id, key, command, fingerprint)
      this.errands.push(errand)
    }
    this.attempt(errand)
    return errand
  }

  attempt(errand: Errand): void {
    const { machine, runners, dice, story } = this.#world
    const { operation, record, request } = errand
    const first = record.sent === 0
    record.sent += 1
    const anybody = runners.all.length === 0 ? undefined : dice.pick(runners.all)
    const runner =
      operation.isStale && !this.isCalm
        ? anybody
        : (runners.holderOf(shardOf(request.ask.key)) ?? runners.owner ?? anybody)
    if (first) story.tell(machine.now, `${errand.name}${detailOf(operation)} is asked of ${runner?.name ?? "nobody"}`)
    let isOver = false
    const over = (act: () => void) => (): void => {
      if (isOver) return
      isOver = true
      act()
    }
    const again = (): void => {
      if (!errand.isKnown) machine.after(dice.integer(1, againWithinMs), () => errand.isKnown || this.attempt(errand))
    }
    const heard = (act: () => void): void => {
      if (this.answersToLose > 0) this.answersToLose -= 1
      else machine.after(dice.integer(0, oneWayMsMax), over(act))
    }
    machine.after(patienceMs, over(again))
    if (runner === undefined) return
    machine.after(dice.integer(0, oneWayMsMax), () =>
      runner.process.enqueue(() => {
        if (runner.actors === undefined) return
        if (operation.kind === "read") this.#read(runner, operation)
        else if (operation.isAccepted) this.#accept(runner, errand, heard, again)
        else this.#ask(runner, errand, first, heard, again)
      })
    )
  }

  #ask(runner: Runner, errand: Errand, first: boolean, heard: (act: () => void) => void, again: () => void): void {
    const { machine } = this.#world
    const { ask } = errand.request
    // Some have little time at first; their clock is right, which the runner's may not be.
    const deadline = first && ask.id.endsWith("0") ? { deadlineAt: machine.wallNow + patienceMs } : {}
    runner.actors?.askWith({ ...ask, ...deadline, expectedSeq: errand.expectedSeq }, (reply) => {
      this.#judge(runner, errand, reply)
      heard(() => this.#hear(errand, reply, again))
    })
  }

  /** What the answer says is true, in this instant. */
  #judge(runner: Runner, errand: Errand, reply: Reply): void {
    const { store, model, accuse, story, machine } = this.#world
    const { ask } = errand.request
    const row = store.commands.get(ask.id)
    if (reply._tag === "Failed") {
      story.tell(machine.now, `${runner.name} answers ${errand.name}: ${reply.refusal._tag}`)
      return this.#judgeRefusal(errand, reply.refusal)
    }
    const { outcome, seq, replayed } = reply
    story.tell(machine.now, `${runner.name} answers ${errand.name}: ${tagOf(outcome)}${replayed ? ", again" : ""}`)
    if (Result.isFailure(outcome) && isTransient(outcome.failure)) return
    if (row === undefined || row.outcome === null) {
      return accuse("P1", `${errand.name} was answered ${tagOf(outcome)}, which is not in the journal`)
    }
    if (row.fingerprint !== ask.fingerprint) {
      return accuse("P7", `${errand.name} was given the answer of something else`)
    }
    if (!isDeepStrictEqual(plain(outcome), plain(model.outcomeOf(ask.id)))) {
      const decided = tagOf(model.outcomeOf(ask.id))
      accuse("P6", `${errand.name} was answered ${tagOf(outcome)}, and the domain decides ${decided}`)
    }
    if (!replayed && seq > 0 && Result.isSuccess(outcome) && seq !== model.seqOf(ask.id)) {
      accuse("P6", `${errand.name} was answered at ${seq}, and is at ${model.seqOf(ask.id)} in the journal`)
    }
  }

  #judgeRefusal(errand: Errand, refusal: RuntimeRefusal): void {
    const { model, accuse, store } = this.#world
    const { name, request, operation, expectedSeq } = errand
    if (refusal._tag === "TurnFailed") accuse("P8", `the turn of ${name} failed: ${String(refusal.cause)}`)
    if (refusal._tag === "CommandIdReused" && operation.alteredAfterMs === undefined) {
      accuse("P7", `${name} is refused for an id that nothing else has`)
    }
    if (refusal._tag !== "PreconditionFailed") return
    const committed = model.statesOf("contact", request.ask.key).length - 1
    if (refusal.current > committed || refusal.current === expectedSeq) {
      accuse("P6", `${name} is told of ${refusal.current}, and the journal has ${committed}`)
    }
    if (store.commands.get(request.ask.id)?.fingerprint === request.ask.fingerprint)
      accuse("P2", `${name} is done, and refused for what it did itself`)
  }

  #hear(errand: Errand, reply: Reply, again: () => void): void {
    if (reply._tag === "Failed") {
      const { _tag } = reply.refusal
      if (_tag !== "CommandIdReused" && _tag !== "PreconditionFailed") return again()
      return this.#know(errand, { status: 400, body: _tag, replayed: false })
    }
    const { outcome, replayed } = reply
    if (Result.isFailure(outcome) && isTransient(outcome.failure)) return again()
    this.#know(errand, { status: Result.isSuccess(outcome) ? 200 : 400, body: bodyOf(plain(outcome)), replayed })
  }

  #know(errand: Errand, answer: Exchange): void {
    const { machine, accuse } = this.#world
    const { record } = errand
    errand.isKnown = true
    if (record.answer === undefined) {
      record.answer = answer
      record.returnedAt = ++machine.order
    } else if (record.answer.body !== answer.body && (isKept(record.answer) || isKept(answer))) {
      accuse("P1", `${errand.name} was answered ${record.answer.body}, and then ${answer.body}`)
    }
  }

  #fork<A, E>(runner: Runner, effect: Effect.Effect<A, E>, done: (exit: Exit.Exit<A, E>) => void): void {
    Effect.runForkWith(this.#world.machine.surroundings(runner.process))(effect).addObserver(done)
  }

  #accept(runner: Runner, errand: Errand, heard: (act: () => void) => void, again: () => void): void {
    const { store, accuse, machine, story } = this.#world
    const { ask } = errand.request
    if (runner.actors === undefined) return
    this.#fork(runner, runner.actors.accept(ask), (exit) => {
      if (!Exit.isSuccess(exit)) return heard(again)
      story.tell(machine.now, `${runner.name} accepts ${errand.name}`)
      if (!store.inbox.has(ask.id) && !store.commands.has(ask.id)) {
        accuse("P1", `${errand.name} was accepted and is not in the journal`)
      }
      heard(() => {
        errand.record.acceptedAt ??= ++machine.order
        this.#poll(errand)
      })
    })
  }

  /** Comes back for what was accepted until it is done. */
  #poll(errand: Errand): void {
    const { machine, runners, dice } = this.#world
    if (errand.isKnown) return
    machine.after(pollMs + dice.integer(0, oneWayMsMax), () => this.#poll(errand))
    const runner = runners.owner
    runner?.process.enqueue(() => {
      const { ask } = errand.request
      if (runner.actors === undefined || errand.isKnown) return
      this.#fork(runner, runner.actors.outcome(businessId, ask.id), (exit) => {
        if (!Exit.isSuccess(exit) || exit.value === undefined || exit.value.reply._tag === "Failed") return
        this.#judge(runner, errand, exit.value.reply)
        this.#hear(errand, exit.value.reply, () => undefined)
      })
    })
  }

  /** A state is read: it has to be one that the journal says, and no older than what was there before the question. */
  #read(runner: Runner, { person, number }: Operation): void {
    const { machine, model, accuse, story } = this.#world
    const key = contactId(person)
    const kind = number % 2 === 0 ? "contact" : "community"
    const before = model.statesOf(kind, key).length - 1
    if (runner.actors === undefined) return
    this.#fork(runner, runner.actors.read(businessId, key, kind), (exit) => {
      if (!Exit.isSuccess(exit)) return
      const { seq, state } = exit.value
      const states = model.statesOf(kind, key)
      story.tell(machine.now, `${runner.name} shows ${kind} ${person} at ${seq}`)
      if (seq >= states.length) {
        accuse("P6", `${kind} ${person} is shown at ${seq}, and the journal has ${states.length - 1}`)
      } else if (!isDeepStrictEqual(state, states[seq])) {
        accuse("P6", `${kind} ${person} is shown otherwise than the journal has it at ${seq}`)
      }
      if (model.ownerOf(shardOf(key)) === runner.actors?.runner && seq < before) {
        accuse("P6", `its owner shows ${kind} ${person} at ${seq}, where it was at ${before} before the question`)
      }
    })
  }
}
