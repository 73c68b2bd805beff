/** What was measured on: processors, versions, how busy it was before, and what a flush to the disk costs there. */
import { mkdtemp, open, rm, statfs } from "node:fs/promises"
import { cpus, loadavg, platform, release, tmpdir, totalmem } from "node:os"
import { join } from "node:path"

export interface Machine {
  readonly processors: number
  readonly model: string
  readonly memoryGibibytes: number
  readonly system: string
  readonly node: string
  /** Over the last minute, before anything was started. */
  readonly loadAverage: number
  /** The data lies in memory: a flush costs nothing and means nothing. */
  readonly dataInMemory: boolean
  /** Median of 8 kB written and `fdatasync`ed, milliseconds. */
  readonly flushMs: number
}

const tmpfsMagic = 0x01021994
const flushes = 50
const pageBytes = 8192

const isInMemory = async (directory: string): Promise<boolean> => {
  const found = await statfs(directory).catch(() => undefined)
  return found?.type === tmpfsMagic
}

/** A new folder for data, on a real disk where there is one. TMPDIR moves it. */
export const makeDataFolder = async (): Promise<string> => {
  const usual = tmpdir()
  const unusual = "/var/tmp"
  const parent = (await isInMemory(usual)) && !(await isInMemory(unusual)) ? unusual : usual
  return mkdtemp(join(parent, "koinon-bench-"))
}

const flushMs = async (folder: string): Promise<number> => {
  const path = join(folder, "flush")
  const file = await open(path, "w")
  const page = Buffer.alloc(pageBytes, 1)
  const found: Array<number> = []
  try {
    for (let index = 0; index < flushes; index += 1) {
      const startedAt = performance.now()
      await file.write(page, 0, pageBytes, index * pageBytes)
      await file.datasync()
      found.push(performance.now() - startedAt)
    }
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
  return found.toSorted((left, right) => left - right)[flushes >> 1] ?? 0
}

export const describe = async (folder: string): Promise<Machine> => ({
  processors: cpus().length,
  model: cpus()[0]?.model.trim() ?? "unknown",
  memoryGibibytes: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${release()}`,
  node: process.versions.node,
  loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  dataInMemory: await isInMemory(folder),
  flushMs: await flushMs(folder)
})
