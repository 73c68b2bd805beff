/**
 * How `npm test` runs: every test file in a process of its own, so that a crash, a leaked server or a killed database
 * stays inside its file. The limits are for a loaded two-core machine; a test that needs longer names its own limit.
 */
import { defineConfig } from "vitest/config"

const testTimeoutMs = 120_000
const hookTimeoutMs = 120_000
const teardownTimeoutMs = 60_000
/** Most files wait for a database most of the time: two share two cores well, and more would starve those that compute. */
const filesAtOnce = 2

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/globalSetup.ts",
    pool: "forks",
    maxWorkers: filesAtOnce,
    isolate: true,
    testTimeout: testTimeoutMs,
    hookTimeout: hookTimeoutMs,
    teardownTimeout: teardownTimeoutMs
  }
})
