/**
 * The database of a view, as far as the projector uses one: its cursors, the rows of one view, and transactions that hold a
 * lock, see what they wrote, and leave nothing behind when their process dies. The projector that runs on it is the
 * runtime's own. The view writes down every event it is given, so that a gap, a double and a wrong order all show.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SqlClient } from "effect/sql/SqlClient"
import { JournalUnavailable } from "#runtime/journal/Journal.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import type { Projection } from "#runtime/projection/Projection.ts"
import { allShards } from "#runtime/actor/Placement.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import type { Connection } from "./Connection.ts"
import type { Process } from "./Machine.ts"

const write = "INSERT INTO simulated_view"
const types = ["FundsCredited", "FundsDebited", "FundsReturned", "PurchasePaid", "DrawCounted"] as const
const wanted: ReadonlySet<string> = new Set(types)

/** One line to an event, those of one key in order. */
const lineOf = ({ aggregate, id, seq, type }: EventRow): string => `${aggregate}/${id}/${seq} ${type}`

export const projection: Projection = {
  name: "simulated_view",
  types,
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("DELETE FROM simulated_view")),
  apply: (sql, events) =>
    Effect.asVoid(
      sql.unsafe(
        write,
        events.map(({ row }) => [row.key, lineOf(row)])
      )
    )
}

interface Transaction {
  readonly process: Process
  readonly cursors: Map<number, number>
  readonly lines: Array<readonly [key: string, line: string]>
  isReset: boolean
}

/** The transaction that a statement belongs to. */
const Current = Context.Reference<Transaction | undefined>("simulation/Transaction", { defaultValue: () => undefined })

const lost = (): JournalUnavailable => new JournalUnavailable({ operation: "view", cause: "its transaction is gone" })

export class ViewDatabase {
  readonly cursors = new Map<number, number>()
  readonly rows = new Map<string, ReadonlyArray<string>>()
  readonly #store: Store
  #holder: Transaction | undefined
  /** Who waits for the lock. */
  #waiting: Array<{ readonly transaction: Transaction; readonly enter: () => void }> = []
  /** Called when a projector is about to commit; true ends its process there. */
  dies: (process: Process, at: "before" | "after") => boolean = () => false

  constructor(store: Store) {
    this.#store = store
  }

  /** Its connections are closed: what it had not committed never was. */
  gone(process: Process): void {
    this.#waiting = this.#waiting.filter(({ transaction }) => transaction.process !== process)
    if (this.#holder?.process === process) this.#release()
  }

  get isCaughtUp(): boolean {
    return [...this.#store.shards].every(
      ([shard, rows]) => (rows.at(-1)?.offset ?? 0) === (this.cursors.get(shard) ?? 0)
    )
  }

  /** What the view would be if it were built from the journal now. */
  rebuilt(): ReadonlyMap<string, ReadonlyArray<string>> {
    const rows = new Map<string, Array<string>>()
    for (const shard of allShards) {
      for (const row of this.#store.shards.get(shard) ?? []) {
        if (!wanted.has(row.type)) continue
        const lines = rows.get(row.key) ?? []
        lines.push(lineOf(row))
        rows.set(row.key, lines)
      }
    }
    return rows
  }

  #release(): void {
    const next = this.#waiting.shift()
    this.#holder = next?.transaction
    next?.enter()
  }

  #apply({ cursors, lines, isReset }: Transaction): void {
    if (isReset) this.rows.clear()
    for (const [shard, offset] of cursors) this.cursors.set(shard, offset)
    for (const [key, line] of lines) this.rows.set(key, [...(this.rows.get(key) ?? []), line])
  }

  /** What a statement returns; what it writes waits for the commit. */
  #run(text: string, parameters: ReadonlyArray<unknown>, transaction: Transaction): ReadonlyArray<object> {
    if (text.startsWith("INSERT INTO projection_cursor")) return []
    if (text.startsWith("SELECT shard, shard_offset")) {
      return [...this.cursors].map(([shard, shard_offset]) => ({ shard, shard_offset }))
    }
    if (text.startsWith("SELECT s.shard, h.head")) {
      return [...this.#store.shards].map(([shard, rows]) => ({ shard, head: rows.at(-1)?.offset ?? 0 }))
    }
    if (text.startsWith("WITH held AS (SELECT c.shard, m.after")) {
      const moves = JSON.parse(String(parameters[1])) as ReadonlyArray<{ shard: number; before: number; after: number }>
      const moved = moves.filter(({ shard, before }) => (this.cursors.get(shard) ?? 0) === before)
      for (const { shard, after } of moved) transaction.cursors.set(shard, after)
      return moved
    }
    if (text === write) {
      transaction.lines.push(...(parameters as ReadonlyArray<readonly [string, string]>))
      return []
    }
    throw new Error(`the simulation knows no such statement: ${text}`)
  }

  /** The client of one process. */
  client(process: Process, connection: Connection): SqlClient {
    const begin = (): Transaction => ({ process, cursors: new Map(), lines: [], isReset: false })
    const commit = (transaction: Transaction) =>
      connection.call(
        "view",
        Effect.suspend(() => {
          if (this.#holder !== transaction) return Effect.fail(lost())
          if (this.dies(process, "before")) return Effect.fail(lost())
          this.#apply(transaction)
          this.#release()
          this.dies(process, "after")
          return Effect.void
        })
      )
    const end = (transaction: Transaction): void => {
      if (this.#holder === transaction) this.#release()
      else this.#waiting = this.#waiting.filter((each) => each.transaction !== transaction)
    }
    const locked = (transaction: Transaction): Effect.Effect<void> =>
      Effect.callback((resume) => {
        if (this.#holder === transaction) return resume(Effect.void)
        const enter = (): void => process.enqueue(() => resume(Effect.void))
        if (this.#holder !== undefined) return void this.#waiting.push({ transaction, enter })
        this.#holder = transaction
        resume(Effect.void)
      })
    const withTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        const transaction = begin()
        return Effect.onExit(
          Effect.provideService(effect, Current, transaction).pipe(Effect.tap(() => commit(transaction))),
          (exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => end(transaction)))
        )
      })
    const unsafe = (text: string, parameters: ReadonlyArray<unknown> = []) =>
      Effect.flatMap(Current, (current) => {
        const within = (transaction: Transaction) =>
          connection.call(
            "view",
            Effect.sync(() => this.#run(text, parameters, transaction))
          )
        if (current !== undefined) return Effect.andThen(locked(current), within(current))
        if (!text.startsWith("WITH held")) return within(begin())
        // A write outside of a transaction is one of its own.
        const transaction = begin()
        return Effect.andThen(
          locked(transaction),
          Effect.tap(within(transaction), () => commit(transaction))
        )
      })
    // Only what the projector uses is there.
    return { unsafe, withTransaction } as unknown as SqlClient
  }
}
