import { closeSync, constants, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const FILE_MODE = 0o600

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants

/**
 * Replaces a file as a whole: a reader, and a crash, see the old text or the new one. The temporary name is fixed, so a
 * crash leaves one behind at most; the caller holds the process lock, so nobody else writes it.
 *
 * @throws the error of the failed call of node:fs
 */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.tmp`
  try {
    const file = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE)
    try {
      fchmodSync(file, FILE_MODE)
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}

/** Makes a new or renamed entry outlive a power loss. Windows cannot open a directory, and needs no such call. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(directory, constants.O_RDONLY)
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
