/**
 * What a printout says: a purchase, or a credit of a wallet, as its contact may keep it. In her language if it is one of
 * those here, her zone and the amounts as she reads them; whose wallet paid is said, and never who shared it. Pure: the same
 * facts, the same words.
 */
import type { Business } from "../organisation/Business.ts"
import type { PurchaseState, Receipt } from "../purchase/PurchaseState.ts"
import { type Minor, sum } from "../shared/Money.ts"
import type { Part } from "../wallet/Lot.ts"
import type { TransactionType, WalletEntry } from "../wallet/WalletEntries.ts"
import { chooseLanguage, localeOf } from "./Language.ts"
import { DateValue, formatNumber, MoneyValue, type Reader } from "./TagValue.ts"

type Row = readonly [label: string, value: string]

export interface Printout {
  readonly language: Language
  readonly title: string
  readonly business: string
  readonly facts: ReadonlyArray<Row>
  /** Of a purchase: what was bought, under its headings. */
  readonly lines?: {
    readonly headings: readonly [item: string, quantity: string, amount: string]
    readonly rows: ReadonlyArray<readonly [item: string, quantity: string, amount: string]>
  }
  readonly sums: ReadonlyArray<Row>
  readonly remark: string
}

/** For whom it is written. */
export interface PrintoutReader {
  readonly business: Business
  /** As contacts have it. */
  readonly languageCode: string
  /** IANA; the business's, where it is empty. */
  readonly timeZone: string
}

const english = {
  receipt: "Receipt",
  credit: "Wallet credit",
  number: "Receipt number",
  code: "Purchase",
  entry: "Entry",
  at: "Date",
  place: "Place",
  state: "State",
  cancelled: "Cancelled",
  kind: "Kind",
  kinds: { MANUAL_JOURNAL: "Credit", TRANSFER: "Transfer received", AWARD: "Award" },
  pool: "May be spent on",
  expires: "May be spent until",
  item: "Item",
  quantity: "Quantity",
  amount: "Amount",
  net: "Net",
  tax: "Tax",
  discount: "Discount",
  total: "Total",
  inWallet: "Total in the wallet's currency",
  rate: "Exchange rate",
  own: "Paid from your wallet",
  shared: "Paid from a wallet shared with you",
  otherwise: "Paid otherwise",
  remark: "A copy for your own records; not a tax document."
}
type Words = typeof english
const greek: Words = {
  receipt: "Απόδειξη αγοράς",
  credit: "Πίστωση πορτοφολιού",
  number: "Αριθμός παραστατικού",
  code: "Αγορά",
  entry: "Κίνηση",
  at: "Ημερομηνία",
  place: "Κατάστημα",
  state: "Κατάσταση",
  cancelled: "Ακυρώθηκε",
  kind: "Είδος",
  kinds: { MANUAL_JOURNAL: "Πίστωση", TRANSFER: "Εισερχόμενη μεταφορά", AWARD: "Επιβράβευση" },
  pool: "Διατίθεται για",
  expires: "Διατίθεται έως",
  item: "Είδος",
  quantity: "Ποσότητα",
  amount: "Ποσό",
  net: "Καθαρή αξία",
  tax: "Φόρος",
  discount: "Έκπτωση",
  total: "Σύνολο",
  inWallet: "Σύνολο στο νόμισμα του πορτοφολιού",
  rate: "Ισοτιμία",
  own: "Πληρώθηκε από το πορτοφόλι σας",
  shared: "Πληρώθηκε από πορτοφόλι που μοιράζονται μαζί σας",
  otherwise: "Πληρώθηκε με άλλον τρόπο",
  remark: "Αντίγραφο για το αρχείο σας· δεν αποτελεί φορολογικό παραστατικό."
}
const wordsBy = { en: english, el: greek }
type Language = keyof typeof wordsBy
/** Contacts name theirs by two letters or three, which are two codes of one language. */
const languages: Readonly<Record<string, Language>> = { en: "en", el: "el" }

interface Writer {
  readonly language: Language
  readonly words: Words
  readonly reader: Reader
  readonly business: Business
}

const writerFor = ({ business, languageCode, timeZone }: PrintoutReader): Writer => {
  const language = languages[chooseLanguage(Object.keys(languages), languageCode, "en")] ?? "en"
  // Her own region writes dates and amounts as she does, where her language is one of these.
  const own = localeOf(languageCode)
  const locale = own?.split("-")[0] === language ? own : language
  const zone = timeZone === "" ? business.timeZone : timeZone
  const words = wordsBy[language]
  return { language, words, business, reader: { locale, currency: business.currency, timeZone: zone } }
}

/** What every printout has. */
const frameOf = ({ language, words, business }: Writer, title: string) => ({
  language,
  title,
  business: business.name,
  remark: words.remark
})

const money = ({ reader }: Writer, amount: Minor, currency: string): string =>
  new MoneyValue(amount, currency, reader.locale).toString()
