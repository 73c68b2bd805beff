/**
 * Pages for people, made on the server: no scripts, one style sheet that is named by its hash, nothing loaded, nobody frames
 * them, and forms go to this server alone. Whatever stands in a value is text.
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { hash } from "node:crypto"
import { plainHeaders } from "../door/AnswerHeaders.ts"

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Markup that may be put into a page as it is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Piece = string | number | Markup | undefined | ReadonlyArray<Markup>

const written = (piece: Piece): string => {
  if (piece === undefined) return ""
  if (piece instanceof Markup) return piece.text
  if (typeof piece === "object") return piece.map(({ text }) => text).join("")
  return String(piece).replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}

export const markup = (strings: TemplateStringsArray, ...pieces: ReadonlyArray<Piece>): Markup =>
  new Markup(strings.map((string, at) => string + (at < pieces.length ? written(pieces[at]) : "")).join(""))

const style = `
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f6f4;color:#1d1d1b}
main{max-width:60rem;margin:3rem auto;padding:2rem;background:#fff;border-radius:8px}
main.narrow{max-width:30rem}
h1{font-size:1.4rem;margin-top:0}
button{font:inherit;padding:.5rem 1.2rem;border:0;border-radius:4px;background:#1d4f91;color:#fff;cursor:pointer}
input{font:inherit;padding:.45rem;width:100%;box-sizing:border-box;margin:.3rem 0 1rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #e4e4e0;vertical-align:top}
nav{display:flex;gap:1rem;align-items:center;justify-content:space-between}
iframe{width:100%;height:36rem;border:1px solid #d8d8d4;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f4;padding:1rem}
dt{color:#666}dd{margin:0 0 .6rem}
`
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${hash("sha256", style, "base64")}'`,
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'"
].join("; ")

export interface Page {
  readonly title: string
  readonly language: string
  readonly body: Markup
  readonly isWide?: boolean
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

const typeOf = (type: string) => ({ contentType: `${type}; charset=utf-8` })

export const page = ({ title, language, body, isWide = false, status = 200, headers = {} }: Page) => {
  // Put together by hand: the hash in the policy is of the style sheet to the last blank.
  const text =
    markup`<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>`
      .text +
    `<style>${style}</style></head>` +
    markup`<body><main class="${isWide ? "" : "narrow"}">${body}</main></body></html>`.text
  return HttpServerResponse.text(text, {
    ...typeOf("text/html"),
    status,
    headers: { ...plainHeaders, "content-security-policy": policy, ...headers }
  })
}

/** A mail's own markup, shown as a stranger's: it runs nothing, sends nothing and cannot reach around its frame. */
const guestPolicy = (framedBy: string) =>
  [
    "sandbox allow-popups allow-popups-to-escape-sandbox",
    "default-src 'none'",
    "img-src https: data:",
    "style-src 'unsafe-inline'",
    "form-action 'none'",
    `frame-ancestors ${framedBy}`
  ].join("; ")

/** `framedBy`: `'self'`, or `'none'`. Its links open beside it. */
export const guestPage = (content: string, framedBy: "'self'" | "'none'") =>
  HttpServerResponse.text(`<!doctype html><meta charset="utf-8"><base target="_blank">${content}`, {
    ...typeOf("text/html"),
    headers: { ...plainHeaders, "content-security-policy": guestPolicy(framedBy) }
  })
