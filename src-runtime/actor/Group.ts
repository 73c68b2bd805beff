/**
 * The resident actors of one placement key: their states, their bounded mailbox, and the turns that judge one command at
 * a time (architecture decisions 3 and 4).
 *
 *     waiting ──turn──► decided (state advanced, unit submitted) ──commit──► answered
 *        ▲                                      │ commit failed
 *        └──────── judged again on what the journal says ◄┘
 *
 * A turn never waits: what it needs is loaded before it, what it decides leaves after its commit. Commands are judged in
 * the order they came, also after a failed commit.
 */
import { initial as noBusiness } from "#domain/organisation/Business.ts"
import { isTransient } from "#domain/Refusal.ts"
import type { Decision, Judgement } from "#domain/shared/Decision.ts"
import * as Result from "effect/Result"
import type { Loaded, StreamRef } from "../journal/Journal.ts"
import { aggregateOfKind, type AnyDecider, deciderOf } from "../journal/Kinds.ts"
import type { UnitFailure } from "../journal/Submission.ts"
import { type CommandRow, emptyUnit } from "../journal/Unit.ts"
import type { DataKey } from "../privacy/Sealer.ts"
import type { View } from "./Ask.ts"
import type { Decided, Host } from "./Host.ts"
import { OutputGate } from "./OutputGate.ts"
import { isRead, type Pending, type Read, type Reply } from "./Pending.ts"
import { shardOf } from "./Placement.ts"
import { replayOf } from "./Replay.ts"
import { isGuess, type Resident, restore } from "./Resident.ts"
import { Residents, unproven } from "./Residents.ts"
import {
  ActorUnavailable,
  CommandIdReused,
  DeadlinePassed,
  PreconditionFailed,
  type RuntimeRefusal,
  ShardMoved,
  StillRunning,
  TurnFailed
} from "./RuntimeRefusal.ts"
import { encode, type Encoded, type SnapshotDue } from "./Turn.ts"

/** Commands that one group may hold, waiting or decided and not yet durable. */
export const mailboxSizeMax = 256
/** How often a command is judged again after failed commits before it is given up; a message never is. */
const attemptsMax = 5
/** The facts that come before anything else that is personal: of a contact, or of one who waits to be made. */
const beginsPersonal: ReadonlySet<string> = new Set(["ContactRegistered", "CommandHeld"])

export class Group {
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly #host: Host
  readonly #actors: Residents
  #waiting: Array<Pending | Read> = []
  #retrying: Array<Pending> = []
  #admitted = 0
  /** What failed is collected until the end of the tick, then goes back ahead of what came later. */
  #regrouping = false
  /** Some of what was decided before a failure may still commit: nothing is loaded before that is known. */
  #rebuilding = false
  readonly #gate = new OutputGate()
  #generation: object = {}
  #loading = false
  /** While what one of its turns sets off is judged; what of it comes back here is part of that turn. */
  #spreading = false
  #dataKey: DataKey | undefined
  #dataKeyKnown = false
  #lastAt = 0
  /** Another runner's from now on: what is under way ends, nothing new begins. */
  #surrendered = false
  #turnBeganAt = 0
  /** When it was last used, epoch milliseconds: for passivation. */
  usedAt = 0

  constructor(host: Host, business: string, key: string) {
    this.#host = host
    this.business = business
    this.key = key
    this.shard = shardOf(key)
    this.#actors = new Residents(key)
  }

  get size(): number {
    return this.#waiting.length + this.#gate.inFlight + this.#retrying.length
  }

  get isIdle(): boolean {
    return this.size === 0 && !this.#loading && this.#gate.isQuiet
  }

  admit(item: Pending | Read): void {
    this.#admitted += 1
    item.place = this.#admitted
    this.#waiting.push(item)
    this.pump()
  }

  surrender(): void {
    this.#surrendered = true
    this.pump()
  }

