import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const BLOCK_BYTES = 1024 * 1024

/** A file system of its own that can be filled and freed at will. */
export interface SmallDisk {
  dir: string
  /** Takes all the room that is left, or all but some bytes. */
  fill(leftBytes?: number): void
  free(): void
}

/** A tmpfs needs rights that not every machine gives: without them the tests of a full disk are skipped, and said to be. */
export const canMount: boolean = (() => {
  const dir = mkdtempSync(join(tmpdir(), 'mesh-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status === 0
  if (mounted) spawnSync('umount', [dir])
  rmSync(dir, { recursive: true })
  return mounted
})()

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

/** Unmounted with the test. */
export function smallDisk(bytes: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), 'mesh-disk-'))
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir])
  if (status !== 0) throw new Error(`mount: ${stderr}`)
  onTestFinished(() => {
    spawnSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true, force: true })
  })
  const ballast = join(dir, 'ballast')
  return {
    dir,
    fill(leftBytes = 0) {
      const file = openSync(ballast, 'a')
      const block = new Uint8Array(BLOCK_BYTES)
      try {
        // A write that meets the end takes what is left; the next one is refused.
        while (leftBytes === 0 || freeBytes(dir) > leftBytes) writeSync(file, block)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast)
  }
}
