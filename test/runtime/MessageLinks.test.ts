import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { isOver, lastConsentDay, type LinkAction, make } from "#runtime/communication/MessageLinks.ts"
import { track } from "#runtime/communication/Tracking.ts"

const ids = {
  business: "0195a7d4-0000-7000-8000-000000000001",
  contact: "0195a7d4-0000-7000-8000-000000000002",
  communication: "0195a7d4-0000-8000-8000-000000000003"
}
const links = make(Redacted.make("a master secret that is long enough"))
const link = { action: "CLICK" as LinkAction, channel: "EMAIL" as const, number: 513, ...ids }
const tokenOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

describe("a signed link", () => {
  it("says again what it was made of, for its own purpose alone", () => {
    const token = tokenOf(links.pathOf(link))
    assert.deepStrictEqual(links.read("CLICK", token), link)
    for (const action of ["OPEN", "OPT_OUT", "OPT_IN", "VIEW", "CONSENT_ACCEPT", "SMS_STATUS"] as const) {
      assert.isUndefined(links.read(action, token))
    }
  })

  it("is good for thirty days after the message, if it is to consent, and otherwise for ever", () => {
    const writtenAt = Date.UTC(2026, 0, 1, 23, 59)
    const number = lastConsentDay(writtenAt)
    const lastInstant = Date.UTC(2026, 1, 1) - 1
    for (const action of ["CONSENT_ACCEPT", "CONSENT_WITHDRAW"] as const) {
      assert.isFalse(isOver({ ...link, action, number }, writtenAt))
      assert.isFalse(isOver({ ...link, action, number }, lastInstant))
      assert.isTrue(isOver({ ...link, action, number }, lastInstant + 1))
    }
    for (const action of ["OPEN", "CLICK", "OPT_OUT", "OPT_IN", "VIEW", "SMS_STATUS"] as const) {
      assert.isFalse(isOver({ ...link, action, number: 0 }, lastInstant))
    }
  })

  it("is nothing under another master secret", () => {
    const others = make(Redacted.make("another master secret, as long"))
    assert.isUndefined(others.read("CLICK", tokenOf(links.pathOf(link))))
  })

  it("is nothing with any single bit changed, and has no second spelling", () => {
    const token = tokenOf(links.pathOf(link))
    const bytes = Buffer.from(token, "base64url")
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.isUndefined(links.read("CLICK", changed.toString("base64url")), `bit ${bit}`)
    }
    for (const spelled of [`${token}=`, ` ${token}`, `${token}\n`, token.replaceAll("-", "+"), bytes.toString("hex")]) {
      if (spelled !== token) assert.isUndefined(links.read("CLICK", spelled))
    }
  })
})

describe("a mail that is followed", () => {
  const own = "https://koinon.example"
  const linkTo = (number: number) => `${own}/message/link/${number}`

  it("leads over us where it led out, once for each address, and leaves everything else as it is", () => {
    const html =
      `<body><a class="x" href="https://a.example/?x=1&amp;y=2">a</a><A HREF='https://a.example/?x=1&amp;y=2'>a</A>` +
      `<a href="mailto:a@example.com">m</a><a href="${own}/message/unsubscribe/t">u</a><a href="javascript:x()">j</a></body>`
    const { html: tracked = "", urls } = track({ html, text: "" }, own, linkTo, `${own}/message/open/t`)
    assert.deepStrictEqual(urls, ["https://a.example/?x=1&y=2"])
    assert.strictEqual(tracked.split(`${own}/message/link/0`).length, 3)
    assert.include(tracked, `href="mailto:a@example.com"`)
    assert.include(tracked, `href="${own}/message/unsubscribe/t"`)
    assert.match(tracked, /<img src="https:\/\/koinon\.example\/message\/open\/t"[^>]*><\/body>$/)
  })

  it("leads over us in its text as well, by the number that the address has in the page, and keeps the sentence", () => {
    const html = `<a href="https://a.example/?x=1&amp;y=2">a</a>`
    const text =
      "See https://b.example/el/δώρο, (https://b.example/el/δώρο) or <https://a.example/?x=1&y=2>.\n" +
      `More: https://c.example/Wallet_(money)… HTTP://D.example! ftp://e.example https://[ https:// ${own}/message/view/t`
    const tracked = track({ html, text }, own, linkTo, `${own}/p`)
    assert.deepStrictEqual(tracked.urls, [
      "https://a.example/?x=1&y=2",
      "https://b.example/el/δώρο",
      "https://c.example/Wallet_(money)",
      "HTTP://D.example"
    ])
    const [first, second, third, fourth] = [0, 1, 2, 3].map(linkTo)
    assert.strictEqual(
      tracked.text,
      `See ${second}, (${second}) or <${first}>.\n` +
        `More: ${third}… ${fourth}! ftp://e.example https://[ https:// ${own}/message/view/t`
    )
    assert.deepStrictEqual(track({ html: undefined, text: "Nothing." }, own, linkTo, ""), {
      html: undefined,
      text: "Nothing.",
      urls: []
    })
  })

  it("takes no time over a page that is made to take it", () => {
    // What takes a moment in one go over the page takes minutes in as many goes as it has characters.
    const size = 400_000
    const parts = ["<a ", "<a href ", "<a href=", "<a href='", `<a href="`, "<a href= "]
    const pages = [...parts.map((part) => part.repeat(size / part.length)), `<a ${" ".repeat(size)}href`]
    const texts = ["http://", "https", ".)", "("].map((part) => `http://x${part.repeat(size / part.length)}`)
    for (const html of [...pages, ...texts]) {
      const startedAt = performance.now()
      track({ html, text: html }, own, linkTo, `${own}/p`)
      assert.isBelow(performance.now() - startedAt, 15_000, html.slice(0, 20))
    }
  })
})
