/** The outbox as a person reads it: what would have been sent, had its channel a way out. */
import type { Business } from "#domain/organisation/Business.ts"
import type { Communication } from "#runtime/communication/Communications.ts"
import type { LandedNotice } from "#runtime/communication/OwnNotice.ts"
import { type Markup, markup, page } from "../message/Html.ts"

const language = "en"
const excerptLength = 80

export const outboxPath = "/console/outbox"
export const sessionPath = "/console/session"
export const sessionEndPath = "/console/session/end"

const when = (at: number): string => new Date(at).toISOString().replace("T", " ").slice(0, 19)

export const signInPage = (status: 200 | 401, message: string | undefined) =>
  page({
    title: "Koinon console",
    language,
    status,
    body: markup`<h1>Koinon console</h1>
      ${message === undefined ? markup`` : markup`<p role="alert">${message}</p>`}
      <form method="post" action="${sessionPath}">
        <label>The business's secret key<input name="api_key" type="password" autocomplete="off" required /></label>
        <button>Open</button>
      </form>`
  })

const bar = (business: Business, title: string): Markup =>
  markup`<nav>
    <h1>${title}</h1>
    <form method="post" action="${sessionEndPath}"><button>Leave ${business.name}</button></form>
  </nav>`

/** A message of the page: one to a contact, or to the business's own people. */
export interface Shown {
  readonly id: string
  readonly channel: Communication["channel"]
  /** The template's, plan's or automation's. */
  readonly name: string
  readonly language: string | undefined
  readonly createdAt: number
  readonly endedAt: number
  /** Absent once it is forgotten. */
  readonly body: Partial<NonNullable<Communication["stored"]>["body"]> | undefined
}

export const shownMessage = (message: Communication): Shown => ({
  id: message.id,
  channel: message.channel,
  name: message.name,
  language: message.language,
  createdAt: message.createdAt,
  endedAt: message.endedAt ?? message.createdAt,
  body: message.stored?.body
})

export const shownNotice = ({ id, name, recipient, createdAt, message }: LandedNotice): Shown => ({
  id,
  channel: "EMAIL",
  name,
  language: message.language,
  createdAt,
  endedAt: createdAt,
  body: { ...message, recipient }
})

const firstWords = ({ body }: Shown): string => {
  const words = body?.subject ?? body?.title ?? body?.text ?? "(no longer kept)"
  return words.length > excerptLength ? `${words.slice(0, excerptLength)}…` : words
}

const row = (message: Shown): Markup =>
  markup`<tr>
    <td>${when(message.endedAt)}</td>
    <td>${message.channel}</td>
    <td>${message.body?.recipient}</td>
    <td><a href="${outboxPath}/${message.id}">${firstWords(message)}</a></td>
  </tr>`

export const listPage = (business: Business, rows: ReadonlyArray<Shown>, next: string | undefined) =>
  page({
    title: "Outbox",
    language,
    isWide: true,
    body: markup`${bar(business, "Outbox")}
      <p>What would have been sent, newest first. A channel that is configured sends instead.</p>
      ${
        rows.length === 0
          ? markup`<p>Nothing yet.</p>`
          : markup`<table>
              <thead>
                <tr>
                  <th>When (UTC)</th>
                  <th>Channel</th>
                  <th>To</th>
                  <th>Message</th>
                </tr>
              </thead>
              <tbody>
                ${rows.map(row)}
              </tbody>
            </table>`
      }
      ${next === undefined ? markup`` : markup`<p><a href="${outboxPath}?cursor=${next}">Older</a></p>`}`
  })

const term = (name: string, value: string | undefined): Markup =>
  value === undefined || value === ""
    ? markup``
    : markup`<dt>${name}</dt>
        <dd>${value}</dd>`

export const messagePage = (business: Business, message: Shown) => {
  const { body } = message
  return page({
    title: firstWords(message),
    language,
    isWide: true,
    body: markup`${bar(business, firstWords(message))}
      <p><a href="${outboxPath}">Outbox</a></p>
      <dl>
        ${term("Channel", message.channel)}${term("From", body?.sender)}${term("To", body?.recipient)}
        ${term("Subject", body?.subject)}${term("Title", body?.title)}${term("Language", message.language)}
        ${term("Made", when(message.createdAt))}${term("From", message.name)}
        ${term("List-Unsubscribe", body?.unsubscribe)}${term("Image", body?.image)}
      </dl>
      ${
        body?.html === undefined
          ? markup``
          : markup`<iframe
              title="The mail"
              src="${outboxPath}/${message.id}/content"
              sandbox="allow-popups allow-popups-to-escape-sandbox"
            ></iframe>`
      }
      ${
        body === undefined
          ? markup`<p>What it said is no longer kept.</p>`
          : markup`<h2>Text</h2>
              <pre>${body.text}</pre>`
      }`
  })
}

export const missingPage = () =>
  page({
    title: "Not found",
    language,
    status: 404,
    body: markup`<h1>Not found</h1>
      <p>There is no such message. <a href="${outboxPath}">Outbox</a></p>`
  })

export const faultPage = (status: number, title: string, detail: string) =>
  page({
    title,
    language,
    status,
    body: markup`<h1>${title}</h1>
      <p>${detail}</p>`
  })
