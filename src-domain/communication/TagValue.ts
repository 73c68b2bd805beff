/**
 * What stands for a tag while a message is written: shown as the reader's language has it, compared and reckoned with as the
 * number that it is. None of them has a property that a template could read, so nothing leads from a value to anything else.
 */
import { dayNumber } from "../shared/CalendarDate.ts"
import { exponentOf, toDecimal } from "../shared/Money.ts"

/** RECORD: its keys are data, and any may be asked for. */
export type TagKind = "TEXT" | "NUMBER" | "MONEY" | "BOOLEAN" | "INSTANT" | "DATE" | "LIST" | "RECORD"

/** Values by the parts of a tag's path; without a prototype, all the way down. */
export interface Scope {
  readonly [name: string]: unknown
}

/** For whom a message is written. */
export interface Reader {
  /** BCP 47. */
  readonly locale: string
  readonly currency: string
  readonly timeZone: string
}

const dayMs = 86_400_000
/** Formats remembered; making one costs a thousand times what using it does. */
const formatsMax = 500
const numberFormats = new Map<string, Intl.NumberFormat>()
const dateFormats = new Map<string, Intl.DateTimeFormat>()

const remembered = <Format>(formats: Map<string, Format>, name: string, make: () => Format): Format => {
  let format = formats.get(name)
  if (format === undefined) {
    if (formats.size >= formatsMax) formats.clear()
    format = make()
    formats.set(name, format)
  }
  return format
}

const isCurrency = (code: string): boolean => /^[A-Z]{3}$/.test(code)

/** An amount of so many units: `1.234,50 €` in Greek. */
export const formatMoney = (amount: number | string, currency: string, locale: string): string => {
  if (!isCurrency(currency)) return `${amount} ${currency}`
  const format = remembered(
    numberFormats,
    `${locale} ${currency}`,
    () => new Intl.NumberFormat(locale, { style: "currency", currency })
  )
  return format.format(amount as number)
}

export const formatNumber = (value: number, locale: string, decimals?: number): string => {
  const options = decimals === undefined ? {} : { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  return remembered(numberFormats, `${locale} #${decimals ?? ""}`, () => new Intl.NumberFormat(locale, options)).format(
    value
  )
}

export const dateStyles = ["short", "medium", "long", "full"] as const
export type DateStyle = (typeof dateStyles)[number]

const formatDay = (at: number, style: DateStyle, locale: string, timeZone: string): string =>
  remembered(
    dateFormats,
    `${locale} ${timeZone} ${style}`,
    () => new Intl.DateTimeFormat(locale, { dateStyle: style, timeZone })
  ).format(at)

const formatInstant = (at: number, style: DateStyle, locale: string, timeZone: string): string =>
  remembered(
    dateFormats,
    `${locale} ${timeZone} ${style} time`,
    () => new Intl.DateTimeFormat(locale, { dateStyle: style, timeStyle: "short", timeZone })
  ).format(at)

/** "1 Ιανουαρίου": a day of any year. */
const formatAnniversary = (at: number, locale: string): string =>
  remembered(
    dateFormats,
    `${locale} anniversary`,
    () => new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", timeZone: "UTC" })
  ).format(at)

/** What liquidjs compares by these four, and `equals`. */
abstract class Comparable {
  abstract valueOf(): number
  equals(other: unknown): boolean {
    return this.valueOf() === Number(other)
  }
  gt(other: unknown): boolean {
    return this.valueOf() > Number(other)
  }
  geq(other: unknown): boolean {
    return this.valueOf() >= Number(other)
  }
  lt(other: unknown): boolean {
    return this.valueOf() < Number(other)
  }
  leq(other: unknown): boolean {
    return this.valueOf() <= Number(other)
  }
}

/** Money: shown exactly, reckoned with in units of the currency. */
export class MoneyValue extends Comparable {
  readonly #minor: bigint
  readonly #currency: string
  readonly #locale: string

  constructor(minor: bigint, currency: string, locale: string) {
    super()
    this.#minor = minor
    this.#currency = currency
    this.#locale = locale
  }

  override valueOf(): number {
    return toDecimal(this.#minor, this.#currency)
  }

  override toString(): string {
    // As text, for a number has no more than 15 digits.
    const exponent = exponentOf(this.#currency)
    return formatMoney(`${this.#minor}e-${exponent}`, this.#currency, this.#locale)
  }
}

/** A number: grouped and pointed as the reader's language has it. */
export class NumberValue extends Comparable {
  readonly #value: number
  readonly #locale: string

  constructor(value: number, locale: string) {
    super()
    this.#value = value
    this.#locale = locale
  }

  override valueOf(): number {
    return this.#value
  }

  override toString(): string {
    return formatNumber(this.#value, this.#locale)
  }
}

/** A day, an instant or an anniversary; compared as epoch seconds. */
export class DateValue extends Comparable {
  readonly #at: number
  readonly #kind: "DAY" | "INSTANT" | "ANNIVERSARY"
  readonly #reader: Reader

  private constructor(at: number, kind: "DAY" | "INSTANT" | "ANNIVERSARY", reader: Reader) {
    super()
    this.#at = at
    this.#kind = kind
    this.#reader = reader
  }

  static instant(at: number, reader: Reader): DateValue {
    return new DateValue(at, "INSTANT", reader)
  }

  /** Days since 1970-01-01. */
  static day(day: number, reader: Reader): DateValue {
    return new DateValue(day * dayMs, "DAY", reader)
  }

  static anniversary(day: number, reader: Reader): DateValue {
    return new DateValue(day * dayMs, "ANNIVERSARY", reader)
  }

  override valueOf(): number {
    return Math.floor(this.#at / 1_000)
  }

  /** The day alone, in one of the styles of the language. */
  dayIn(style: DateStyle): string {
    const { locale, timeZone } = this.#reader
    if (this.#kind === "INSTANT") return formatDay(dayNumber(this.#at, timeZone) * dayMs, style, locale, "UTC")
    return this.#kind === "DAY" ? formatDay(this.#at, style, locale, "UTC") : formatAnniversary(this.#at, locale)
  }

  override toString(): string {
    const { locale, timeZone } = this.#reader
    return this.#kind === "INSTANT" ? formatInstant(this.#at, "medium", locale, timeZone) : this.dayIn("medium")
  }
}
