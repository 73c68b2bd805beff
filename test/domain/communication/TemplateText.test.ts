import { assert, describe, it } from "@effect/vitest"
import {
  DateValue,
  MoneyValue,
  NumberValue,
  type Reader,
  type Scope,
  type TagKind
} from "#domain/communication/TagValue.ts"
import { objectionToText, tagsIn, type TextKind, textLengthMax, write } from "#domain/communication/TemplateText.ts"

const known: ReadonlyMap<string, TagKind> = new Map([
  ["FIRST_NAME", "TEXT"],
  ["WALLET.BALANCE", "MONEY"],
  ["DEMOGRAPHICS.DATE_OF_BIRTH", "DATE"],
  ["REGISTERED_AT", "INSTANT"],
  ["VISITS", "NUMBER"],
  ["TAGS", "LIST"],
  ["CUSTOM_FIELDS", "RECORD"],
  ["TODAY", "DATE"]
])
const greek: Reader = { locale: "el", currency: "EUR", timeZone: "Europe/Athens" }
const english: Reader = { locale: "en", currency: "EUR", timeZone: "Europe/Athens" }

const bare = (fields: Record<string, unknown>): Scope => Object.assign(Object.create(null) as Scope, fields)
const scopeFor = (reader: Reader, more: Record<string, unknown> = {}): Scope =>
  bare({
    FIRST_NAME: "Γιώργος <b>",
    WALLET: bare({ BALANCE: new MoneyValue(123_450n, "EUR", reader.locale) }),
    DEMOGRAPHICS: bare({ DATE_OF_BIRTH: DateValue.day(0, reader) }),
    REGISTERED_AT: DateValue.instant(Date.UTC(2026, 0, 31, 23, 30), reader),
    VISITS: new NumberValue(1234, reader.locale),
    TAGS: ["vip", "south"],
    CUSTOM_FIELDS: bare({ SHOE_SIZE: "42" }),
    ...more
  })

const fault = (source: string, kind: TextKind = "PLAIN") => objectionToText(source, kind, known)
const place = (source: string, kind: TextKind = "PLAIN") => {
  const found = fault(source, kind)
  return found === undefined ? undefined : `${found.line}:${found.column} ${found.rule}`
}
const text = (
  source: string,
  reader = english,
  kind: TextKind = "PLAIN",
  isStrict = true,
  scope = scopeFor(reader)
) => {
  const written = write(source, kind, scope, reader, isStrict)
  return written._tag === "Written" ? written.text : written
}

