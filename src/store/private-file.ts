import { closeSync, constants, fchmodSync, fstatSync, openSync, readSync } from 'node:fs'
import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'

/** Owner only. */
export const PRIVATE_MODE = 0o600

/** The bits of group and others. */
const OTHERS = 0o077

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * The bytes of a file that holds a private key, one more than `maxBytes` at most, so that a longer file shows. Undefined where there is none.
 * Whatever mode it had, other users cannot read it afterwards, and the log says so.
 *
 * @throws MeshError `key_unreadable` for a link, a thing that is no file, a file of another user, one that cannot be read
 */
export function readPrivateFile(
  path: string,
  { maxBytes, log }: { maxBytes: number; log?: Log | undefined }
): Uint8Array | undefined {
  let file: number
  try {
    // O_NONBLOCK: a pipe put in its place must not hang the start.
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT') return undefined
    throw keyUnreadable(path, code === 'ELOOP' ? 'it is a symbolic link' : 'it cannot be opened', cause)
  }
  try {
    checkOwner(path, file, log)
    return readUpTo(path, file, maxBytes + 1)
  } finally {
    closeSync(file)
  }
}

/** What stops the start, with what the owner can do. */
export function keyUnreadable(path: string, why: string, cause?: unknown): MeshError {
  const advice =
    'Restore this file from a backup; or, to start as a new instance that your peers do not know, move it away'
  return new MeshError('key_unreadable', { detail: `${path}: ${why}. ${advice}.`, cause })
}

/** The code of an error of node:fs. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function checkOwner(path: string, file: number, log: Log | undefined): void {
  const stats = fstatSync(file)
  if (!stats.isFile()) throw keyUnreadable(path, 'it is no regular file')
  if (process.platform === 'win32') return
  if (stats.uid !== process.getuid?.()) throw keyUnreadable(path, `it belongs to user ${stats.uid}`)
  if ((stats.mode & OTHERS) === 0) return
  try {
    fchmodSync(file, PRIVATE_MODE)
  } catch (cause) {
    throw keyUnreadable(path, 'other users can read it and its mode cannot be changed', cause)
  }
  const mode = (stats.mode & 0o777).toString(8)
  log?.warn('the identity key was open to other users and is closed now', { path, mode })
}

function readUpTo(path: string, file: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let end = 0
  try {
    for (let read = -1; read !== 0 && end < length; end += read) read = readSync(file, bytes, { offset: end })
  } catch (cause) {
    throw keyUnreadable(path, 'it cannot be read', cause)
  }
  return bytes.slice(0, end)
}
