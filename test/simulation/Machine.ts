/**
 * A machine that runs processes by a schedule drawn from a seed: virtual time, and for each process a queue of its own in
 * place of the event loop. What the runtime gives to `setImmediate`, to `queueMicrotask`, to its clock and to Effect's
 * scheduler all lands there, so a process can be frozen between two tasks or be gone without a word, and the same seed
 * gives the same history. All of it is synchronous: nothing real is waited for.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import type { Chance } from "../chaos/Chance.ts"

type Task = () => void

export class Process {
  readonly name: string
  /** A frozen process keeps what arrives for later; one that is gone takes nothing any more. */
  state: "running" | "frozen" | "gone" = "running"
  /** How far its wall clock is off. */
  clockOffsetMs = 0
  readonly tasks: Array<Task> = []
  readonly microtasks: Array<Task> = []

  constructor(name: string) {
    this.name = name
  }

  enqueue(task: Task): void {
    if (this.state !== "gone") this.tasks.push(task)
  }
}

interface Happening {
  readonly at: number
  /** Decides among those of one instant. */
  readonly rank: number
  readonly happens: Task
}

const isBefore = (one: Happening, other: Happening): boolean =>
  one.at === other.at ? one.rank < other.rank : one.at < other.at

export class Machine {
  /** Milliseconds since the start; never goes back. */
  now = 0
  /** Counts what is told and done, for an order that milliseconds do not give. */
  order = 0
  /** The true wall clock at the start, epoch milliseconds; a leap moves it. */
  wallStart: number
  readonly #chance: Chance
  readonly #processes: Array<Process> = []
  readonly #heap: Array<Happening> = []
  #current: Process | undefined

  constructor(chance: Chance, wallStart: number) {
    this.#chance = chance
    this.wallStart = wallStart
  }

  get wallNow(): number {
    return this.wallStart + this.now
  }

  start(name: string): Process {
    const process = new Process(name)
    this.#processes.push(process)
    return process
  }

  kill(process: Process): void {
    process.state = "gone"
    process.tasks.length = 0
    process.microtasks.length = 0
    this.#processes.splice(this.#processes.indexOf(process), 1)
  }

  after(delayMs: number, happens: Task): void {
    const heap = this.#heap
    const added: Happening = { at: this.now + Math.max(0, delayMs), rank: this.#chance.next(), happens }
    let index = heap.length
    heap.push(added)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] as Happening
      if (!isBefore(added, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = added
  }

  #earliest(): Happening | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let index = 0
    while (true) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as Happening)) child += 1
      if (!isBefore(heap[child] as Happening, last)) break
      heap[index] = heap[child] as Happening
      index = child
    }
    heap[index] = last
    return first
  }

  /** One task of one process that has any, or else the next thing in time. False when nothing will ever happen again. */
  step(): boolean {
    const ready = this.#processes.filter(({ state, tasks }) => state === "running" && tasks.length > 0)
    const process = ready.length > 1 ? this.#chance.pick(ready) : ready[0]
    const task = process?.tasks.shift()
    if (process !== undefined && task !== undefined) {
      this.within(process, task)
      return true
    }
    const next = this.#earliest()
    if (next === undefined) return false
    this.now = Math.max(this.now, next.at)
    next.happens()
    return true
  }

  /** Runs as that process, with what it asked to be done at the end of the task. */
  within(process: Process, task: Task): void {
    const before = this.#current
    this.#current = process
    try {
      task()
      for (let soon = process.microtasks.shift(); soon !== undefined; soon = process.microtasks.shift()) soon()
    } finally {
      this.#current = before
    }
  }

  /** What an Effect of that process finds in place of time, scheduling and a terminal. */
  surroundings(process: Process): Context.Context<never> {
    const scheduler = new Scheduler.MixedScheduler("async", (task) => {
      let isOff = false
      process.enqueue(() => void (isOff || task()))
      return () => void (isOff = true)
    })
    return Context.empty().pipe(
      Context.add(Clock.Clock, this.#clock(process)),
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(References.MinimumLogLevel, "None")
    )
  }

  #clock(process: Process): Clock.Clock {
    const millis = (): number => this.wallNow + process.clockOffsetMs
    const nanos = (): bigint => BigInt(millis()) * 1_000_000n
    const monotonic = (): bigint => BigInt(this.now) * 1_000_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) =>
        Effect.callback((resume) => {
          let isOff = false
          this.after(Math.ceil(Duration.toMillis(duration)), () => {
            if (!isOff) process.enqueue(() => resume(Effect.void))
          })
          return Effect.sync(() => void (isOff = true))
        })
    }
  }

  /** Lets the machine stand in for Node's event loop as long as `run` takes. */
  asEventLoop<A>(run: () => A): A {
    const { setImmediate, clearImmediate, queueMicrotask } = globalThis
    const { now } = performance
    const running = (): Process => {
      if (this.#current === undefined) throw new Error("something runs outside of every process")
      return this.#current
    }
    const immediate = (task: (...given: ReadonlyArray<unknown>) => void, ...given: ReadonlyArray<unknown>) => {
      const handle = { isOff: false }
      running().enqueue(() => void (handle.isOff || task(...given)))
      return handle
    }
    Object.assign(globalThis, {
      setImmediate: immediate,
      clearImmediate: (handle: { isOff: boolean } | undefined) => void (handle !== undefined && (handle.isOff = true)),
      queueMicrotask: (task: Task) => void running().microtasks.push(task)
    })
    // How long something takes decides when others get their turn: here it takes no time.
    Object.assign(performance, { now: () => this.now })
    try {
      return run()
    } finally {
      Object.assign(globalThis, { setImmediate, clearImmediate, queueMicrotask })
      Object.assign(performance, { now })
    }
  }
}
