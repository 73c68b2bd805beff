/**
 * When somebody of a first name has her name day (NAM-1). A name is compared as a whole word, without case and accents, and
 * in whichever letters: Γιώργος, Giorgos, Yiorgos and George are one. Easter is the Orthodox one.
 */
import { dayOf, daysInMonth } from "../shared/CivilDate.ts"
import { type Feast, type NameDayRule, nameDayRules } from "./NameDayTable.ts"
import type { Profile } from "./Profile.ts"

interface MonthDay {
  readonly month: number
  readonly day: number
}

/** The day of a yearly date in a year; 29 February is kept on the 28th where there is none (NAM-1). */
const anniversaryIn = (year: number, { month, day }: MonthDay): number =>
  dayOf({ year, month, day: Math.min(day, daysInMonth(year, month)) })

/** Orthodox Easter Sunday of a year, days since 1970-01-01: the Julian rule of Meeus, in Gregorian dates. */
export const easterOf = (year: number): number => {
  const cycle = (19 * (year % 19) + 15) % 30
  const sunday = (2 * (year % 4) + 4 * (year % 7) - cycle + 34) % 7
  const julian = cycle + sunday + 114
  const calendarsApart = Math.floor(year / 100) - Math.floor(year / 400) - 2
  return dayOf({ year, month: Math.floor(julian / 31), day: (julian % 31) + 1 }) + calendarsApart
}

const isDate = (feast: Feast): feast is readonly [number, number] => Array.isArray(feast)
export const isMoving = (feast: Feast): boolean => !isDate(feast)

/** The day on which a feast is kept in a year, days since 1970-01-01. */
export const feastIn = (feast: Feast, year: number): number => {
  if (isDate(feast)) return anniversaryIn(year, { month: feast[0], day: feast[1] })
  const easter = easterOf(year)
  if (!("date" in feast)) return easter + feast.easter
  const day = anniversaryIn(year, { month: feast.date[0], day: feast.date[1] })
  return day <= easter + feast.lateBy ? easter + feast.easter : day
}

const latin: Readonly<Record<string, string>> = {
  α: "a",
  β: "v",
  γ: "g",
  δ: "d",
  ε: "e",
  ζ: "z",
  η: "i",
  θ: "th",
  ι: "i",
  κ: "k",
  λ: "l",
  μ: "m",
  ν: "n",
  ξ: "x",
  ο: "o",
  π: "p",
  ρ: "r",
  σ: "s",
  ς: "s",
  τ: "t",
  υ: "y",
  φ: "f",
  χ: "ch",
  ψ: "ps",
  ω: "o"
}

/** Spellings of one sound, in the order in which they are made one. */
const sounds: ReadonlyArray<readonly [RegExp, string]> = [
  [/ph/g, "f"],
  [/[ck]h/g, "h"],
  [/c|q/g, "k"],
  [/x/g, "ks"],
  [/w/g, "o"],
  [/ou/g, "u"],
  [/(^|[aeo])yi?(?=[aeiou])/g, "$1gi"],
  // αυ, ευ before a voiceless sound, then elsewhere.
  [/([ae])u(?=[tkpsfhx]|$)/g, "$1f"],
  [/([ae])u(?=.)/g, "$1v"],
  [/y|ei|oi|ee/g, "i"],
  [/m[pb]/g, "b"],
  [/n[td]/g, "d"],
  [/gk|gg|ng/g, "g"],
  [/i+/g, "i"],
  [/(.)\1+/g, "$1"]
]

const foldedLetters = (name: string): string => name.toLowerCase().normalize("NFD").replaceAll(/\p{M}/gu, "")

/** How a name sounds, so that spellings of one name are equal. */
const soundOf = (word: string): string => {
  let sound = foldedLetters(word)
    .replaceAll("αι", "e")
    .replaceAll(/ει|οι/g, "i")
    .replaceAll(/([αε])υ/g, "$1u")
    .replaceAll(/[α-ω]/g, (letter) => latin[letter] ?? letter)
  for (const [pattern, spelling] of sounds) sound = sound.replaceAll(pattern, spelling)
  return sound
}

const wordLengthMax = 60
const wordsOf = (name: string): ReadonlyArray<string> =>
  name
    .slice(0, 255)
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== "" && word.length <= wordLengthMax)

/** By sound: the place of the first rule that has the name. */
const rulesBySound: ReadonlyMap<string, number> = (() => {
  const bySound = new Map<string, number>()
  nameDayRules.forEach(({ names }, index) => {
    for (const name of names.split(" ")) {
      const sound = soundOf(name)
      if (!bySound.has(sound)) bySound.set(sound, index)
    }
  })
  return bySound
})()

/** The rule for a first name: of several words that have one, the earlier rule of the list. */
export const nameDayRuleOf = (firstName: string): NameDayRule | undefined => {
  const places = wordsOf(firstName).flatMap((word) => rulesBySound.get(soundOf(word)) ?? [])
  return places.length === 0 ? undefined : nameDayRules[Math.min(...places)]
}

/** The name day of a first name in a year, days since 1970-01-01; `undefined` where the calendar has no such name. */
export const nameDayOf = (firstName: string, year: number): number | undefined => {
  const rule = nameDayRuleOf(firstName)
  return rule === undefined ? undefined : feastIn(rule.feast, year)
}

/** By their names: those that are on another day in another year. */
export const movingFeasts: ReadonlyMap<string, Feast> = new Map(
  nameDayRules.flatMap(({ feast, description }) => (isMoving(feast) ? [[description, feast] as const] : []))
)

/** The day that she has said, else that of her first name: a date of the year, or the name of a feast that moves. */
export const nameDayIn = ({ firstName, demographics }: Profile): MonthDay | { readonly feast: string } | undefined => {
  if (demographics?.nameDay !== undefined) return demographics.nameDay
  const rule = firstName === undefined ? undefined : nameDayRuleOf(firstName)
  if (rule === undefined) return undefined
  const { feast, description } = rule
  return isDate(feast) ? { month: feast[0], day: feast[1] } : { feast: description }
}
