/**
 * The bars that Koinon is held to. Each ratio is taken within a round, whose measures ran one after the other on the same
 * machine, and the median of the rounds decides.
 */
import {
  type Bar,
  type ColdRound,
  growthKey,
  type JournalSize,
  type LoadKey,
  type LoadRow,
  type MemoryRound,
  type PushRound,
  type MembershipRound,
  type SegmentSize,
  type SocketRound,
  spreadOf
} from "./Results.ts"

const residentBytesMax = 4_096
const socketBytesMax = 20 * 1024
const coldP99MsMax = 5
const httpP99MsMax = 25
const pushP99MsMax = 20
const membershipP99MsMax = 50
const sharedPurchasesMin = 2_000
/** What is asked of a large journal is asked of this one. */
const manyContacts = 1_000_000
const fewContacts = 1_000
const keptOfRateMin = 0.85
const startMsMax = 3_000
const followedPerSecondMin = 20_000
const writtenPerSecondMin = 20_000

interface Found {
  readonly rows: ReadonlyArray<LoadRow>
  readonly cold: ReadonlyArray<ColdRound>
  readonly memory: ReadonlyArray<MemoryRound>
  readonly pushes: ReadonlyArray<PushRound>
  readonly sockets: ReadonlyArray<SocketRound>
  readonly sizes: ReadonlyArray<JournalSize>
  readonly segments: ReadonlyArray<SegmentSize>
  readonly memberships: ReadonlyArray<MembershipRound>
}

export const barsOf = ({
  rows,
  cold,
  memory,
  pushes,
  sockets,
  sizes,
  segments,
  memberships
}: Found): ReadonlyArray<Bar> => {
  const roundsOf = (key: LoadKey) => rows.find((row) => row.key === key)?.rounds ?? []
  const ratesOf = (key: LoadKey) => roundsOf(key).map(({ closed }) => closed.ratePerSecond)
  const ratios = (key: LoadKey, to: LoadKey) => {
    const below = ratesOf(to)
    return ratesOf(key).flatMap((rate, round) => (below[round] === undefined ? [] : [rate / below[round]]))
  }
  const bar =
    (name: string, limit: { readonly least: number } | { readonly most: number }, unit: string) =>
    (values: ReadonlyArray<number>): Bar => {
      const found = spreadOf(values)
      const wanted = "least" in limit ? `≥ ${limit.least}` : `≤ ${limit.most}`
      if (found === undefined) return { name, wanted, unit }
      return {
        name,
        wanted,
        unit,
        found,
        met: "least" in limit ? found.median >= limit.least : found.median <= limit.most
      }
    }
  const many = sizes.filter(({ contacts }) => contacts === manyContacts)
  const kept = (way: "commands" | "http") =>
    ratios(growthKey(way, "set", manyContacts), growthKey(way, "set", fewContacts))
  return [
    bar("(c) to (b), 1,000 wallets", { least: 3 }, "×")(ratios("c.spread", "b.spread")),
    bar("(c) to (b), one wallet", { least: 15 }, "×")(ratios("c.hot", "b.hot")),
    bar("(c) to (s), 1,000 wallets", { least: 30 }, "×")(ratios("c.spread", "s.spread")),
    bar("(c) one wallet to 1,000", { least: 0.8 }, "×")(ratios("c.hot", "c.spread")),
    bar("(d) to (a)", { least: 0.2 }, "×")(ratios("d.spread", "a")),
    bar("(d) p99, 1,000 wallets", { most: httpP99MsMax }, "ms")(roundsOf("d.spread").map(({ open }) => open.p99Ms)),
    bar("(d) one wallet to 1,000", { least: 0.8 }, "×")(ratios("d.hot", "d.spread")),
    bar("(e) shared purchases", { least: sharedPurchasesMin }, "/s")(ratesOf("e")),
    bar("(f) cold activation, p99", { most: coldP99MsMax }, "ms")(cold.map(({ p99Ms }) => p99Ms)),
    bar("(g) a resident contact", { most: residentBytesMax }, "bytes")(memory.map(({ bytes }) => bytes)),
    bar("(h) commands, 1,000,000 contacts to 1,000", { least: keptOfRateMin }, "×")(kept("commands")),
    bar("(h) HTTP debits, 1,000,000 contacts to 1,000", { least: keptOfRateMin }, "×")(kept("http")),
    bar(
      "(h) 1,000,000 contacts written in bulk",
      { least: writtenPerSecondMin },
      "/s"
    )(many.flatMap(({ writtenPerSecond = [] }) => writtenPerSecond)),
    bar("(i) start with 1,000,000 contacts", { most: startMsMax }, "ms")(many.flatMap(({ startMs }) => startMs)),
    bar(
      "(l) events into the segment store",
      { least: followedPerSecondMin },
      "/s"
    )(segments.at(-1)?.eventsPerSecond ?? []),
    bar("(k) a debit's turn to its push, p99", { most: pushP99MsMax }, "ms")(pushes.map(({ turnP99Ms }) => turnP99Ms)),
    bar(
      "(m) commit to live membership, p99",
      { most: membershipP99MsMax },
      "ms"
    )(memberships.map(({ p99Ms }) => p99Ms)),
    bar(
      "(n) an idle live socket, resident",
      { most: socketBytesMax },
      "bytes"
    )(sockets.map(({ residentBytes }) => residentBytes)),
    bar(
      "(n) an idle live socket, on the heap",
      { most: socketBytesMax },
      "bytes"
    )(sockets.map(({ heapBytes }) => heapBytes))
  ]
}
