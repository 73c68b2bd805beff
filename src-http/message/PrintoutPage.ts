/** A printout as a person sees it: a page of its own, or the same tables in a mail. Without scripts; whatever was bought is text. */
import type { Printout } from "#domain/communication/Printout.ts"
import { type Markup, markup, page } from "./Html.ts"

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): Markup =>
  markup`<table>
    ${rows.map(
      (cells) =>
        markup`<tr>
          ${cells.map((cell) => markup`<td>${cell}</td>`)}
        </tr>`
    )}
  </table>`

const body = ({ title, business, facts, lines, sums, remark }: Printout): Markup =>
  markup`<h1>${title}</h1>
    <p>${business}</p>
    ${table(facts)} ${lines === undefined || lines.rows.length === 0 ? undefined : table([lines.headings, ...lines.rows])}
    ${table(sums)}
    <p>${remark}</p>`

export const printoutPage = (printout: Printout) =>
  page({ title: printout.title, language: printout.language, body: body(printout), isWide: true })

/** Of a mail. */
export const printoutHtml = (printout: Printout): string => body(printout).text
