/** The stages that may be asked for, by name, each as MongoDB means it. */
import type { Document } from "bson"
import { compile as compileExpression } from "./Expressions.ts"
import * as Filter from "./Filter.ts"
import { lookup } from "./Lookup.ts"
import { Refused } from "./Refused.ts"
import { sort } from "./Sorting.ts"
import { type Collections, ofAll, type Prepared } from "./Stage.ts"

const wholeNumber = (value: unknown, name: string): number => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new Refused("BadValue", `${name} needs a whole number`)
  }
  return value
}

const match = (body: Document): Prepared => {
  const { test } = Filter.compile(body)
  return ofAll((documents) => documents.filter(test))
}

const flatName = (name: string): string => {
  if (name === "" || name.startsWith("$") || name.includes(".")) {
    throw new Refused("BadValue", `a field of the name '${name}' cannot be made`)
  }
  return name
}

/** Of whole fields: what is made within one would change what is stored. */
const addFields = (body: Document): Prepared => {
  const fields = Object.entries(body).map(
    ([name, expression]) => [flatName(name), compileExpression(expression)] as const
  )
  return ofAll((documents) =>
    documents.map((document) => {
      const after: Document = { ...document }
      for (const [name, evaluate] of fields) {
        const value = evaluate(document)
        if (value === undefined) delete after[name]
        else after[name] = value
      }
      return after
    })
  )
}

/** Names of fields within fields. */
interface Paths {
  readonly [name: string]: Paths | true
}

const pathsOf = (names: ReadonlyArray<string>): Paths => {
  const paths: Record<string, Paths | true> = {}
  for (const name of names) {
    let at = paths
    const steps = name.split(".")
    for (const [index, step] of steps.entries()) {
      const known = at[step]
      if (
        step === "" ||
        step.startsWith("$") ||
        known === true ||
        (known !== undefined && index === steps.length - 1)
      ) {
        throw new Refused("BadValue", `the path ${name} collides or names no field`)
      }
      if (index === steps.length - 1) at[step] = true
      else at = (at[step] ??= {}) as Record<string, Paths | true>
    }
  }
  return paths
}

const isInside = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const only = (document: Document, paths: Paths): Document => {
  const kept: Document = {}
  const within = (value: unknown, inner: Paths): unknown => {
    if (Array.isArray(value)) return value.map((each) => within(each, inner)).filter((each) => each !== undefined)
    return isInside(value) ? only(value, inner) : undefined
  }
  for (const name in document) {
    const inner = Object.hasOwn(paths, name) ? paths[name] : undefined
    const value: unknown =
      inner === true ? document[name] : inner === undefined ? undefined : within(document[name], inner)
    if (value !== undefined) kept[name] = value
  }
  return kept
}

const without = (document: Document, paths: Paths): Document => {
  const kept: Document = {}
  const within = (value: unknown, inner: Paths): unknown => {
    if (Array.isArray(value)) return value.map((each) => within(each, inner))
    return isInside(value) ? without(value, inner) : value
  }
  for (const name in document) {
    const inner = Object.hasOwn(paths, name) ? paths[name] : undefined
    if (inner !== true) kept[name] = inner === undefined ? document[name] : within(document[name], inner)
  }
  return kept
}

/** Fields are named to be kept or to be left out, not both; only the `_id` may go against the others. */
const project = (body: Document): Prepared => {
  const entries = Object.entries(body)
  if (entries.some(([, value]) => value !== 0 && value !== 1 && typeof value !== "boolean")) {
    throw new Refused("BadValue", "$project only names fields")
  }
  const kept = entries.filter(([, value]) => value === 1 || value === true).map(([name]) => name)
  const left = entries.filter(([, value]) => value === 0 || value === false).map(([name]) => name)
  const isKeeping = kept.some((name) => name !== "_id") || (kept.length > 0 && left.length === 0)
  if (entries.length === 0 || (isKeeping && left.some((name) => name !== "_id"))) {
    throw new Refused("BadValue", "$project either keeps fields or leaves them out")
  }
  const paths = pathsOf(isKeeping ? [...new Set([...kept, ...(left.includes("_id") ? [] : ["_id"])])] : left)
  const change = isKeeping ? only : without
  return ofAll((documents) => documents.map((document) => change(document, paths)))
}

const unset = (body: unknown): Prepared => {
  const paths = pathsOf((Array.isArray(body) ? body : [body]).map(String))
  return ofAll((documents) => documents.map((document) => without(document, paths)))
}

const limit = (body: unknown): Prepared => {
  const most = wholeNumber(body, "$limit")
  return {
    whole: (documents) => documents.slice(0, most),
    make: () => {
      let left = most
      return {
        push: (documents) => {
          const taken = documents.slice(0, left)
          left -= taken.length
          return taken
        },
        isFull: () => left === 0
      }
    }
  }
}

const skip = (body: unknown): Prepared => {
  const first = wholeNumber(body, "$skip")
  return {
    whole: (documents) => documents.slice(first),
    make: () => {
      let left = first
      return {
        push: (documents) => {
          const passed = Math.min(left, documents.length)
          left -= passed
          return documents.slice(passed)
        }
      }
    }
  }
}

const count = (body: unknown): Prepared => {
  if (typeof body !== "string" || body === "" || body.startsWith("$") || body.includes(".")) {
    throw new Refused("BadValue", "$count needs the name of a field")
  }
  return {
    whole: (documents) => (documents.length === 0 ? [] : [{ [body]: documents.length }]),
    make: () => {
      let seen = 0
      return {
        push: (documents) => {
          seen += documents.length
          return []
        },
        end: () => (seen === 0 ? [] : [[{ [body]: seen }]])
      }
    }
  }
}

/** The stages of a pipeline that has been checked. */
export const prepare = (pipeline: ReadonlyArray<Document>, collections: Collections): ReadonlyArray<Prepared> =>
  pipeline.map((stage): Prepared => {
    const [[name, body] = ["", {}]] = Object.entries(stage)
    switch (name) {
      case "$match":
        return match(body)
      case "$project":
        return project(body)
      case "$addFields":
      case "$set":
        return addFields(body)
      case "$unset":
        return unset(body)
      case "$limit":
        return limit(body)
      case "$skip":
        return skip(body)
      case "$count":
        return count(body)
      case "$sort":
        return sort(body)
      case "$lookup":
        return lookup(body, collections, prepare)
      default:
        throw new Refused("UnknownStage", `Unrecognized pipeline stage name: '${name}'`)
    }
  })
