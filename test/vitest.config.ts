/**
 * How `npm test` runs: every test file in a process of its own, so that a crash, a leaked server or a killed database
 * stays inside its file. The limits are for a loaded two-core machine; a test that needs longer names its own limit.
 */
import { defineConfig } from "vitest/config"

const testTimeoutMs = 30_000
const hookTimeoutMs = 60_000
const teardownTimeoutMs = 20_000

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/globalSetup.ts",
    pool: "forks",
    isolate: true,
    testTimeout: testTimeoutMs,
    hookTimeout: hookTimeoutMs,
    teardownTimeout: teardownTimeoutMs
  }
})
