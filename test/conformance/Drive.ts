/**
 * Puts the questions of one operation to the running server and collects how the answers differ. A reading operation
 * is asked about one arrangement; a writing one gets a fresh arrangement for every question, so that no answer is
 * spoilt by an earlier one. The plain call of a reading operation is repeated, within a bound, until the views have
 * caught up with what was written.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Json, Operation, Schema } from "./Description.ts"
import { type Answer, bodyOf, errorCodeOf, isSuccess, judge, judgeReads } from "./Judge.ts"
import { type Call, foreignToken, plainCall, type Probe, probesOf, unknownField } from "./Probes.ts"
import type { Arrangement } from "./Arrangements.ts"
import type { Step } from "./Scenario.ts"
import { type Difference, documentedFields, shownFields } from "./SchemaCheck.ts"
import { patientFetch } from "./Server.ts"
import { ArrangementFailed, type World } from "./World.ts"

export interface NamedDifference extends Difference {
  /** What was sent when it was seen first. */
  readonly when: string
  readonly times: number
}

export interface Verdict {
  readonly operation: string
  readonly result: "conformant" | "differs" | "not served"
  readonly questions: number
  /** Documented fields of the success answer that were shown, and how many there are: information, not a judgement. */
  readonly fields: { readonly shown: number; readonly documented: number }
  readonly differences: ReadonlyArray<NamedDifference>
  readonly elapsedMs: number
}

const requestTimeoutMs = 60_000
const readTimeoutMs = 60_000
const readPollMs = 25
const routeMissing = [404, 405, 501]

const tokenFor = async (world: World, call: Call, own: string): Promise<string | undefined> => {
  switch (call.credentials) {
    case "own":
      return own
    case "none":
      return undefined
    case "unknown token":
      return "not.a.token"
    case "foreign token":
      return (await world.once("stranger", () => world.contact())).token
  }
}

const send = async (world: World, operation: Operation, call: Call, own: string): Promise<Answer> => {
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_whole, name: string) =>
    encodeURIComponent(call.path[name] ?? "")
  )
  const query = new URLSearchParams(call.query).toString()
  const token = await tokenFor(world, call, own)
  const text = call.text ?? (call.body === undefined ? undefined : JSON.stringify(call.body))
  const answer = await patientFetch(`${world.server.url}${path}${query === "" ? "" : `?${query}`}`, {
    method: operation.method,
    headers: {
      ...call.headers,
      ...(call.credentials === "none" ? {} : { api_key: world.server.apiKey }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { "content-type": "application/json" })
    },
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(text === undefined ? {} : { body: text })
  })
  return { status: answer.status, contentType: answer.headers.get("content-type") ?? "", text: await answer.text() }
}

const callOf = ({ path, query = {}, body }: Arrangement): Call => ({
  path,
  query,
  headers: {},
  body,
  credentials: "own"
})

/** The same difference at another index or question is one line of the report; a refusal of its own is always one. */
const sameAs = (when: string, { pointer, expected }: Difference): string =>
  JSON.stringify([pointer.replaceAll(/\/\d+(?=\/|$)/g, "/*"), expected, pointer === "" ? when : ""])

class Findings {
  questions = 0
  readonly shown = new Set<string>()
  readonly #differences = new Map<string, NamedDifference>()

  add(when: string, differences: ReadonlyArray<Difference>): void {
    for (const difference of differences) {
      const key = sameAs(when, difference)
      const known = this.#differences.get(key)
      this.#differences.set(
        key,
        known === undefined ? { ...difference, when, times: 1 } : { ...known, times: known.times + 1 }
      )
    }
  }

  failure(when: string, cause: unknown): void {
    const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : ""
    const got = cause instanceof Error ? `${cause.message}${inner}` : String(cause)
    const expected = cause instanceof ArrangementFailed ? "an arrangement to ask about" : "an answer"
    this.add(when, [{ pointer: "", expected, got }])
  }

  verdict(operation: Operation, served: boolean, elapsedMs: number): Verdict {
    const documented = new Set(successSchemas(operation).flatMap((schema) => documentedFields(schema)))
    const differences = served ? [...this.#differences.values()] : []
    const judged = differences.length === 0 ? "conformant" : "differs"
    return {
      operation: operation.key,
      result: served ? judged : "not served",
      questions: this.questions,
      fields: { shown: [...documented].filter((field) => this.shown.has(field)).length, documented: documented.size },
      differences,
      elapsedMs
    }
  }
}

const successSchemas = (operation: Operation): ReadonlyArray<Schema> =>
  [...operation.answers].filter(([status]) => status < 300).flatMap(([, content]) => [...content.values()])

export const drive = async (operation: Operation, step: Step, world: World): Promise<Verdict> => {
  const startedAt = performance.now()
  const findings = new Findings()
  const finish = (served = true) => findings.verdict(operation, served, Math.round(performance.now() - startedAt))
  const reading = operation.method === "GET"
  let unknownCode: Json | undefined

  const ask = async (probe: Probe, arrangement: Arrangement): Promise<Answer> => {
    const call = probe.alter(callOf(arrangement), arrangement.given ?? {})
    const answer = await send(world, operation, call, arrangement.token)
    if (isSuccess(answer)) for (const field of shownFields(bodyOf(answer))) findings.shown.add(field)
    return answer
  }

  const askPlainly = async (arrangement: Arrangement): Promise<Answer> => {
    const reads = arrangement.reads ?? {}
    const deadline = Date.now() + (reading ? readTimeoutMs : 0)
    let answer = await ask(plainCall, arrangement)
    while (isSuccess(answer) && judgeReads(reads, answer).length > 0 && Date.now() < deadline) {
      await pause(readPollMs)
      answer = await ask(plainCall, arrangement)
    }
    findings.questions += 1
    findings.add(plainCall.when, judge(operation, plainCall.expectation, answer, undefined))
    if (isSuccess(answer)) findings.add(plainCall.when, judgeReads(reads, answer))
    return answer
  }

  let first: Arrangement
  try {
    first = await step.arrange(world, "")
    const answer = await askPlainly(first)
    if (step.optional === true && routeMissing.includes(answer.status)) return finish(false)
  } catch (cause) {
    findings.failure(plainCall.when, cause)
    return finish()
  }
  for (const probe of probesOf(operation, first.given ?? {}, step.unserved)) {
    if (probe === foreignToken && step.everybodys === true) continue
    findings.questions += 1
    try {
      const answer = await ask(probe, reading ? first : await step.arrange(world, probe.about))
      if (probe === unknownField) unknownCode = errorCodeOf(answer)
      findings.add(probe.when, judge(operation, probe.expectation, answer, unknownCode))
    } catch (cause) {
      findings.failure(probe.when, cause)
    }
  }
  return finish()
}
