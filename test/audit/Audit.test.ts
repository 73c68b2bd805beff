/** What the audit makes of npm's reports: a hole fails, and so does whatever is not understood; silence is told apart. */
import { assert, it } from "@effect/vitest"
import { verdictOn } from "./main.ts"

const report = (severity: string) =>
  JSON.stringify({
    vulnerabilities: { leaky: { severity, range: "<1.2.3" } },
    metadata: { vulnerabilities: { low: 0, moderate: 0, high: 0, critical: 0, [severity]: 1 } }
  })

it("passes a clean report, and one with lesser holes only", () => {
  assert.strictEqual(
    verdictOn(JSON.stringify({ metadata: { vulnerabilities: { high: 0, critical: 0 } } })).kind,
    "clean"
  )
  assert.strictEqual(verdictOn(report("moderate")).kind, "clean")
})

it("fails for a high or critical hole and names the package", () => {
  for (const severity of ["high", "critical"]) {
    assert.deepStrictEqual(verdictOn(report(severity)), { kind: "found", why: `leaky <1.2.3: ${severity}` })
  }
})

it("tells a registry that does not answer from a finding, and a report that nobody understands from both", () => {
  const noNetwork = { message: "request failed, reason: connect ECONNREFUSED 127.0.0.1:9", error: { summary: "" } }
  const noEndpoint = { statusCode: 405, message: "405 Method Not Allowed", error: { summary: "", detail: "" } }
  assert.strictEqual(verdictOn(JSON.stringify(noEndpoint)).kind, "unanswered")
  assert.strictEqual(verdictOn(JSON.stringify(noNetwork)).kind, "unanswered")
  assert.strictEqual(verdictOn(JSON.stringify({ error: { code: "ENOLOCK", summary: "no lock file" } })).kind, "broken")
  assert.strictEqual(verdictOn("").kind, "broken")
})
