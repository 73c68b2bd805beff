/** Labels that a business puts on a contact, for its segments and its people. They are the business's words: not personal. */
import * as Result from "effect/Result"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { ChangeTags } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"

/** Tags of one contact, at most, and characters of one. */
const tagsMax = 50
const tagLengthMax = 50

export const changeTags = (
  contact: ContactState,
  { add, remove, cause }: typeof ChangeTags.Type,
  turn: Turn
): Judgement => {
  const answer = { _tag: "Done", id: contact.id } as const
  const wrong = add.find((tag) => tag.trim() !== tag || tag === "" || tag.length > tagLengthMax)
  if (wrong !== undefined) {
    const rule = `A tag has 1 to ${tagLengthMax} characters and no space at its ends.`
    return Result.fail({ _tag: "InvalidContact", field: "tags", rule })
  }
  const tags = [...new Set([...contact.tags.filter((tag) => !remove.includes(tag)), ...add])]
  if (tags.length > tagsMax) {
    return Result.fail({ _tag: "InvalidContact", field: "tags", rule: `A contact has at most ${tagsMax} tags.` })
  }
  const same = tags.length === contact.tags.length && tags.every((tag) => contact.tags.includes(tag))
  const because = cause === undefined ? {} : { cause }
  const event = { _tag: "TagsChanged", tags, previous: contact.tags, ...because, at: turn.at } as const
  return Result.succeed({ events: same ? [] : [event], answer })
}
