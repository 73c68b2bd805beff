/** `koinon settings`. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { describe } from "../Settings.ts"
import { json, table } from "./Output.ts"

export const settingsVerb = Command.make("settings", { json }, (flags) =>
  Effect.suspend(() => {
    const rows = describe(process.env)
    if (flags.json) return Console.log(JSON.stringify(rows, undefined, 2))
    return table(
      ["setting", "value", "default", "reason"],
      rows.map((row) => [row.name, row.value || "-", row.default || "-", row.reason])
    )
  })
).pipe(Command.withDescription("List every setting with its value, default and reason"))
