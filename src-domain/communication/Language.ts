/** Languages as contacts and templates name them (`ENG`, `ELL`, `el`, `el-CY`), and which variant a contact gets (AUT-12). */

const locales = new Map<string, string | undefined>()
/** Codes remembered. */
const rememberedMax = 1_000

const canonical = (code: string): string | undefined => {
  try {
    return Intl.getCanonicalLocales(code.replaceAll("_", "-"))[0]
  } catch {
    // It is no language tag at all, which is an answer.
    return undefined
  }
}

/** The BCP 47 tag: two codes of one language have the same. `undefined` where it is none. */
export const localeOf = (code: string): string | undefined => {
  if (!locales.has(code)) {
    if (locales.size >= rememberedMax) locales.clear()
    locales.set(code, canonical(code))
  }
  return locales.get(code)
}

const baseOf = (locale: string | undefined): string | undefined => locale?.split("-")[0]

/** Of the languages that there are, the one for who speaks `wanted`: the same, else the same without its region, else `fallback`. */
export const chooseLanguage = (languages: ReadonlyArray<string>, wanted: string, fallback: string): string => {
  const locale = localeOf(wanted)
  if (locale === undefined) return fallback
  const exact = languages.find((language) => localeOf(language) === locale)
  if (exact !== undefined) return exact
  const base = baseOf(locale)
  const general = languages.find((language) => localeOf(language) === base)
  return general ?? languages.find((language) => baseOf(localeOf(language)) === base) ?? fallback
}
