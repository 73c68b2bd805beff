/**
 * (l): the embedded segment store over journals of several sizes. It is filled from zero, as at each start, and then asked for
 * all members of one segment, each time anew; a process a journal, one after the other.
 */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { makeSecrets } from "./KoinonProcess.ts"
import { forkPeer } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import type { SegmentSize } from "./Results.ts"
import type { SegmentAnswers } from "./SegmentProcess.ts"

/** Once before the rounds, for the compiler. */
const warmUps = 1

const measureSize = Effect.fnUntraced(function* (
  plan: Plan,
  folder: string,
  contacts: number,
  say: (text: string) => void
) {
  const nodeFlags = plan.profile ? ["--cpu-prof", "--cpu-prof-dir=.koinon/profiles"] : []
  const words = [join(folder, `segments-${contacts}`), makeSecrets().masterSecret]
  const peer = yield* forkPeer<SegmentAnswers>("./SegmentProcess.ts", { words, nodeFlags })
  say(`(l) writing ${contacts.toLocaleString("en-US")} contacts`)
  yield* peer.ask("fill", { from: 0, contacts })
  const eventsPerSecond: Array<number> = []
  const cpuMicros: Array<number> = []
  const taken = { profiles: [] as Array<number>, events: [] as Array<number> }
  let mebibytes = 0
  for (let round = -warmUps; round < plan.shorter.rounds; round += 1) {
    say(`(l) segments of ${contacts.toLocaleString("en-US")} contacts, round ${Math.max(0, round + 1)}`)
    const followed = yield* peer.ask("follow", undefined)
    mebibytes = Math.max(mebibytes, followed.mebibytes)
    if (round >= 0) {
      eventsPerSecond.push(followed.events / followed.seconds)
      cpuMicros.push(followed.cpuMicrosEach)
    }
    for (const what of ["profiles", "events"] as const) {
      const { tookMs } = yield* peer.ask("recompute", { of: what })
      if (round >= 0) taken[what].push(tookMs)
    }
  }
  return {
    contacts,
    eventsPerSecond,
    cpuMicrosEach: cpuMicros,
    profilesMs: taken.profiles,
    eventsMs: taken.events,
    mebibytes
  } satisfies SegmentSize
}, Effect.scoped)

export const measureSegments = Effect.fn("Segments.measureSegments")(
  (plan: Plan, folder: string, say: (text: string) => void) =>
    Effect.forEach(plan.segmented, (contacts) => measureSize(plan, folder, contacts, say))
)
