/**
 * `npm run audit`: whether a package that is shipped has a known hole of a high or critical kind. It asks the registry
 * that npm is set to. One that does not answer that question (a mirror without the endpoint, no network) is said out loud
 * and is no finding; everything else that is not a clean report is one.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const answerMaxMs = 120_000
const graveKinds = ["high", "critical"] as const

interface Report {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>
  readonly statusCode?: number
  readonly message?: string
  readonly error?: { readonly code?: string; readonly summary?: string }
}

type Verdict = { readonly kind: "clean" } | { readonly kind: "unanswered" | "found" | "broken"; readonly why: string }

/** The registry has no such endpoint, keeps it closed, or cannot be reached. */
const unansweredStatuses = new Set([401, 403, 404, 405, 501, 502, 503, 504])
const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/

/** What npm printed, judged. */
export const verdictOn = (printed: string): Verdict => {
  let report: Report
  try {
    report = JSON.parse(printed) as Report
  } catch {
    return { kind: "broken", why: `npm audit printed no report: ${printed.slice(0, 200)}` }
  }
  const counts = report.metadata?.vulnerabilities
  if (counts !== undefined) {
    const grave = Object.entries(report.vulnerabilities ?? {}).filter(([, { severity }]) =>
      graveKinds.some((kind) => kind === severity)
    )
    if (graveKinds.every((kind) => (counts[kind] ?? 0) === 0) && grave.length === 0) return { kind: "clean" }
    return {
      kind: "found",
      why: grave.map(([name, { severity, range }]) => `${name} ${range}: ${severity}`).join("\n")
    }
  }
  const { error, message = error?.summary ?? "no reason was given", statusCode = 0 } = report
  const isUnanswered = unansweredStatuses.has(statusCode) || unreachable.test(`${error?.code} ${message}`)
  return { kind: isUnanswered ? "unanswered" : "broken", why: message }
}

const main = (): number => {
  const { stdout, error } = spawnSync("npm", ["audit", "--omit=dev", "--audit-level=high", "--json"], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    encoding: "utf8",
    timeout: answerMaxMs,
    shell: process.platform === "win32"
  })
  const verdict: Verdict =
    error === undefined ? verdictOn(stdout) : { kind: "broken", why: `npm audit did not end well: ${error.message}` }
  switch (verdict.kind) {
    case "clean":
      process.stdout.write("audit: no shipped package has a known hole of a high or critical kind\n")
      return 0
    case "unanswered":
      process.stderr.write(
        `\n!! audit: NOT DONE. The registry that npm is set to does not answer it (${verdict.why}).\n` +
          `!! Nothing is known about holes in the dependencies; run npm run audit where the registry answers.\n\n`
      )
      return 0
    case "found":
      process.stderr.write(`audit: packages with known holes\n${verdict.why}\n`)
      return 1
    case "broken":
      process.stderr.write(`audit: ${verdict.why}\n`)
      return 2
  }
}

if (import.meta.main) process.exitCode = main()
