/**
 * What a message says: one channel, one variant a language, and what happens where a value is missing. Whatever is wrong
 * with it is refused when it is saved, with the language and the place (TemplateText.ts reads the words); a contact whose
 * language has no variant gets the default one (AUT-12).
 */
import * as Schema from "effect/Schema"
import { Channel, Purpose } from "../contact/Communication.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import type { Refusal } from "../Refusal.ts"
import { localeOf } from "./Language.ts"
import { type TagCatalogue, tagsFor } from "./TemplateTags.ts"
import { htmlText, isKnownTag, objectionToText, plainText, type TextKind } from "./TemplateText.ts"

const Variant = Schema.Struct({
  /** Of mail. */
  subject: Schema.optionalKey(Schema.String),
  /** Of mail, beside the text. */
  html: Schema.optionalKey(Schema.String),
  text: Schema.String,
  /** Of what a device or the app shows. */
  title: Schema.optionalKey(Schema.String),
  imageUrl: Schema.optionalKey(Schema.String)
})
export type Variant = typeof Variant.Type

/** REJECT: it is not sent. EMPTY: nothing stands there. DEFAULT: what is given for the tag, and without that it is not sent. */
const MissingPolicy = Schema.Union([
  Schema.Struct({ policy: Schema.Literals(["REJECT", "EMPTY"]) }),
  Schema.Struct({ policy: Schema.Literal("DEFAULT"), values: Schema.Record(Schema.String, Schema.String) })
])

export const Template = Schema.Struct({
  channel: Channel,
  purpose: Purpose,
  defaultLanguage: Schema.String,
  /** By language code, as contacts have them: `ENG`, `el`. */
  variants: Schema.Record(Schema.String, Variant),
  missing: MissingPolicy,
  /** Types of events whose fields it may name as `#EVENT.…#`; a plan's message is about none. */
  events: Schema.Array(Schema.String),
  /** From whom: a name, and for mail an address. The installation's, where it is absent. */
  sender: Schema.optionalKey(
    Schema.Struct({ name: Schema.optionalKey(Schema.String), address: Schema.optionalKey(Schema.String) })
  )
})
export type Template = typeof Template.Type

const variantsMax = 40
const eventsMax = 20
const subjectLengthMax = 500
const smsLengthMax = 1_600
const smsSenderLengthMax = 11
/** Push services take 4,096 bytes in all: beside it go the title, the picture's address and what encryption adds. */
const pushBytesMax = 3_000

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

type Part = Exclude<keyof Variant, "imageUrl">

/** Which parts a message of the channel has, and how they are read. */
const partsOf: Readonly<Record<Channel, ReadonlyArray<Part>>> = {
  EMAIL: ["subject", "html", "text"],
  SMS: ["text"],
  INAPP: ["title", "text"],
  DEVICE: ["title", "text"]
}
const required: Readonly<Record<Channel, ReadonlyArray<Part>>> = {
  EMAIL: ["subject", "text"],
  SMS: ["text"],
  INAPP: ["title", "text"],
  DEVICE: ["title", "text"]
}
export const kindOfPart = (part: Part): TextKind => (part === "html" ? htmlText : plainText)
const allParts: ReadonlyArray<Part> = ["subject", "html", "text", "title"]

const invalid = (pointer: string, rule: string): Refusal => invalidDefinition("templates", pointer, rule)

