/** The version of this code, from the one place where it is written. */
import manifest from "../../package.json" with { type: "json" }

export const { version } = manifest
