/** `npm run bench`. This file only checks the Node version; `Bench.ts` does the rest. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `The bench needs Node 24.7 or newer, and this is ${process.versions.node}. Run it as npm run bench, which uses the ` +
      "Node that npm ci installed; if that is missing, run npm ci without --ignore-scripts."
  )
  process.exit(1)
}
await import("./Bench.ts")
