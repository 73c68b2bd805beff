#!/usr/bin/env node
/** The `koinon` command. This file only checks the Node version; `Cli.ts` holds the verbs. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `Koinon needs Node 24.7 or newer, and this is ${process.versions.node}. Run it through npm (npm start, npm run koinon), ` +
      "which uses the Node that npm ci installed; if that is missing, run npm ci without --ignore-scripts."
  )
  process.exit(1)
}
await import("./Cli.ts")
