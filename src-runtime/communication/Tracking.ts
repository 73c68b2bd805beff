/**
 * Makes a mail tell that it was opened and which of its links were followed. Links lead over this installation, which knows
 * the addresses by number from the mail as it was stored: no link names an address to go to, so none can be bent to another.
 */

/** Links of one mail that are followed; those beyond lead straight to where they lead. */
const trackedLinksMax = 200

export interface Tracked {
  readonly html: string
  /** Where the links lead, by number. */
  readonly urls: ReadonlyArray<string>
}

/** No part of it goes over another beginning of itself: a page made of those costs no more than any other. */
const anchor = /(<a\b[^<>]*?\bhref\s*=\s*)("([^"]*)"|'([^']*)')/gi
const entities: Readonly<Record<string, string>> = { "&amp;": "&", "&#38;": "&", "&quot;": '"', "&#39;": "'" }

const unescaped = (text: string): string =>
  text.replaceAll(/&(amp|#38|quot|#39);/g, (entity) => entities[entity] ?? entity)
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const isFollowed = (url: string, own: string): boolean =>
  /^https?:\/\//i.test(url) && URL.canParse(url) && !url.startsWith(`${own}/message/`)

const beforeEnd = (html: string, addition: string): string => {
  const at = html.toLowerCase().lastIndexOf("</body>")
  return at < 0 ? html + addition : html.slice(0, at) + addition + html.slice(at)
}

/** `linkTo` is the address of the link with a number, `pixel` that of the image that tells of the opening. */
export const track = (html: string, own: string, linkTo: (number: number) => string, pixel: string): Tracked => {
  const urls: Array<string> = []
  const linked = html.replaceAll(anchor, (whole: string, before: string, _quoted, double?: string, single?: string) => {
    const url = unescaped((double ?? single ?? "").trim())
    if (!isFollowed(url, own)) return whole
    let number = urls.indexOf(url)
    if (number < 0) {
      if (urls.length >= trackedLinksMax) return whole
      number = urls.push(url) - 1
    }
    return `${before}"${escaped(linkTo(number))}"`
  })
  const image = `<img src="${escaped(pixel)}" width="1" height="1" alt="" style="border:0">`
  return { html: beforeEnd(linked, image), urls }
}

const ways: Readonly<Record<string, string>> = {
  el: "Δεν θέλετε άλλα τέτοια μηνύματα; Διαγραφή από τη λίστα",
  en: "No more messages like this? Unsubscribe"
}
const isGreek = (language: string): boolean => /^(el|ell|gre)\b/i.test(language)

const shortWays: Readonly<Record<string, string>> = { el: "Διαγραφή", en: "Stop" }
/** The same for a text message, in which every character is paid for. */
export const withShortWayOut = (text: string, language: string, optOut: string): string =>
  text.includes(optOut) ? text : `${text}\n${shortWays[isGreek(language) ? "el" : "en"] ?? ""}: ${optOut}`

/** Marketing has a way out that a reader can see, also where the template has forgotten it. */
export const withWayOut = (
  { html, text }: { readonly html: string | undefined; readonly text: string },
  language: string,
  optOut: string
): { readonly html: string | undefined; readonly text: string } => {
  const words = ways[isGreek(language) ? "el" : "en"] ?? ""
  const link = escaped(optOut)
  return {
    html:
      html === undefined || html.includes(link) || html.includes(optOut)
        ? html
        : beforeEnd(html, `<p style="font-size:12px;color:#666"><a href="${link}">${words}</a></p>`),
    text: text.includes(optOut) ? text : `${text}\n\n${words}: ${optOut}`
  }
}
