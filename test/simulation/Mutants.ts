/**
 * The product with one guard taken out, to see that the simulation misses it: one exact snippet of one source file is
 * replaced while Node loads it, and nothing on disk is touched. A snippet that is not there exactly once is stale, and
 * says so, for a mutant that mutates nothing proves nothing.
 */
import { registerHooks } from "node:module"

interface Mutant {
  readonly file: string
  readonly snippet: string
  readonly replacement: string
}

export const mutants = {
  "no fence": {
    file: "src-runtime/storage/JournalMemory.ts",
    snippet: "if (batch.fence.some(([shard, epoch]) => store.epochs.get(shard)?.epoch !== epoch)) {",
    replacement: "if (batch.fence.length < 0) {"
  },
  "no unique command id": {
    file: "src-runtime/storage/JournalMemory.ts",
    snippet: 'if (id !== undefined && (store.commands.has(id) || commands.has(id))) return "command_pkey"',
    replacement: ""
  },
  "no unique value": {
    file: "src-runtime/storage/JournalMemory.ts",
    snippet: 'if (store.claims.has(name) || claims.has(name)) return "claim_pkey"',
    replacement: ""
  },
  "no output gate": {
    file: "src-runtime/actor/OutputGate.ts",
    snippet: "if (this.#inFlight === 0) say()",
    replacement: "if (this.#inFlight >= 0) say()"
  },
  "an answer before its commit": {
    file: "src-runtime/actor/Group.ts",
    snippet: "this.#host.submit(decided, pending.attempts === 0)",
    replacement:
      "if (decided.outcome !== undefined) " +
      'pending.reply({ _tag: "Outcome", outcome: decided.outcome, replayed: false, seq: 0 }); ' +
      "this.#host.submit(decided, pending.attempts === 0)"
  },
  "a lost answer taken for a commit": {
    file: "src-runtime/journal/Committer.ts",
    snippet: "batchId !== undefined && (yield* untilReachable(journal.hasBatch(batchId)))",
    replacement: "batchId !== undefined && ((yield* untilReachable(journal.hasBatch(batchId))) || true)"
  },
  "messages that overtake each other": {
    file: "src-runtime/actor/Cascade.ts",
    snippet: "if (parts.length >= turnsMax || delivery.isOnTheWay(from, key)) return undefined",
    replacement: "if (parts.length >= turnsMax) return undefined"
  },
  "a cursor before its rows": {
    file: "src-runtime/projection/ProjectionSink.ts",
    snippet:
      "events.length > 0 ? Effect.suspend(() => projection.apply(sql, events)) : Effect.void\n          )\n        ),",
    replacement:
      "Effect.void)).pipe(Effect.andThen(events.length > 0 ? " +
      "sql.withTransaction(Effect.suspend(() => projection.apply(sql, events))) : Effect.void)),"
  },
  "a torn snapshot trusted": {
    file: "src-runtime/actor/Loading.ts",
    snippet: "stream.snapshot === undefined || codec.trusts(stream.snapshot)",
    replacement: "stream.snapshot === undefined || codec.trusts(stream.snapshot) || true"
  }
} as const satisfies Readonly<Record<string, Mutant>>

export type MutantName = keyof typeof mutants

export const isMutant = (name: string): name is MutantName => Object.hasOwn(mutants, name)

/** To be called before anything of the product is loaded. `applied` tells whether its file was loaded since. */
export const apply = (name: MutantName): { readonly applied: () => boolean } => {
  const { file, snippet, replacement } = mutants[name]
  let isApplied = false
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(file)) return loaded
      const { source = "" } = loaded
      const text = typeof source === "string" ? source : new TextDecoder().decode(source ?? undefined)
      const parts = text.split(snippet)
      if (parts.length !== 2) {
        throw new Error(`the mutant "${name}" is stale: ${file} has its snippet ${parts.length - 1} times`)
      }
      isApplied = true
      return { ...loaded, source: parts.join(replacement) }
    }
  })
  return { applied: () => isApplied }
}
