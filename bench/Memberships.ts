/** (m): rounds of `LiveMemberships.ts`, in a process that is warm after the first. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { makeSecrets } from "./KoinonProcess.ts"
import type { LiveMembershipAnswers } from "./LiveMemberships.ts"
import { forkPeer } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import type { MembershipRound } from "./Results.ts"

const second = 1_000

export const measureMemberships = Effect.fn("Memberships.measureMemberships")(function* (
  plan: Plan,
  folder: string,
  say: (text: string) => void
) {
  const nodeFlags = plan.profile ? ["--cpu-prof", "--cpu-prof-dir=.koinon/profiles"] : []
  const words = [join(folder, "memberships"), makeSecrets().masterSecret]
  const peer = yield* forkPeer<LiveMembershipAnswers>("./LiveMemberships.ts", { words, nodeFlags })
  say("(m) live segments are computed")
  yield* peer.ask("prepare", undefined)
  const rounds: Array<MembershipRound> = []
  for (let round = 0; round < plan.rounds; round += 1) {
    say(`(m) commit to live membership, round ${round + 1}`)
    const warmUpSeconds = (round === 0 ? plan.firstWarmUpMs : plan.warmUpMs) / second
    rounds.push(yield* peer.ask("measure", { seconds: plan.tailMs / second, warmUpSeconds }))
  }
  return rounds
}, Effect.scoped)
