/**
 * What the programs below `test/` have in common: `--help` tells what they do, an option that does not exist is named
 * together with where the others stand, and what could not be tried is one line and exit code 2.
 */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util"

interface Program<Options extends ParseArgsOptionsConfig> {
  /** As in `npm run <name>`. */
  readonly name: string
  /** What `--help` prints. */
  readonly usage: string
  readonly options: Options
  /** Its answer is the exit code. */
  readonly run: (values: ReturnType<typeof parseArgs<{ options: Options }>>["values"]) => Promise<number>
}

export const runProgram = async <const Options extends ParseArgsOptionsConfig>(
  program: Program<Options>
): Promise<void> => {
  const { name, options, run, usage } = program
  const words = process.argv.slice(2)
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(usage)
    return
  }
  try {
    process.exitCode = await run(parseArgs({ args: words, options }).values)
  } catch (cause) {
    const isUnknown = cause instanceof TypeError && "code" in cause && String(cause.code).startsWith("ERR_PARSE_ARGS")
    // What the program itself refuses is an Error and says enough; all else is a fault, and where it happened matters.
    const isFault = cause instanceof Error && cause.constructor !== Error && !isUnknown
    const why = cause instanceof Error ? ((isFault ? cause.stack : undefined) ?? cause.message) : String(cause)
    process.stderr.write(`${name}: ${why}\n${isUnknown ? `All options: npm run ${name} -- --help\n` : ""}`)
    process.exitCode = 2
  }
}
