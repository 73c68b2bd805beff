/**
 * Expressions, compiled once and evaluated for each document: those that are listed, as MongoDB means them, where missing is
 * not null and any two values have an order. mingo reads an expression anew for each document and takes missing for null,
 * so none of its own is used.
 */
import type { Document } from "bson"
import * as Allowed from "./Allowed.ts"
import { keyOf } from "./Keys.ts"
import { compare } from "./Order.ts"
import { Refused } from "./Refused.ts"
import * as RegularExpressions from "./RegularExpressions.ts"

/** Of a document, with what variables hold at the places that they were given. */
type Evaluate = (document: Document, frame: Array<unknown>) => unknown

/** Where each variable in force is kept, and how many places there are in all. */
interface Scope {
  readonly places: ReadonlyMap<string, number>
  readonly all: { count: number }
}

const within = (scope: Scope, ...names: ReadonlyArray<string>): { scope: Scope; places: ReadonlyArray<number> } => {
  const places = names.map(() => (scope.all.count += 1) - 1)
  const known = new Map(scope.places)
  for (const [at, name] of names.entries()) known.set(name, places[at] ?? 0)
  return { scope: { ...scope, places: known }, places }
}

export const isTrue = (value: unknown): boolean =>
  value !== false && value !== null && value !== undefined && value !== 0

const stepInto = (value: unknown, steps: ReadonlyArray<string>, at: number): unknown => {
  let found = value
  for (let step = at; step < steps.length; step++) {
    if (Array.isArray(found)) {
      // A list within a list has no fields.
      const documents = found.filter((each) => !Array.isArray(each))
      return documents.map((each) => stepInto(each, steps, step)).filter((each) => each !== undefined)
    }
    if (typeof found !== "object" || found === null) return undefined
    const name = steps[step] as string
    found = Object.hasOwn(found, name) ? (found as Document)[name] : undefined
  }
  return found
}

const pathOf = (text: string, scope: Scope): Evaluate => {
  if (!text.startsWith("$$")) {
    const steps = text.slice(1).split(".")
    return (document) => stepInto(document, steps, 0)
  }
  const [name = "", ...steps] = text.slice(2).split(".")
  if (name === "ROOT" || name === "CURRENT") return (document) => stepInto(document, steps, 0)
  const place = scope.places.get(name)
  if (place === undefined) throw new Refused("FailedToParse", `Use of undefined variable: ${name}`)
  return steps.length === 0 ? (_, frame) => frame[place] : (_, frame) => stepInto(frame[place], steps, 0)
}

const compileIn = (expression: unknown, scope: Scope): Evaluate => {
  if (typeof expression === "string" && expression.startsWith("$")) return pathOf(expression, scope)
  if (Array.isArray(expression)) {
    const all = expression.map((each) => compileIn(each, scope))
    return (document, frame) => all.map((each) => each(document, frame) ?? null)
  }
  if (typeof expression !== "object" || expression === null || Object.getPrototypeOf(expression) !== Object.prototype) {
    return () => expression
  }
  const entries = Object.entries(expression as Document)
  const [first] = entries
  if (first === undefined || !first[0].startsWith("$")) return documentOf(entries, scope)
  const [name, body] = first
  const operator = Allowed.expressionOperators.has(name) ? operators[name] : undefined
  if (operator === undefined || entries.length > 1) {
    throw new Refused("InvalidPipelineOperator", `Unrecognized expression '${name}'`)
  }
  return operator(body, scope, name)
}

const documentOf = (entries: ReadonlyArray<readonly [string, unknown]>, scope: Scope): Evaluate => {
  const fields = entries.map(([name, value]) => [name, compileIn(value, scope)] as const)
  return (document, frame) => {
    const made: Document = {}
    for (const [name, evaluate] of fields) {
      const value = evaluate(document, frame)
      if (value !== undefined) made[name] = value
    }
    return made
  }
}

type Operator = (body: unknown, scope: Scope, name: string) => Evaluate

const listOf = (body: unknown): ReadonlyArray<unknown> => (Array.isArray(body) ? body : [body])

