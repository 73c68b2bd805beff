/**
 * What a message says to one contact: in her language where the template has it, else in the template's own (AUT-12), with
 * amounts, dates and numbers as that language writes them. It sees the one contact and the one event that it is given, and
 * nothing else. Pure: the same request, the same words.
 */
import { chooseLanguage, localeOf } from "#domain/communication/Language.ts"
import type { Reader, Scope } from "#domain/communication/TagValue.ts"
import { kindOfPart, type Template, type Variant } from "#domain/communication/Template.ts"
import { type LinkAddresses, scopeFor, withDefaults } from "#domain/communication/TemplateTags.ts"
import { write } from "#domain/communication/TemplateText.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { FactObject } from "#domain/segment/FactForm.ts"
import { profileDocument } from "#domain/segment/Facts.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"

export interface RenderRequest {
  /** The body of the definition, of the version that the message was made for. */
  readonly template: Template
  readonly business: Business
  readonly contact: ContactState
  /** That she owns. */
  readonly community: CommunityState
  /** Epoch milliseconds. */
  readonly at: number
  /** The facts of the event that it is about: `values` of `CommunicationRequested`. */
  readonly values?: Readonly<Record<string, unknown>> | undefined
  /** In place of the contact's, for a preview. */
  readonly language?: string | undefined
  readonly links?: LinkAddresses | undefined
}

export interface Rendered {
  readonly _tag: "Rendered"
  /** Of the variant, as the template names it. */
  readonly language: string
  readonly subject?: string
  readonly html?: string
  readonly text: string
  readonly title?: string
  readonly image?: string
}

/** A tag has no value for this contact, and the template does not say what stands there instead. */
export interface MissingValue {
  readonly _tag: "MissingValue"
  readonly language: string
  readonly tag: string
}

/** It asks for more than a message may take, a filter refused what it was given, or its values are none of their kind. */
export interface Unwritable {
  readonly _tag: "Unwritable"
  readonly language: string
  readonly reason: string
}

const parts = ["subject", "html", "text", "title"] as const

const scopeOf = (
  { template, business, contact, community, at, values, links }: RenderRequest,
  reader: Reader
): Scope => {
  const { missing, events } = template
  const scope = scopeFor(
    {
      profile: profileDocument(business, contact, community),
      event: values as FactObject | undefined,
      events,
      businessName: business.name,
      today: dayNumber(at, reader.timeZone),
      links: links ?? {}
    },
    reader
  )
  return missing.policy === "DEFAULT" ? withDefaults(scope, missing.values) : scope
}

/** A header is one line, whatever stands in a value. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]+/g, " ").trim()

const written = (
  request: RenderRequest,
  language: string,
  variant: Variant
): Omit<Rendered, "image"> | MissingValue | Unwritable => {
  const { template, business, contact } = request
  const reader: Reader = {
    locale: localeOf(language) ?? "en",
    currency: contact.currency,
    timeZone: contact.timeZone === "" ? business.timeZone : contact.timeZone
  }
  const scope = scopeOf(request, reader)
  const texts: { [Part in (typeof parts)[number]]?: string } = {}
  for (const part of parts) {
    const source = variant[part]
    if (source === undefined) continue
    const result = write(source, kindOfPart(part), scope, reader, template.missing.policy !== "EMPTY")
    if (result._tag === "Missing") return { _tag: "MissingValue", language, tag: result.tag }
    if (result._tag === "Unwritable") return { _tag: "Unwritable", language, reason: result.reason }
    texts[part] = part === "subject" || part === "title" ? oneLine(result.text) : result.text
  }
  const { text = "", ...others } = texts
  return { _tag: "Rendered", language, text, ...others }
}

export const render = (request: RenderRequest): Rendered | MissingValue | Unwritable => {
  const { template, contact } = request
  const wanted = request.language ?? contact.languageCode
  const language = chooseLanguage(Object.keys(template.variants), wanted, template.defaultLanguage)
  const variant = template.variants[language] as Variant
  try {
    const result = written(request, language, variant)
    if (result._tag !== "Rendered" || variant.imageUrl === undefined) return result
    return { ...result, image: variant.imageUrl }
  } catch (error) {
    // It will throw however often it is tried. What it threw may hold a value: only its name is told.
    return { _tag: "Unwritable", language, reason: `it threw ${error instanceof Error ? error.name : "something"}.` }
  }
}
