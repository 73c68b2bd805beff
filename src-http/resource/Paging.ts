/**
 * Pages of lists, as both doors ask for and answer them: by number, or after the opaque `next_cursor` of the page before.
 * `total` is exact, and there only when it was asked for. Safe to share with clients.
 */
import { pageSizeMax } from "#runtime/projection/Paging.ts"
import * as Schema from "effect/Schema"
import { present } from "./Fields.ts"

export const pageSizeDefault = 10
/** Beyond it a list is read by its cursor: finding a page by number costs all the pages before it. */
const pageMax = 10_000

const word = { true: true, false: false } as const
/** A flag as it stands in a query. */
export const Flag = Schema.Literals(["true", "false"])
export const isOn = (flag: keyof typeof word | undefined): boolean => flag !== undefined && word[flag]

const whole = (minimum: number, maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

/** The parameters that every list takes. */
export const pagingQuery = {
  page: Schema.optionalKey(whole(1, pageMax)),
  size: Schema.optionalKey(whole(0, pageSizeMax)),
  order: Schema.optionalKey(Schema.Literals(["ASC", "DESC"])),
  include_total: Schema.optionalKey(Flag)
}
/** Of lists that a view serves; in place of `page`. */
export const cursorQuery = { cursor: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(2_000))) }

const Paging = Schema.Struct({
  page: Schema.Int,
  size: Schema.Int,
  total: Schema.optionalKey(Schema.Int),
  has_more: Schema.Boolean,
  next_cursor: Schema.optionalKey(Schema.String)
})
export const listOf = <Item extends Schema.Top>(item: Item) =>
  Schema.Struct({ content: Schema.Array(item), paging: Paging })

export interface PageAsked {
  readonly page?: number
  readonly size?: number
  readonly order?: "ASC" | "DESC"
  readonly include_total?: "true" | "false"
  readonly cursor?: string
}

export interface List<Item> {
  readonly content: ReadonlyArray<Item>
  readonly paging: typeof Paging.Type
}

/** A page of a list that is at hand as a whole, in the order in which it is to be shown. */
export const pageOf = <Item>(items: ReadonlyArray<Item>, asked: PageAsked): List<Item> => {
  const { page = 1, size = pageSizeDefault } = asked
  const end = page * size
  return {
    content: items.slice(end - size, end),
    paging: present({
      page,
      size,
      total: isOn(asked.include_total) ? items.length : undefined,
      has_more: items.length > end
    })
  }
}
