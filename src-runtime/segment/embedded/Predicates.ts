/**
 * What a filter tests, by mingo's compiler over operators of our own: each is made once for its value and then looks at
 * nothing but the document. Only what is listed is there. As in MongoDB a comparison is within one kind of values, and of a
 * list it is enough that one of its values passes.
 */
import type { Document } from "bson"
import { Context } from "mingo/core"
import * as everyQuery from "mingo/operators/query"
import { Query } from "mingo/query"
import { compile as compileExpression, isTrue } from "./Expressions.ts"
import { isPlain } from "./Keys.ts"
import { compare } from "./Order.ts"
import { Refused } from "./Refused.ts"
import * as RegularExpressions from "./RegularExpressions.ts"

type Test = (document: Document) => boolean
type Passes = (value: unknown) => boolean

const isIndex = (step: string): boolean => /^\d{1,9}$/.test(step)

const isInside = (value: unknown): value is object => typeof value === "object" && value !== null

/** Whether any value at the path passes; a path that leads nowhere has no value, which may pass too. */
const anyAt = (value: unknown, steps: ReadonlyArray<string>, at: number, passes: Passes): boolean => {
  const step = steps[at]
  if (step === undefined) return passes(value) || (Array.isArray(value) && value.some(passes))
  if (Array.isArray(value)) {
    if (isIndex(step) && anyAtPlace(value[Number(step)], steps, at + 1, passes)) return true
    return value.some((each) => isInside(each) && !Array.isArray(each) && anyAt(each, steps, at, passes))
  }
  if (!isInside(value)) return passes(undefined)
  return anyAt(Object.hasOwn(value, step) ? (value as Document)[step] : undefined, steps, at + 1, passes)
}

/** By its place in a list a value is met as a whole, even a list; where there is none, nothing is met, not even no value. */
const anyAtPlace = (value: unknown, steps: ReadonlyArray<string>, at: number, passes: Passes): boolean =>
  at === steps.length ? value !== undefined && passes(value) : isInside(value) && anyAt(value, steps, at, passes)

const testOf = (path: string, passes: Passes): Test => {
  const steps = path.split(".")
  return (document) => anyAt(document, steps, 0, passes)
}

const not = (test: Test): Test => {
  return (document) => !test(document)
}

const isNothing: Passes = (value) => value === null || value === undefined

const equals = (wanted: unknown): Passes => {
  if (wanted === null) return isNothing
  return isPlain(wanted) ? (value) => value === wanted : (value) => compare(value, wanted) === 0
}

const isOneOf = (list: unknown): Passes => {
  if (!Array.isArray(list)) throw new Refused("BadValue", "$in needs an array")
  const set = new Set<unknown>(list)
  const others = list.filter((value) => !isPlain(value) && value !== null).map(equals)
  const orNothing = set.has(null)
  return (value) => set.has(value) || (orNothing && value === undefined) || others.some((passes) => passes(value))
}

const ordered =
  (holds: (order: number) => boolean) =>
  (path: string, wanted: unknown): Test => {
    if (wanted === null) return testOf(path, (value) => isNothing(value) && holds(0))
    if (typeof wanted === "number") {
      return testOf(path, (value) => typeof value === "number" && holds(value < wanted ? -1 : value > wanted ? 1 : 0))
    }
    const isSameKind = (value: unknown): boolean =>
      typeof value === typeof wanted && !isNothing(value) && Array.isArray(value) === Array.isArray(wanted)
    return testOf(path, (value) => isSameKind(value) && holds(compare(value, wanted)))
  }

/** The name under which `Filter` hands on a pattern, as mingo would compile one of its own. */
export const patternOperator = "$pattern"

const own = {
  $eq: (path: string, wanted: unknown) => testOf(path, equals(wanted)),
  $ne: (path: string, wanted: unknown) => not(testOf(path, equals(wanted))),
  $gt: ordered((order) => order > 0),
  $gte: ordered((order) => order >= 0),
  $lt: ordered((order) => order < 0),
  $lte: ordered((order) => order <= 0),
  $in: (path: string, list: unknown) => testOf(path, isOneOf(list)),
  $nin: (path: string, list: unknown) => not(testOf(path, isOneOf(list))),
  $all: (path: string, list: unknown) => {
    if (!Array.isArray(list)) throw new Refused("BadValue", "$all needs an array")
    const tests = list.map((wanted) => testOf(path, equals(wanted)))
    return (document: Document) => tests.length > 0 && tests.every((test) => test(document))
  },
  $exists: (path: string, wanted: unknown) => {
    const test = testOf(path, (value) => value !== undefined)
    return isTrue(wanted) ? test : not(test)
  },
  $expr: (_: string, expression: unknown) => {
    const evaluate = compileExpression(expression)
    return (document: Document) => isTrue(evaluate(document))
  },
  [patternOperator]: (path: string, name: string) => {
    const slash = name.indexOf("/")
    const pattern = RegularExpressions.compile({ options: name.slice(0, slash), source: name.slice(slash + 1) })
    return testOf(path, (value) => typeof value === "string" && pattern.test(value))
  }
}

const { $and, $nor, $or } = everyQuery
const context = Context.init({ query: { $and, $nor, $or, ...own } as never })

export const predicate = (filter: Document): Test => {
  const query = new Query(filter, { context, scriptEnabled: false })
  return (document) => query.test(document)
}
