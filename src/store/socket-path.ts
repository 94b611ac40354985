import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { MeshError } from '../mesh/errors.ts'

/**
 * Makes room for the control socket: its directory exists, is ours and closed to others, and the socket of a process
 * that was killed is gone. The caller holds the process lock, so nobody serves that socket. Named pipes need nothing.
 *
 * @throws MeshError `store_failed`
 */
export function prepareSocketPath(path: string): void {
  if (process.platform === 'win32') return
  const directory = dirname(path)
  let problem: string | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // In a shared temporary directory somebody else may have been first, with a link or a directory of their own.
    const stats = lstatSync(directory)
    if (!stats.isDirectory() || stats.uid !== process.getuid?.() || (stats.mode & 0o077) !== 0) {
      problem = `${directory} is not a private directory of this user`
    } else if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) {
      rmSync(path)
    }
  } catch (cause) {
    throw new MeshError('store_failed', { detail: `cannot prepare ${path}`, cause })
  }
  if (problem !== undefined) throw new MeshError('store_failed', { detail: problem })
}
