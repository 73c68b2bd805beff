/**
 * Makes a mail tell that it was opened and which of its links were followed, in its page and in its text. Links lead over
 * this installation, which knows the addresses by number from the mail as it was stored: no link names an address to go to,
 * so none can be bent to another. Such a link is too long for a text message, in which every character is paid for.
 */

/** Links of one mail that are followed; those beyond lead straight to where they lead. */
const trackedLinksMax = 200

interface Words {
  readonly html: string | undefined
  readonly text: string
}

export interface Tracked extends Words {
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

const address = /https?:\/\/[^\s<>"]+/gi
/** What ends a sentence and not an address, as readers take it. */
const closing: ReadonlySet<string> = new Set(".,;:!?'»”’…)]}")

/** Without the sentence around it; a bracket is the address's own if it was opened there. */
const withoutSentence = (url: string): string => {
  let open = 0
  for (const letter of url) open += letter === "(" ? 1 : letter === ")" ? -1 : 0
  let end = url.length
  for (; end > 0 && closing.has(url[end - 1] ?? ""); end -= 1) {
    if (url[end - 1] !== ")") continue
    if (open >= 0) break
    open += 1
  }
  return url.slice(0, end)
}

/** `linkTo` is the address of the link with a number, `pixel` that of the image that tells of the opening. */
export const track = (
  { html, text }: Words,
  own: string,
  linkTo: (number: number) => string,
  pixel: string
): Tracked => {
  const urls: Array<string> = []
  const linkFor = (url: string): string | undefined => {
    if (!isFollowed(url, own)) return undefined
    const known = urls.indexOf(url)
    if (known < 0 && urls.length >= trackedLinksMax) return undefined
    return linkTo(known < 0 ? urls.push(url) - 1 : known)
  }
  const linked = html?.replaceAll(
    anchor,
    (whole: string, before: string, _quoted, double?: string, single?: string) => {
      const link = linkFor(unescaped((double ?? single ?? "").trim()))
      return link === undefined ? whole : `${before}"${escaped(link)}"`
    }
  )
  const image = `<img src="${escaped(pixel)}" width="1" height="1" alt="" style="border:0">`
  const told = text.replaceAll(address, (whole: string) => {
    const url = withoutSentence(whole)
    const link = linkFor(url)
    return link === undefined ? whole : link + whole.slice(url.length)
  })
  return { html: linked === undefined ? undefined : beforeEnd(linked, image), text: told, urls }
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
export const withWayOut = ({ html, text }: Words, language: string, optOut: string): Words => {
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
