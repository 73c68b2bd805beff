/**
 * What no linter sees: the shape of the repository. Each test compares a list of offenders with the empty list, so that
 * a failure names the files to mend. It reads the work tree as it is and changes nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"

const root = join(import.meta.dirname, "..")
const fileLinesMax = 400
const headerLinesMax = 16

const sourceFolders = ["src", "src-domain", "src-runtime", "src-http"]
const describedFolders = [...sourceFolders, "migrations", "bench", "test"]
const topLevelFiles = ["package.json", "package-lock.json", "tsconfig.json", "README.md", "LICENSE"]

/** Every file below a folder, as a path from the root with forward slashes; none when the folder is not there. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
        .toSorted()
    : []

const read = (path: string): string => readFileSync(join(root, path), "utf8")
const lineCount = (text: string): number => text.replace(/\n$/, "").split("\n").length

const sources = sourceFolders.flatMap(filesIn).filter((path) => path.endsWith(".ts"))
const written = [...describedFolders.flatMap(filesIn), "README.md"].filter(
  (path) => /\.(ts|sql|md)$/.test(path) && existsSync(join(root, path))
)
const migrations = filesIn("migrations").filter((path) => /\/\d{4}_[^/]+\.sql$/.test(path))

describe("the tree", () => {
  it("has a closed top level: what is described there, dotfiles, and nothing else", () => {
    const known = new Set([...describedFolders, ...topLevelFiles, "node_modules"])
    const strangers = readdirSync(root).filter((name) => !name.startsWith(".") && !known.has(name))
    assert.deepStrictEqual(strangers, [])
  })

  it("is at most two folders deep below a top-level source folder", () => {
    assert.deepStrictEqual(
      sources.filter((path) => path.split("/").length > 4),
      []
    )
  })

  it("explains each folder in a README of its own", () => {
    const silent = describedFolders.filter((folder) => !existsSync(join(root, folder, "README.md")))
    assert.deepStrictEqual(silent, [])
  })

  it("has only relative links that lead somewhere in its READMEs", () => {
    const broken = written
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)[^)]*\)/g)]
          .filter(([, target]) => !existsSync(join(root, dirname(path), target ?? "")))
          .map(([, target]) => `${path}: ${target}`)
      )
    assert.deepStrictEqual(broken, [])
  })
})

describe("a source file", () => {
  it("opens with a comment that says what it owns", () => {
    const silent = sources.filter((path) => !/^(#![^\n]*\n)?\/\*\*/.test(read(path)))
    assert.deepStrictEqual(silent, [])
  })

  it("says so briefly", () => {
    const wordy = sources.filter((path) => lineCount(read(path).split("*/")[0] ?? "") > headerLinesMax)
    assert.deepStrictEqual(wordy, [])
  })

  it("fits in the head: no file over the limit of lines", () => {
    const long = written.filter((path) => path.endsWith(".ts") && lineCount(read(path)) > fileLinesMax)
    assert.deepStrictEqual(long, [])
  })

  it("is finished: no reminder is left for later", () => {
    // The brackets keep this file from finding itself.
    const reminder = /\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/
    const unfinished = written.filter((path) => reminder.test(read(path)))
    assert.deepStrictEqual(unfinished, [])
  })

  it("cites a rule in comments alone: what people are told says what it means", () => {
    const rule = /\b(ANO|AUT|CIM|COM|CON|CTC|FED|IDN|IMP|INT|MKT|NAM|PAS|PUR|REG|SEG|SHR|STM|UNQ|USG|WAL)-\d+/
    const uncommented = (text: string): string => text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "")
    const cited = sources.filter((path) => rule.test(uncommented(read(path))))
    assert.deepStrictEqual(cited, [])
  })

  it("is named for what it holds, never index, utils, helpers or common", () => {
    const vague = sources.filter((path) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts$|\/)/i.test(path))
    assert.deepStrictEqual(vague, [])
  })
})

describe("a migration", () => {
  it("has the next number: ids run from 1 without gap or twin, because a late lower one would be skipped in silence", () => {
    const ids = migrations.map((path) => Number(basename(path).slice(0, 4)))
    assert.deepStrictEqual(
      ids,
      ids.map((_, index) => index + 1)
    )
    assert.isAbove(ids.length, 0, "there are migrations")
  })

  it("is the only SQL in its folder beside the dump of the whole schema", () => {
    const others = filesIn("migrations").filter(
      (path) => path.endsWith(".sql") && !migrations.includes(path) && path !== "migrations/schema.sql"
    )
    assert.deepStrictEqual(others, [])
  })

  it("opens with a sentence that says why it is there", () => {
    const silent = migrations.filter((path) => !/^(--[^\n]*\n)*?--[^\n]*[.:]\s*\n/.test(read(path)))
    assert.deepStrictEqual(silent, [])
  })
})

describe("an aggregate", () => {
  it("has a test under test/domain that is named for it, for its folder, or stands in a folder of that name", () => {
    const tests = filesIn("test/domain").filter((path) => path.endsWith(".test.ts"))
    const isTested = (name: string) =>
      tests.some((path) => path.slice("test/domain/".length).toLowerCase().startsWith(name.toLowerCase()))
    // What has commands is an aggregate: `wallet/WalletCommand.ts`.
    const untested = filesIn("src-domain")
      .filter((path) => path.endsWith("Command.ts") && basename(path) !== "Command.ts")
      .filter((path) => !isTested(basename(dirname(path))) && !isTested(basename(path, "Command.ts")))
    assert.deepStrictEqual(untested, [])
  })
})
