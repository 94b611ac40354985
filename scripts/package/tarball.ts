import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

export interface FileFact {
  bytes: number
  /** SHA-256, hex. */
  hash: string
}

/** Path with forward slashes, below some folder -> what is there. */
export type Files = ReadonlyMap<string, FileFact>

/**
 * `npm pack` of `source`, by default of this checkout, into `folder`; returns the path of the file. Scripts do not run: `dist/` is packed as
 * it is, and nobody who reads it at this moment loses it.
 */
export async function packTarball(folder: string, source = CHECKOUT): Promise<string> {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: source })
  return join(folder, stdout.trim().split('\n').at(-1) ?? '')
}

/** Unpacks into `folder` and returns where the package lies in it. */
export async function unpackTarball(tarball: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('tar', ['-xzf', tarball, '-C', folder])
  return join(folder, 'package')
}

export async function contentsOf(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const facts = entries
    .filter(entry => !entry.isDirectory())
    .map(async entry => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path).split(sep).join('/'), factOf(await readFile(path))] as const
    })
  return new Map((await Promise.all(facts)).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function bytesOf(files: Files): number {
  return files.values().reduce((sum, { bytes }) => sum + bytes, 0)
}

function factOf(content: Uint8Array): FileFact {
  return { bytes: content.length, hash: createHash('sha256').update(content).digest('hex') }
}
