/** Every refusal there is, as a person reads it: a whole sentence with the values that it is about, and nothing of how it is made. */
import { assert, describe, it } from "@effect/vitest"
import { Refusal } from "#domain/Refusal.ts"
import { faultOf } from "#http/door/Fault.ts"
import { MediaConflict, NotIdentified } from "#runtime/actor/Identification.ts"
import * as Runtime from "#runtime/actor/RuntimeRefusal.ts"
import { members } from "#runtime/journal/Kinds.ts"
import type * as SchemaAST from "effect/SchemaAST"

type Fields = Readonly<Record<string, unknown>>
type Refused = Parameters<typeof faultOf>[0]

/** Values of fields of one type; what has few, all of them. */
const samples = (name: string, type: SchemaAST.AST): ReadonlyArray<unknown> => {
  switch (type._tag) {
    case "Literal":
      return [type.literal]
    case "Union":
      return type.types.flatMap((each) => samples(name, each))
    case "String":
      // By what the domain says of them: a rule and a reason are sentences of their own.
      return [name === "currency" ? "EUR" : name === "rule" || name === "reason" ? "It is a sentence." : `the ${name}`]
    case "Number":
      return [7]
    case "BigInt":
      return [1_234n]
    case "Arrays":
      return [["one", "another"]]
    default:
      throw new Error(`a refusal has a field of a new kind: ${name} is ${type._tag}`)
  }
}

/** With and without what may be absent. */
const refusalsOf = (ast: SchemaAST.AST): ReadonlyArray<Fields> => {
  if (ast._tag !== "Objects") throw new Error("a refusal has fields")
  let all: ReadonlyArray<Fields> = [{}]
  for (const { name, type } of ast.propertySignatures) {
    const given = samples(String(name), type).map((value): Fields => ({ [name]: value }))
    const each = type.context?.isOptional === true ? [{}, ...given] : given
    all = all.flatMap((fields) => each.map((more) => ({ ...fields, ...more })))
  }
  return all
}

const ofDomain = members(Refusal.ast).flatMap(refusalsOf) as unknown as ReadonlyArray<Refusal>
const ofRuntime: ReadonlyArray<Refused> = [
  new Runtime.PreconditionFailed({ current: 7 }),
  new Runtime.MailboxFull({ retryAfterMs: 100 }),
  new Runtime.DeadlinePassed(),
  new Runtime.StillRunning({ commandId: "the command" }),
  new Runtime.CommandIdReused(),
  new Runtime.ShardMoved(),
  new Runtime.ActorUnavailable({ cause: "the cause" }),
  new Runtime.TurnFailed({ cause: "the cause" }),
  new NotIdentified({ kinds: ["wallet_code"] }),
  new MediaConflict({ kinds: ["wallet_code", "phone"] })
]

/** Those whose sentence is about who asks, or about all that was asked. */
const aboutWhoAsks = new Set([
  "SpendBlocked",
  "TransferToSelf",
  "OwnerInvitedSelf",
  "NoConsent",
  "AutomationsChanged",
  "NotApproved"
])

/** As they stand in a sentence. */
const written = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "bigint") return ["12.34"]
  return Array.isArray(value) ? value : [String(value)]
}

describe("a refusal", () => {
  it("API-1: is told in whole sentences, with nothing missing and nothing of how it is made", () => {
    assert.strictEqual(new Set(ofDomain.map(({ _tag }) => _tag)).size, members(Refusal.ast).length)
    for (const refusal of [...ofDomain, ...ofRuntime]) {
      const { code, detail, status, title } = faultOf(refusal)
      for (const text of [title, detail]) {
        assert.notMatch(
          text,
          /undefined|null|NaN|\[object|the cause|\(\)|""| {2}| [.,;:?]|^\W/,
          `${refusal._tag}: ${text}`
        )
      }
      assert.match(detail, /\S[.?]$/, refusal._tag)
      assert.match(code, /^(KOINON|CRM\.EXCEPTIONS)\.[A-Z_]+$/)
      assert.isTrue(status >= 400 && status < 600)
    }
  })

  it("API-1: names what it is about, in its sentence and again among its parameters", () => {
    for (const refusal of ofDomain) {
      const { detail, parameters = {} } = faultOf(refusal)
      const { _tag, ...fields } = refusal as Fields & { readonly _tag: string }
      const values = Object.values(fields)
      if (values.length > 0 && !aboutWhoAsks.has(_tag)) {
        const named = values.flatMap(written).some((value) => detail.includes(value))
        assert.isTrue(named, `${_tag}: ${detail}`)
      }
      assert.strictEqual(Object.keys(parameters).length, values.length, _tag)
      for (const [name, value] of Object.entries(parameters))
        assert.isTrue(value !== undefined && value !== "", `${_tag}.${name}`)
    }
  })

  it("says when to come again where it only says not yet", () => {
    for (const refusal of [...ofDomain, ...ofRuntime]) {
      const { detail, retryAfterSeconds, status } = faultOf(refusal)
      if (status === 503) assert.isDefined(retryAfterSeconds, refusal._tag)
      if (/try again/.test(detail)) assert.isDefined(retryAfterSeconds, refusal._tag)
    }
  })
})