  #turnAway(refusal: RuntimeRefusal): void {
    for (const item of this.#waiting.splice(0)) {
      if (isRead(item)) item.reply(refusal)
      else item.reply({ _tag: "Failed", refusal })
    }
  }

  /** Runs turns until something has to be waited for. */
  pump(): void {
    if (this.#surrendered) return this.#turnAway(new ShardMoved())
    this.usedAt = this.#host.now()
    while (!this.#loading && !this.#regrouping && !(this.#rebuilding && this.#gate.inFlight > 0)) {
      this.#rebuilding = false
      const item = this.#waiting[0]
      if (item === undefined) return
      if (!isRead(item) && !this.#host.hasRoom()) return this.#host.whenRoom(this)
      // It leaves first: whoever is answered in this very tick may ask again, and that pumps as well.
      this.#waiting.shift()
      const missing = isRead(item) ? this.#read(item) : this.#judge(item)
      if (missing === undefined) continue
      this.#waiting.unshift(item)
      return this.#load(missing)
    }
  }

  /** The states to keep when the group leaves memory. */
  snapshots(eventsMin: number): ReadonlyArray<SnapshotDue> {
    return this.#actors.snapshots(eventsMin)
  }

  get dataKey(): DataKey | undefined {
    return this.#dataKey
  }

  #read(read: Read): ReadonlyArray<StreamRef> | undefined {
    const missing = read.refs.filter(([kind, id]) => {
      const actor = this.#actors.find(kind, id)
      return actor === undefined || isGuess(actor)
    })
    if (missing.length > 0) return missing.map(([kind, id]) => ({ aggregate: aggregateOfKind(kind).code, id }))
    const views = read.refs.map(([kind, id]): View<unknown> => {
      const { state, seq } = this.#actors.find(kind, id) ?? { state: undefined, seq: 0 }
      return { state, seq }
    })
    this.#gated(read, () => read.reply(views))
    return undefined
  }

  /** The output gate holds for what is not committed as well: what it was judged on may still fail to commit. */
  #gated(item: Pending | Read, reply: () => void): void {
    const generation = this.#generation
    const answer = (): void => {
      if (this.#generation === generation) return reply()
      if (isRead(item)) return this.admit(item)
      this.#retrying.push(item)
      this.#regroup()
    }
    this.#gate.after(answer)
  }

  /** An answer that stores nothing is fenced all the same: who has lost the shard does not know what is true (P2, P5). */
  #answerUnwritten(pending: Pending, reply: Reply): void {
    this.#gated(pending, () =>
      this.#host.commit({
        units: [emptyUnit(this.business, this.key, this.shard)],
        groups: [],
        committed: () => pending.reply(reply),
        failed: () => pending.reply({ _tag: "Failed", refusal: new ShardMoved() })
      })
    )
  }

  /** One turn. Returns the streams that have to be loaded first, if any. */
  #judge(pending: Pending): ReadonlyArray<StreamRef> | undefined {
    const now = this.#host.now()
    if (now > pending.deadlineAt) {
      pending.reply({ _tag: "Failed", refusal: new DeadlinePassed() })
      return undefined
    }
    const decider = deciderOf(pending.command)
    const { actors, missing } = this.#actors.gather(decider, pending)
    if (missing.length > 0) return missing
    const current = actors[0]?.seq ?? 0
    if (pending.expectedSeq !== undefined && pending.expectedSeq !== current) {
      this.#answerUnwritten(pending, { _tag: "Failed", refusal: new PreconditionFailed({ current }) })
      return undefined
    }
    const at = Math.max(now, this.#lastAt)
    let decided: Decided
    try {
      const judgement = this.#decide(decider, actors, pending, at)
      const unknown = unproven(actors, Result.isSuccess(judgement) ? judgement.success : undefined)
      if (unknown !== undefined) return unknown
      this.#lastAt = at
      if (Result.isFailure(judgement) && isTransient(judgement.failure) && !pending.fromInbox) {
        const outcome = Result.fail(judgement.failure)
        this.#answerUnwritten(pending, { _tag: "Outcome", outcome, replayed: false, seq: current })
        return undefined
      }
      decided = this.#apply(pending, judgement, actors, at)
    } catch (cause) {
      this.#threw(pending, cause)
      return undefined
    }
    this.#spreading = true
    this.#host.submit(decided, pending.attempts === 0)
    this.#spreading = false
    return undefined
  }

  /**
   * The turn of a message as part of the commit of the turn that sent it, so that it never stands in the inbox.
   * `undefined`, and no trace, if it has to wait, is refused, throws or moves a claim: then it is sent as a message.
   */
  judgeAtOnce(message: Pending): Decided | undefined {
    if (this.#surrendered || this.#loading || this.#regrouping || this.#rebuilding) return undefined
    // Those who came before take their turns before.
    if (this.size >= mailboxSizeMax || (this.#waiting.length > 0 && !this.#spreading)) return undefined
    const decider = deciderOf(message.command)
    const { actors, missing } = this.#actors.gather(decider, message)
    if (missing.length > 0) return undefined
    const at = Math.max(this.#host.now(), this.#lastAt)
    try {
      const judgement = this.#decide(decider, actors, message, at)
      if (Result.isFailure(judgement) || unproven(actors, judgement.success) !== undefined) return undefined
      const { takes = [], releases = [] } = judgement.success
      if (takes.length > 0 || releases.length > 0) return undefined
      const decided = this.#apply(message, judgement, actors, at)
      this.#lastAt = at
      this.usedAt = at
      return decided
    } catch {
      // Sent as a message it throws again, and is parked for an operator.
      return undefined
    }
  }

  #decide(decider: AnyDecider, actors: ReadonlyArray<Resident>, pending: Pending, at: number): Judgement {
    this.#turnBeganAt = performance.now()
    if (pending.claimTaken !== undefined) return Result.fail({ _tag: "AlreadyTaken", kind: pending.claimTaken })
    const states: Record<string, unknown> = {}
    for (const actor of actors) states[actor.aggregate.kind] = actor.state
    const business = this.#host.business(this.business) ?? noBusiness
    return decider.decide(states, pending.command, { at, key: this.key, commandId: pending.id, business })
  }

  /** Advances the states and encodes what has to become durable; throws and changes nothing if that cannot be. */
  #apply(pending: Pending, judgement: Judgement, actors: ReadonlyArray<Resident>, at: number): Decided {
    const { codec, sealer } = this.#host
    const { business, key, shard } = this
    const dataKeyIsNew = Result.isSuccess(judgement) && this.#needsDataKey(judgement.success)
    let encoded: Encoded
    try {
      const place = { codec, sealer, business, key, shard, at, dataKey: this.#dataKey, dataKeyIsNew }
      encoded = encode(place, pending, judgement, actors)
    } catch (cause) {
      if (dataKeyIsNew) this.#dataKey = undefined
      throw cause
    }
    this.#host.meter.turned(pending, encoded, this.#turnBeganAt)
    const { outcome, written } = encoded
    const seq = actors[0]?.seq ?? 0
    const generation = this.#generation
    const isParked = Result.isSuccess(judgement) && judgement.success.parked === true
    for (const actor of written) actor.unitsInFlight += 1
    this.#gate.entered()
    return {
      ...encoded,
      group: this,
      published: (turn) => {
        for (const actor of written) {
          actor.assumed = false
          actor.unitsInFlight -= 1
        }
        this.#actors.dismissGuests()
        if (outcome === undefined) this.#host.leftOpen(pending, this, isParked)
        this.#host.published(turn)
      },
      // After it: whoever is answered may act on it at once, and finds it in effect.
      answered: () => {
        this.#host.settle(encoded.turn.settles)
        this.#gate.left()
        if (outcome !== undefined) pending.reply({ _tag: "Outcome", outcome, replayed: false, seq })
        if (this.#waiting.length > 0) this.pump()
      },
      failed: (failure) => this.#failed(pending, failure, generation)
    }
  }

  /** A contact's key is made with its first personal event. Returns whether this unit has to store it. */
  #needsDataKey(decision: Decision): boolean {
    if (this.#dataKey !== undefined || decision.events.length === 0) return false
    if (this.#dataKeyKnown && !decision.events.some(({ _tag }) => beginsPersonal.has(_tag))) return false
    this.#dataKey = this.#host.sealer.makeDataKey()
    return true
  }

  /** The states stand on something that is not true: they are dropped, and the commands are judged again in order. */
  #failed(pending: Pending, failure: UnitFailure | undefined, generation: object): void {
    if (this.#generation === generation) {
      this.#generation = {}
      this.#rebuilding = true
      this.#actors.clear()
      this.#dataKey = undefined
      this.#dataKeyKnown = false
    }
    if (failure !== undefined) this.#endOrRetry(pending, failure)
    this.#gate.left()
    this.#regroup()
  }

  #endOrRetry(pending: Pending, failure: UnitFailure): void {
    if (failure._tag === "Duplicate") this.#replay(pending, failure.row)
    else if (failure._tag === "Fenced") pending.reply({ _tag: "Failed", refusal: new ShardMoved() })
    else if (failure._tag === "Poisonous") this.#giveUp(pending, new TurnFailed({ cause: `SQLSTATE ${failure.state}` }))
    else {
      if (failure._tag === "ClaimTaken") pending.claimTaken = failure.kind
      if (failure._tag !== "Undermined") pending.attempts += 1
      // A message that came again would find itself behind those that came after it.
      if (pending.attempts > attemptsMax && !pending.fromInbox) {
        const refusal = new ActorUnavailable({ cause: "its commits failed again and again" })
        pending.reply({ _tag: "Failed", refusal })
      } else this.#retrying.push(pending)
    }
  }

  #regroup(): void {
    if (this.#regrouping) return
    this.#regrouping = true
    queueMicrotask(() => {
      this.#regrouping = false
      // Not all of them come back at once: what waited at the gate is the last to hear of a failure.
      this.#waiting = [...this.#retrying, ...this.#waiting].toSorted((left, right) => left.place - right.place)
      this.#retrying = []
      this.pump()
    })
  }

  /** The journal knows this command: its first outcome is the only one. */
  #replay(pending: Pending, row: CommandRow): void {
    if (pending.fromInbox) {
      // Done before; only the inbox row is left over.
      this.#host.commit({
        units: [{ ...emptyUnit(this.business, this.key, this.shard), done: pending.id }],
        groups: [],
        committed: () => pending.reply({ _tag: "Failed", refusal: new StillRunning({ commandId: pending.id }) }),
        failed: () => pending.reply({ _tag: "Failed", refusal: new StillRunning({ commandId: pending.id }) })
      })
      return
    }
    this.#host.load(this.business, row.key, [], (loaded) =>
      pending.reply(
        row.business === this.business
          ? replayOf(this.#host, row, pending.fingerprint, loaded)
          : { _tag: "Failed", refusal: new CommandIdReused() }
      )
    )
  }

  /** Behind a commit that fails, such as that of a repeated command, it threw on a state that never was. */
  #threw(pending: Pending, cause: unknown): void {
    this.#gated(pending, () => this.#giveUp(pending, new TurnFailed({ cause })))
  }

  #giveUp(pending: Pending, refusal: RuntimeRefusal): void {
    this.#host.gaveUp(pending, "cause" in refusal ? String(refusal.cause) : refusal._tag)
    pending.reply({ _tag: "Failed", refusal })
  }

  #load(streams: ReadonlyArray<StreamRef>): void {
    this.#loading = true
    const generation = this.#generation
    this.#host.load(this.business, this.key, streams, (loaded) => {
      this.#loading = false
      if (generation !== this.#generation) return this.pump()
      try {
        if ("cause" in loaded) throw loaded.cause
        this.#take(loaded)
      } catch (cause) {
        return this.#turnAway(new ActorUnavailable({ cause }))
      }
      this.pump()
    })
  }

  #take(loaded: Loaded): void {
    const { codec, sealer } = this.#host
    if (!this.#dataKeyKnown && loaded.dataKey !== undefined) {
      this.#dataKey = sealer.unwrap(this.business, this.key, loaded.dataKey)
    }
    this.#dataKeyKnown = true
    for (const stream of loaded.streams) {
      this.#lastAt = Math.max(this.#lastAt, stream.lastAt)
      this.#actors.adopt(restore(codec, stream, this.#dataKey))
    }
  }
}
