/**
 * Local dates of an IANA zone, as whole days since 1970-01-01: the unit in which every rule about days and months is
 * written. Pure functions of an instant and a zone. What `Intl` says of a zone is remembered per UTC day, as asking it
 * costs a hundred times the rest; a name that is no zone throws, so whoever lets a name in asks `isTimeZone` first.
 */
import * as DateTime from "effect/DateTime"

const dayMs = 86_400_000
/** More than there are; some have several names, and a name is known in any case. */
const rememberedZonesMax = 1_024
/** Days remembered per zone, in either table. */
const rememberedDaysMax = 1_024

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** By UTC day: the offset that holds all day long, or `undefined` when it changes within that day. */
  readonly offsets: Map<number, number | undefined>
  /** By local day: where it begins. */
  readonly starts: Map<number, number>
}

const zones = new Map<string, Zone>()

const zoneOf = (timeZone: string): Zone => {
  let zone = zones.get(timeZone)
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset", year: "numeric" })
    zone = { format, offsets: new Map(), starts: new Map() }
    if (zones.size >= rememberedZonesMax) zones.clear()
    zones.set(timeZone, zone)
  }
  return zone
}

/** "1970, GMT+02:00", "1970, GMT", and "1970, GMT-00:44:30" before zones were whole minutes. */
const askOffset = (zone: Zone, at: number): number => {
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/.exec(zone.format.format(at))
  if (match?.[1] === undefined) return 0
  const seconds = (Number(match[2]) * 60 + Number(match[3])) * 60 + Number(match[4] ?? 0)
  return (match[1] === "-" ? -1_000 : 1_000) * seconds
}

/** Milliseconds to add to UTC. No zone changes its offset twice within one UTC day, so equal ends mean a constant day. */
const offsetAt = (zone: Zone, at: number): number => {
  const day = Math.floor(at / dayMs)
  if (!zone.offsets.has(day)) {
    if (zone.offsets.size >= rememberedDaysMax) zone.offsets.clear()
    const first = askOffset(zone, day * dayMs)
    zone.offsets.set(day, first === askOffset(zone, (day + 1) * dayMs) ? first : undefined)
  }
  return zone.offsets.get(day) ?? askOffset(zone, at)
}

const localMs = (at: number, timeZone: string): number => at + offsetAt(zoneOf(timeZone), at)

/** Whether `Intl` knows the name. It also knows offsets such as +02:00, which are no zones: no clock of theirs ever changes. */
export const isTimeZone = (name: string): boolean => {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    zoneOf(name)
    return true
  } catch {
    return false
  }
}

/** Days since 1970-01-01 of the local date. */
export const dayNumber = (at: number, timeZone: string): number => Math.floor(localMs(at, timeZone) / dayMs)

/** The first instant with the later offset, between two instants of which the offsets differ. */
const changeBetween = (zone: Zone, from: number, to: number): number => {
  const before = offsetAt(zone, from)
  let [low, high] = [from, to]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle) === before) low = middle
    else high = middle
  }
  return high
}

const computeStart = (zone: Zone, day: number): number => {
  const local = day * dayMs
  const before = offsetAt(zone, local - dayMs)
  const after = offsetAt(zone, local + dayMs)
  if (before === after) return local - before
  const change = changeBetween(zone, local - dayMs, local + dayMs)
  return local - before < change ? local - before : Math.max(change, local - after)
}

/**
 * The instant at which a local date begins. Where the clocks skip midnight, it is the first instant after the gap; where
 * midnight comes twice, the first of the two.
 */
export const startOfDay = (day: number, timeZone: string): number => {
  const zone = zoneOf(timeZone)
  let start = zone.starts.get(day)
  if (start === undefined) {
    if (zone.starts.size >= rememberedDaysMax) zone.starts.clear()
    start = computeStart(zone, day)
    zone.starts.set(day, start)
  }
  return start
}

/** The local calendar month, "2026-11". */
export const monthKey = (at: number, timeZone: string): string => {
  const { year, month } = DateTime.toPartsUtc(DateTime.makeUnsafe(localMs(at, timeZone)))
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`
}

/** What the clock on the wall shows: weekday from 1 (Sunday), month from 1, minutes since midnight. */
export const localTime = (at: number, timeZone: string): { weekday: number; month: number; minutes: number } => {
  const { weekDay, month, hour, minute } = DateTime.toPartsUtc(DateTime.makeUnsafe(localMs(at, timeZone)))
  return { weekday: weekDay + 1, month, minutes: hour * 60 + minute }
}
