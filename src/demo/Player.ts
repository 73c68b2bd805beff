/**
 * Plays the story in its time: performs each step, waits for what the apps are told and for what the wallets then hold,
 * shows it, and notes what is not as the story says.
 */
import * as Effect from "effect/Effect"
import { check, perform, type Play } from "./Actions.ts"
import type { World } from "./Opening.ts"
import { panelRows, progressRow, standingRows } from "./Panel.ts"
import type { Line, Screen } from "./Screen.ts"
import { nameOf, pushOf, timeOf } from "./Sentences.ts"
import { initially, type Standings, type Step, story } from "./Story.ts"
import { eventually, isAs, readStandings } from "./Wallets.ts"

/** How often the progress is drawn while nothing happens. */
const tickMs = 200
/** After the last step there is something to read before the reckoning. */
const lastPauseSeconds = 4
export const storySeconds = (story.at(-1)?.at ?? 0) + lastPauseSeconds

export interface Pace {
  /** Seconds of the story to a second of ours; absent: no waiting. */
  readonly speed: number | undefined
}

/** The pushes that the step waits for, an app a line. */
const hear = Effect.fnUntraced(function* (play: Play, { pushes }: Step, startedAt: number, standings: Standings) {
  const { contacts, silence } = play.world
  if (silence !== undefined) return []
  const lines: Array<Line> = []
  for (const key of new Set(pushes.map(([key]) => key))) {
    const told: Array<string> = []
    let lastAt = startedAt
    for (const [, type] of pushes.filter(([to]) => to === key)) {
      const push = yield* contacts[key].live?.take(type) ?? Effect.undefined
      lines.push(...check(play, push !== undefined, `${nameOf(key)}'s app was to be told ${type}`))
      if (push === undefined) continue
      told.push(pushOf(push.event, play.world, standings))
      lastAt = Math.max(lastAt, push.at)
    }
    lines.push({
      mark: "»",
      markTone: "live",
      text: `${nameOf(key)}'s app: ${told.join("; ")} ${timeOf(lastAt - startedAt)}`,
      tone: "live"
    })
  }
  return lines
})

const forget = ({ contacts }: World) =>
  Effect.forEach(Object.values(contacts), ({ live }) => live?.forget ?? Effect.void, { discard: true })

export const play = Effect.fnUntraced(function* (world: World, screen: Screen, { speed }: Pace) {
  const state: Play = { world, posted: new Map(), relationships: new Map(), differences: [], standings: initially }
  const startedAt = performance.now()
  const secondsNow = (): number => ((performance.now() - startedAt) / 1000) * (speed ?? 1)
  const show = (at: number, index: number, before: Standings) =>
    screen.show([
      ...panelRows(screen, state.standings, before),
      progressRow(screen, at, storySeconds, index, story.length)
    ])
  const waitUntil = Effect.fnUntraced(function* (at: number, index: number, before: Standings) {
    if (speed === undefined) return
    for (let now = secondsNow(); now < at; now = secondsNow()) {
      yield* show(now, index, before)
      yield* Effect.sleep(Math.min(tickMs, ((at - now) / speed) * 1000))
    }
  })

  let before = state.standings
  for (const [index, step] of story.entries()) {
    yield* waitUntil(step.at, index, before)
    yield* forget(world)
    before = state.standings
    const expected: Standings = { ...before, ...step.leaves }
    const performedAt = performance.now()
    const number = `[${String(index + 1).padStart(2)}/${story.length}]`
    yield* screen.say({ text: "" }, { mark: number, markTone: "dim", text: step.title, tone: "bold" })
    yield* screen.say(...(yield* perform(state, step.action)))
    yield* screen.say(...(yield* hear(state, step, performedAt, expected)))
    const actual = yield* eventually(readStandings(world), (standings) => isAs(expected, standings))
    state.standings = actual
    yield* screen.say(
      ...check(state, isAs(expected, actual), `after step ${index + 1} the wallets were to be otherwise`)
    )
    if (!screen.isInteractive) yield* screen.print(standingRows(screen, actual, before))
    yield* show(secondsNow(), index + 1, before)
  }
  yield* waitUntil(storySeconds, story.length, before)
  yield* screen.show([])
  if (screen.isInteractive) yield* screen.print(["", ...standingRows(screen, state.standings, state.standings)])
  return state
})