describe("the words of a template", () => {
  it("take tags, Liquid and both together", () => {
    for (const source of [
      "Dear #FIRST_NAME#, you have #WALLET.BALANCE#.",
      "{% if #WALLET.BALANCE# > 10 %}Come in{% else %}{{ FIRST_NAME | upcase }}{% endif %}",
      "{% for tag in TAGS %}{{ forloop.index }} {{ tag }}{% endfor %} {{ TAGS.size }}",
      "{% assign half = #WALLET.BALANCE# | divided_by: 2 %}{{ half | money }}",
      "#CUSTOM_FIELDS.SHOE_SIZE# #DEMOGRAPHICS.DATE_OF_BIRTH#",
      '<p style="color:#FACADE;background:#FFF">It is #1, a #hashtag, #SALE</p>',
      "{% raw %}#NOBODY# {{ NOBODY }}{% endraw %}"
    ]) {
      assert.isUndefined(place(source), source)
    }
  })

  it("are refused for a tag that there is not, at its line and column", () => {
    assert.strictEqual(place("Dear #FIRST_NAME#,\n  your #BALNCE# is low"), "2:8 There is no tag #BALNCE#.")
    assert.strictEqual(place("#FIRST_NAME# #FIRST_NAME# {{ NOBODY }}"), "1:30 There is no tag #NOBODY#.")
    assert.strictEqual(place("{% if #FIRST_NAME# == #MIDDLE# %}x{% endif %}"), "1:23 There is no tag #MIDDLE#.")
    assert.strictEqual(place("{% for tag in TAGZ %}{{ tag }}{% endfor %}"), "1:15 There is no tag #TAGZ#.")
    assert.strictEqual(place("{{ WALLET }}"), "1:4 There is no tag #WALLET#.")
    assert.strictEqual(place("{{ WALLET.BALANCE.constructor }}"), "1:4 There is no tag #WALLET.BALANCE.constructor#.")
    assert.strictEqual(place("{{ VISITS | plus: BONUS }}"), "1:19 There is no tag #BONUS#.")
    assert.strictEqual(place("{{ CUSTOM_FIELDS[FIRST_NAME] }}"), "1:4 The name of a tag is written out.")
    assert.strictEqual(place("{{ __proto__ }}"), "1:4 There is no tag #__proto__#.")
  })

  it("are refused for what cannot be read, at its line and column", () => {
    assert.strictEqual(place("one\n two {{ FIRST_NAME"), '2:6 output "{{ FIRST_NAME" not closed.')
    assert.strictEqual(place("#FIRST_NAME#\n{% if VISITS %}"), "2:1 tag {% if VISITS %} not closed.")
    assert.strictEqual(place("{{ FIRST_NAME | shout }}"), "1:1 undefined filter: shout.")
    assert.strictEqual(place("#first_name#"), "1:1 Tags are written in capitals: #FIRST_NAME#.")
    assert.strictEqual(place("Dear #FIRST_NAME, hello"), "1:6 #FIRST_NAME is not closed by a #.")
    assert.match(place("x".repeat(textLengthMax + 1)) ?? "", /at most 100000 characters/)
  })

  it("are refused for a range that no message can need, wherever it is written out", () => {
    const rule = "A range has at most 1000 numbers."
    for (const [source, at] of [
      ["{% for i in (1..100000000) %}x{% endfor %}", "1:13"],
      ["{% for i in (1..1001) %}x{% endfor %}", "1:13"],
      ["{% if VISITS > 1 %}\n  #FIRST_NAME# {{ (-900..101) | join }}\n{% endif %}", "2:19"],
      ["{% assign all = ('1'..'5000') %}", "1:17"],
      ["{% case VISITS %}{% when (0..9999) %}x{% endcase %}", "1:26"]
    ] as const) {
      assert.strictEqual(place(source), `${at} ${rule}`)
    }
    for (const source of [
      "{% for i in (1..1000) %}x{% endfor %}",
      "{% for i in (9000..1) %}x{% endfor %}",
      "{% for i in (1..VISITS) %}x{% endfor %}"
    ]) {
      assert.isUndefined(place(source), source)
    }
  })

  it("reach no file, no code, no other way around the escaping", () => {
    for (const tag of ["include 'x'", "render 'x'", "layout 'x'", "block x", "liquid", "tablerow x in TAGS"]) {
      assert.match(place(`{% ${tag} %}`) ?? "", /not found/, tag)
    }
    for (const filter of [
      "raw",
      "json",
      "inspect",
      "where_exp: 'x', 'y'",
      "sample",
      "sha256",
      "base64_encode",
      "map: 'x'"
    ]) {
      assert.match(place(`{{ TAGS | ${filter} }}`) ?? "", /undefined filter/, filter)
    }
    for (const path of [
      "constructor",
      "__proto__",
      "FIRST_NAME.constructor",
      "TAGS.constructor",
      "WALLET.BALANCE.toString"
    ]) {
      assert.deepStrictEqual(text(`[{{ ${path} }}]`, english, "PLAIN", false), "[]", path)
    }
  })

  it("are escaped in HTML and stand as they are elsewhere", () => {
    assert.strictEqual(text("Dear #FIRST_NAME#", greek, "HTML"), "Dear Γιώργος &lt;b&gt;")
    assert.strictEqual(text("Dear #FIRST_NAME#", greek), "Dear Γιώργος <b>")
    assert.strictEqual(
      text("<a title='{{ FIRST_NAME | append: \"'\" }}'>", greek, "HTML"),
      "<a title='Γιώργος &lt;b&gt;&#39;'>"
    )
    assert.strictEqual(text("{% echo FIRST_NAME %}", greek, "HTML"), "Γιώργος &lt;b&gt;")
  })

  it("show amounts, numbers and dates as the language does, and reckon with them", () => {
    assert.strictEqual(text("#WALLET.BALANCE# #VISITS#", greek), "1.234,50\u00a0€ 1.234")
    assert.strictEqual(text("#WALLET.BALANCE# #VISITS#", english), "€1,234.50 1,234")
    assert.strictEqual(text("{{ WALLET.BALANCE | times: 2 | money }}", greek), "2.469,00\u00a0€")
    assert.strictEqual(text("{% if WALLET.BALANCE >= 1234.5 and VISITS < 2000 %}yes{% endif %}"), "yes")
    assert.strictEqual(text("{{ DEMOGRAPHICS.DATE_OF_BIRTH | date: 'long' }}", greek), "1 Ιανουαρίου 1970")
    // 23:30 in London is the next day in Athens.
    assert.strictEqual(text("{{ REGISTERED_AT | date: 'long' }}", greek), "1 Φεβρουαρίου 2026")
    assert.strictEqual(text("#TAGS#"), "vip, south")
    const big = bare({ WALLET: bare({ BALANCE: new MoneyValue(90_071_992_547_409_931n, "EUR", "en") }) })
    assert.strictEqual(text("#WALLET.BALANCE#", english, "PLAIN", true, big), "€900,719,925,474,099.31")
  })

  it("say which tag has no value, unless something stands in for it", () => {
    const nobody = bare({ WALLET: bare({}), TAGS: [] })
    assert.deepStrictEqual(text("#WALLET.BALANCE#", english, "PLAIN", true, nobody), {
      _tag: "Missing",
      tag: "WALLET.BALANCE"
    })
    assert.strictEqual(text("[#FIRST_NAME#]", english, "PLAIN", false, nobody), "[]")
    assert.strictEqual(text("{{ FIRST_NAME | default: 'friend' }}", english, "PLAIN", true, nobody), "friend")
    assert.strictEqual(text("{% if FIRST_NAME %}a{% else %}b{% endif %}", english, "PLAIN", true, nobody), "b")
  })

  it("are stopped when they loop, grow or write without end", () => {
    const runaways = [
      "{% for i in (1..100000000) %}x{% endfor %}",
      "{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
      `{% for i in (1..1000) %}${"x".repeat(1_000)}{% endfor %}`,
      `{% capture all %}{% for i in (1..1000) %}${"x".repeat(1_000)}{% endfor %}{% endcapture %}`,
      "{% assign x = 'x' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}",
      "{% assign x = 'x' %}{% for i in (1..60) %}{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}",
      `{% assign x = '${"a".repeat(30_000)}' %}{{ x | replace: 'a', x }}`,
      `{% assign x = '${"a".repeat(3_000)}' %}{{ x | replace: '', x }}`,
      `${"{% for a in TAGS %}".repeat(24)}{% assign z = 1 %}${"{% endfor %}".repeat(24)}`
    ]
    for (const source of runaways) {
      const began = performance.now()
      const written = write(source, "PLAIN", scopeFor(english), english, true)
      assert.strictEqual(written._tag, "Unwritable", source.slice(0, 80))
      assert.isBelow(performance.now() - began, 2_000, source.slice(0, 80))
    }
  })

  it("are read in a time that grows with their length alone", () => {
    for (const piece of ["{{", "{%", "#A", "#A.", "{% raw %}", "{{'", "#", "{{ #A# }}"]) {
      const began = performance.now()
      fault(piece.repeat(Math.floor(textLengthMax / piece.length)))
      assert.isBelow(performance.now() - began, 3_000, piece)
    }
  })

  it("name their tags once each", () => {
    assert.deepStrictEqual(
      [...tagsIn("#FIRST_NAME# #FIRST_NAME# {% if #VISITS# %}{{ TODAY }}{% endif %}", "PLAIN")].toSorted(),
      ["FIRST_NAME", "TODAY", "VISITS"]
    )
  })
})
