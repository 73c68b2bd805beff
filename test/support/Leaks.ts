/** Looks for values in what was written, also where they stand in another case or as hex, base64 or a part of a URL. */

interface Form {
  readonly text: string
  readonly anyCase: boolean
}

/** Of a longer text in base64, whichever byte it begins at: without the characters that its neighbours share in. */
const inBase64 = (value: string): ReadonlyArray<string> =>
  [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)])
      .toString("base64")
      .replace(/=+$/, "")
    const inner = text.slice(offset === 0 ? 0 : offset + 1, -1)
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")]
  })

const formsOf = (value: string): ReadonlyArray<Form> => [
  { text: value, anyCase: true },
  { text: JSON.stringify(value).slice(1, -1), anyCase: true },
  { text: encodeURIComponent(value), anyCase: true },
  { text: Buffer.from(value).toString("hex"), anyCase: true },
  ...inBase64(value).map((text) => ({ text, anyCase: false }))
]

/** Looks for the values in texts: which of them stand there. */
export const finderOf = (values: ReadonlyArray<string>) => {
  const forms = values.flatMap((value) =>
    formsOf(value).map(({ text, anyCase }) => ({ value, text: anyCase ? text.toLowerCase() : text, anyCase }))
  )
  return (text: string): ReadonlyArray<string> => {
    const lower = text.toLowerCase()
    return [
      ...new Set(forms.filter((form) => (form.anyCase ? lower : text).includes(form.text)).map(({ value }) => value))
    ]
  }
}