const when = ({ reader }: Writer, at: number): string => DateValue.instant(at, reader).toString()

const poolName = ({ business }: Writer, poolId: string): string => business.pools[poolId]?.name ?? poolId

const rowsOf = (...rows: ReadonlyArray<readonly [label: string, value: string | undefined]>): ReadonlyArray<Row> =>
  rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, value] as const]))

/** One row a pocket or pool of one wallet. */
const paidFrom = (writer: Writer, label: string, parts: ReadonlyArray<Part>, currency: string): ReadonlyArray<Row> =>
  [...Map.groupBy(parts, ({ poolId }) => poolId)].map(([poolId, taken]) => {
    const pool = poolId === undefined ? "" : ` (${poolName(writer, poolId)})`
    return [`${label}${pool}`, money(writer, sum(taken.map(({ amount }) => amount)), currency)]
  })

const sumsOf = (writer: Writer, receipt: Receipt, { own, shared }: PurchaseState): ReadonlyArray<Row> => {
  const { words } = writer
  const { amounts, currency, defaultCurrency, totalDefaultCurrency, exchangeRate } = receipt
  const inPurchase = (amount: Minor | undefined) => (amount === undefined ? undefined : money(writer, amount, currency))
  const isForeign = currency !== defaultCurrency
  const otherwise = totalDefaultCurrency - (own?.amount ?? 0n) - (shared?.amount ?? 0n)
  return [
    ...rowsOf(
      [words.net, inPurchase(amounts.net)],
      [words.tax, inPurchase(amounts.tax)],
      [words.discount, inPurchase(amounts.discount)],
      [words.total, inPurchase(amounts.total)],
      [words.inWallet, isForeign ? money(writer, totalDefaultCurrency, defaultCurrency) : undefined],
      [words.rate, isForeign ? exchangeRate : undefined]
    ),
    ...paidFrom(writer, words.shared, shared?.parts ?? [], defaultCurrency),
    ...paidFrom(writer, words.own, own?.parts ?? [], defaultCurrency),
    ...rowsOf([words.otherwise, otherwise > 0n ? money(writer, otherwise, defaultCurrency) : undefined])
  ]
}

/** `undefined` of one that was never posted. */
export const printoutOfPurchase = (purchase: PurchaseState, reader: PrintoutReader): Printout | undefined => {
  const { receipt, state } = purchase
  if (receipt === undefined || (state !== "POSTED" && state !== "CANCELLED")) return undefined
  const writer = writerFor(reader)
  const { words, business } = writer
  return {
    ...frameOf(writer, words.receipt),
    facts: rowsOf(
      [words.number, receipt.referenceNumber],
      [words.code, receipt.code],
      [words.at, when(writer, receipt.date)],
      [words.place, business.organisations[receipt.organisationId]?.name],
      [words.state, state === "CANCELLED" ? words.cancelled : undefined]
    ),
    lines: {
      headings: [words.item, words.quantity, words.amount],
      rows: receipt.lines.map(({ name, sku, quantity, total }) => [
        name ?? sku,
        formatNumber(quantity, writer.reader.locale),
        money(writer, total, receipt.currency)
      ])
    },
    sums: sumsOf(writer, receipt, purchase)
  }
}

type Given = keyof Words["kinds"]
const isGiven = (type: TransactionType): type is Given =>
  type === "MANUAL_JOURNAL" || type === "TRANSFER" || type === "AWARD"

/** `undefined` of what is no credit that she was given: what a shared wallet paid stands with its purchase. */
export const printoutOfCredit = (entry: WalletEntry, reader: PrintoutReader): Printout | undefined => {
  const { type, transactionType, poolId, expiresAt, name } = entry
  if (type !== "CREDIT" || !isGiven(transactionType)) return undefined
  const writer = writerFor(reader)
  const { words } = writer
  return {
    ...frameOf(writer, words.credit),
    facts: rowsOf(
      [words.entry, entry.id],
      [words.at, when(writer, entry.at)],
      [words.kind, words.kinds[transactionType] + (name === undefined ? "" : ` (${name})`)],
      [words.pool, poolId === undefined ? undefined : poolName(writer, poolId)],
      [words.expires, expiresAt === undefined ? undefined : when(writer, expiresAt)]
    ),
    sums: [[words.total, money(writer, entry.amount, entry.currency)]]
  }
}

/** As plain text, for who reads her mail so. */
export const printoutText = ({ title, business, facts, lines, sums, remark }: Printout): string => {
  const rows = (of: ReadonlyArray<Row>) => of.map(([label, value]) => `${label}: ${value}`)
  const items = (lines?.rows ?? []).map(([item, quantity, amount]) => `${quantity} × ${item}: ${amount}`)
  const blocks = [[business, title], rows(facts), items, rows(sums), [remark]]
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")
}