const operandsOf = (body: unknown, scope: Scope, name: string, count?: number): ReadonlyArray<Evaluate> => {
  const given = listOf(body)
  if (count !== undefined && given.length !== count) {
    throw new Refused(
      "FailedToParse",
      `Expression ${name} takes exactly ${count} arguments. ${given.length} were passed in.`
    )
  }
  return given.map((each) => compileIn(each, scope))
}

const fieldsOf = (body: unknown, name: string, ...known: ReadonlyArray<string>): Document => {
  const given = typeof body === "object" && body !== null ? (body as Document) : {}
  const stranger = Object.keys(given).find((each) => !known.includes(each))
  if (stranger !== undefined) throw new Refused("FailedToParse", `Unrecognized parameter to ${name}: ${stranger}`)
  return given
}

const unary =
  (apply: (value: unknown, name: string) => unknown): Operator =>
  (body, scope, name) => {
    const [operand] = operandsOf(body, scope, name, 1) as [Evaluate]
    return (document, frame) => apply(operand(document, frame), name)
  }

const binary =
  (apply: (left: unknown, right: unknown, name: string) => unknown): Operator =>
  (body, scope, name) => {
    const [left, right] = operandsOf(body, scope, name, 2) as [Evaluate, Evaluate]
    return (document, frame) => apply(left(document, frame), right(document, frame), name)
  }

const array = (value: unknown, name: string): ReadonlyArray<unknown> => {
  if (!Array.isArray(value)) throw new Refused("TypeMismatch", `${name} needs an array`)
  return value
}

/** Of nothing known nothing is known. */
const arithmetic =
  (start: number, apply: (left: number, right: number) => number): Operator =>
  (body, scope, name) => {
    const operands = operandsOf(body, scope, name)
    return (document, frame) => {
      let result = start
      for (const operand of operands) {
        const value = operand(document, frame)
        if (value === null || value === undefined) return null
        if (typeof value !== "number") throw new Refused("TypeMismatch", `${name} only supports numeric types`)
        result = apply(result, value)
      }
      return result
    }
  }

const keysOf = (values: ReadonlyArray<unknown>): ReadonlyMap<unknown, unknown> =>
  new Map(values.map((value) => [keyOf(value), value]))

const intersection: Operator = (body, scope, name) => {
  const operands = operandsOf(body, scope, name)
  return (document, frame) => {
    let shared: ReadonlyMap<unknown, unknown> | undefined
    for (const operand of operands) {
      const value = operand(document, frame)
      if (value === null || value === undefined) return null
      const keys = keysOf(array(value, name))
      shared = shared === undefined ? keys : new Map([...shared].filter(([key]) => keys.has(key)))
    }
    return [...(shared?.values() ?? [])]
  }
}

const filter: Operator = (body, scope, name) => {
  const { input, as = "this", cond } = fieldsOf(body, name, "input", "as", "cond")
  const list = compileIn(input, scope)
  const inner = within(scope, String(as))
  const [place = 0] = inner.places
  const test = compileIn(cond, inner.scope)
  return (document, frame) => {
    const values = list(document, frame)
    if (values === null || values === undefined) return null
    return array(values, name).filter((value) => {
      frame[place] = value
      return isTrue(test(document, frame))
    })
  }
}

const reduce: Operator = (body, scope, name) => {
  const { input, initialValue, in: step } = fieldsOf(body, name, "input", "initialValue", "in")
  const list = compileIn(input, scope)
  const start = compileIn(initialValue, scope)
  const inner = within(scope, "this", "value")
  const [item = 0, total = 0] = inner.places
  const next = compileIn(step, inner.scope)
  return (document, frame) => {
    const values = list(document, frame)
    if (values === null || values === undefined) return null
    let value = start(document, frame)
    for (const each of array(values, name)) {
      frame[item] = each
      frame[total] = value
      value = next(document, frame)
    }
    return value
  }
}

