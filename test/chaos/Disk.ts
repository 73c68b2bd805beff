/**
 * A small disk of its own for the database: a tmpfs, so that it can be filled to the last byte and nobody else notices.
 * Only root may mount one; where that is not allowed the reason is told, and nothing is filled.
 */
import { execFileSync } from "node:child_process"
import { closeSync, openSync, writeSync } from "node:fs"
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"

const sizeMiB = 1_200
const blocks = [1 << 20, 1 << 12, 1]

export class Disk {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** A mounted disk, or why there is none. */
  static async mount(directory: string): Promise<Disk | string> {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root on Linux may mount a disk to fill"
    await mkdir(directory, { recursive: true })
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=0711`, "tmpfs", directory], { stdio: "pipe" })
      return new Disk(directory)
    } catch (cause) {
      return `a tmpfs cannot be mounted here: ${String(cause).split("\n")[0]}`
    }
  }

  /** Writes until not one byte more goes in. */
  fill(): void {
    const file = openSync(this.#ballast, "w", 0o600)
    try {
      for (const size of blocks) {
        const block = Buffer.alloc(size)
        try {
          while (writeSync(file, block) === size) continue
        } catch {
          // No space is left for a block of that size.
        }
      }
    } finally {
      closeSync(file)
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }

  unmount(): void {
    try {
      execFileSync("umount", ["--lazy", this.directory], { stdio: "pipe" })
    } catch {
      // It was unmounted before.
    }
  }

  get #ballast(): string {
    return join(this.directory, "ballast")
  }
}