const isHttps = (url: string): boolean => /^https:\/\/[^\s/?#]+([/?#]\S*)?$/.test(url)

/** Whether the words of a message are more than its channel takes. */
export const isTooLong = (channel: Channel, text: string): boolean =>
  (channel === "SMS" && text.length > smsLengthMax) || (channel === "DEVICE" && bytesOf(text) > pushBytesMax)

const objectionToPart = (
  { channel }: Template,
  variant: Variant,
  part: Part,
  pointer: string,
  language: string
): Refusal | undefined => {
  const text = variant[part]
  if (text === undefined) {
    return required[channel].includes(part) ? invalid(pointer, `A message by ${channel} has a ${part}.`) : undefined
  }
  if (!partsOf[channel].includes(part)) return invalid(pointer, `A message by ${channel} has no ${part}.`)
  if (text.trim() === "") return invalid(pointer, `${language}: it says nothing.`)
  if (part === "subject" || part === "title") {
    if (text.length > subjectLengthMax) return invalid(pointer, `It has at most ${subjectLengthMax} characters.`)
    if (/[\r\n]/.test(text)) return invalid(pointer, "It is one line.")
  }
  if (part !== "text" || !isTooLong(channel, text)) return undefined
  return channel === "SMS"
    ? invalid(pointer, `A message by SMS has at most ${smsLengthMax} characters.`)
    : invalid(pointer, `${language}: a push has at most ${pushBytesMax} bytes of text (UTF-8).`)
}

const objectionToVariant = (template: Template, language: string, catalogue: TagCatalogue): Refusal | undefined => {
  const variant = template.variants[language] as Variant
  const pointer = `/variants/${language}`
  if (localeOf(language) === undefined) return invalid(pointer, `${language} is not a language code.`)
  const tags = tagsFor(catalogue, template.events)
  for (const part of allParts) {
    const here = `${pointer}/${part}`
    const refusal = objectionToPart(template, variant, part, here, language)
    if (refusal !== undefined) return refusal
    const text = variant[part]
    if (text === undefined) continue
    const fault = objectionToText(text, kindOfPart(part), tags)
    if (fault !== undefined) {
      return invalid(here, `${language}, line ${fault.line}, column ${fault.column}: ${fault.rule}`)
    }
  }
  if (variant.imageUrl === undefined) return undefined
  if (template.channel !== "INAPP" && template.channel !== "DEVICE") {
    return invalid(`${pointer}/image_url`, `A message by ${template.channel} has no image of its own.`)
  }
  return isHttps(variant.imageUrl) ? undefined : invalid(`${pointer}/image_url`, "An https address is needed.")
}

const objectionToSender = ({ channel, sender }: Template): Refusal | undefined => {
  if (sender === undefined) return undefined
  if (channel !== "EMAIL" && channel !== "SMS") return invalid("/sender", `A message by ${channel} names no sender.`)
  const { name, address } = sender
  if (name !== undefined && (name.trim() === "" || name.length > 100 || /[\r\n]/.test(name))) {
    return invalid("/sender/name", "A name is one line of at most 100 characters.")
  }
  if (channel === "SMS") {
    if (address !== undefined) return invalid("/sender/address", "A message by SMS has no sender's address.")
    const isShort = name === undefined || new RegExp(`^[A-Za-z0-9 ]{1,${smsSenderLengthMax}}$`).test(name)
    return isShort ? undefined : invalid("/sender/name", `At most ${smsSenderLengthMax} Latin letters and digits.`)
  }
  const isMailbox = address === undefined || /^[^\s@<>",;]+@[^\s@<>",;]+$/.test(address)
  return isMailbox ? undefined : invalid("/sender/address", "An e-mail address is needed.")
}

const objectionToMissing = ({ missing, events }: Template, catalogue: TagCatalogue): Refusal | undefined => {
  if (missing.policy !== "DEFAULT") return undefined
  const tags = tagsFor(catalogue, events)
  const unknown = Object.keys(missing.values).find((tag) => !isKnownTag(tag, tags))
  return unknown === undefined ? undefined : invalid(`/missing/values/${unknown}`, `There is no tag #${unknown}#.`)
}

/** What is wrong with a template, at the place where it is. */
export const objectionToTemplate = (template: Template, catalogue: TagCatalogue): Refusal | undefined => {
  const languages = Object.keys(template.variants)
  if (languages.length > variantsMax) return invalid("/variants", `At most ${variantsMax} languages.`)
  if (template.variants[template.defaultLanguage] === undefined) {
    return invalid("/default_language", "There is no variant in the default language.")
  }
  if (template.events.length > eventsMax) return invalid("/events", `At most ${eventsMax} types of events.`)
  const stranger = template.events.findIndex((event) => !catalogue.events.has(event))
  if (stranger >= 0) return invalid(`/events/${stranger}`, `There is no event ${template.events[stranger]}.`)
  const seen = new Map<string, string>()
  for (const language of languages) {
    const refusal = objectionToVariant(template, language, catalogue)
    if (refusal !== undefined) return refusal
    const locale = localeOf(language) as string
    const twin = seen.get(locale)
    if (twin !== undefined) return invalid(`/variants/${language}`, `It is the same language as ${twin}.`)
    seen.set(locale, language)
  }
  return objectionToSender(template) ?? objectionToMissing(template, catalogue)
}