const bind: Operator = (body, scope, name) => {
  const { vars, in: result } = fieldsOf(body, name, "vars", "in")
  const bound = Object.entries((vars ?? {}) as Document)
  const values = bound.map(([, value]) => compileIn(value, scope))
  const inner = within(scope, ...bound.map(([each]) => each))
  const evaluate = compileIn(result, inner.scope)
  return (document, frame) => {
    for (const [at, value] of values.entries()) frame[inner.places[at] ?? 0] = value(document, frame)
    return evaluate(document, frame)
  }
}

const choose: Operator = (body, scope, name) => {
  const { branches, default: otherwise, ...rest } = fieldsOf(body, name, "branches", "default")
  const cases = array(branches, name).map((branch) => {
    const { case: test, then } = fieldsOf(branch, name, "case", "then")
    return [compileIn(test, scope), compileIn(then, scope)] as const
  })
  const last = "default" in (body as Document) ? compileIn(otherwise, scope) : undefined
  void rest
  return (document, frame) => {
    for (const [test, then] of cases) if (isTrue(test(document, frame))) return then(document, frame)
    if (last === undefined) throw new Refused("BadValue", "$switch could not find a matching branch")
    return last(document, frame)
  }
}

/** The pattern is written out: it is compiled once. */
const matches: Operator = (body, scope, name) => {
  const { input, regex } = fieldsOf(body, name, "input", "regex")
  const text = compileIn(input, scope)
  const pattern = RegularExpressions.patternOf(compileIn(regex, scope)({}, []))
  if (pattern === undefined) throw new Refused("FailedToParse", `${name} needs a pattern that is written out`)
  const program = RegularExpressions.compile(pattern)
  return (document, frame) => {
    const value = text(document, frame)
    if (value === null || value === undefined) return false
    if (typeof value !== "string") throw new Refused("TypeMismatch", `${name} needs a text`)
    return program.test(value)
  }
}

const orderIs = (holds: (order: number) => boolean): Operator => binary((left, right) => holds(compare(left, right)))

const operators: Readonly<Record<string, Operator>> = {
  $and: (body, scope, name) => {
    const all = operandsOf(body, scope, name)
    return (document, frame) => all.every((each) => isTrue(each(document, frame)))
  },
  $or: (body, scope, name) => {
    const all = operandsOf(body, scope, name)
    return (document, frame) => all.some((each) => isTrue(each(document, frame)))
  },
  $not: unary((value) => !isTrue(value)),
  $eq: orderIs((order) => order === 0),
  $ne: orderIs((order) => order !== 0),
  $gt: orderIs((order) => order > 0),
  $gte: orderIs((order) => order >= 0),
  $lt: orderIs((order) => order < 0),
  $lte: orderIs((order) => order <= 0),
  $in: binary((value, list, name) => array(list, name).some((each) => compare(each, value) === 0)),
  $isNumber: unary((value) => typeof value === "number"),
  $ifNull: (body, scope, name) => {
    const all = operandsOf(body, scope, name)
    return (document, frame) => {
      let value: unknown
      for (const each of all) {
        value = each(document, frame)
        if (value !== null && value !== undefined) return value
      }
      return value
    }
  },
  $literal: (body) => () => body,
  $let: bind,
  $switch: choose,
  $filter: filter,
  $reduce: reduce,
  $size: unary((value, name) => array(value, name).length),
  $arrayElemAt: binary((list, at, name) => {
    if (list === null || list === undefined || at === null || at === undefined) return null
    if (!Number.isInteger(at)) throw new Refused("TypeMismatch", `${name} needs a whole number`)
    return array(list, name).at(at as number)
  }),
  $setIntersection: intersection,
  $setIsSubset: binary((part, whole, name) => {
    const keys = keysOf(array(whole, name))
    return array(part, name).every((value) => keys.has(keyOf(value)))
  }),
  $add: arithmetic(0, (left, right) => left + right),
  $multiply: arithmetic(1, (left, right) => left * right),
  $regexMatch: matches
}

export const compile = (expression: unknown): ((document: Document) => unknown) => {
  const all = { count: 0 }
  const evaluate = compileIn(expression, { places: new Map(), all })
  const frame: Array<unknown> = Array.from({ length: all.count })
  return (document) => evaluate(document, frame)
}
