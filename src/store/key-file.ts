import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'
import { PUBLIC_KEY_BYTES } from '../protocol/limits.ts'
import { syncDirectory } from './atomic-file.ts'
import { openDirectory } from './directory.ts'
import { privateKeyOf, publicBytesOf, SEED_BYTES } from './ed25519.ts'

const FILE_NAME = 'identity.key'
const FILE_MODE = 0o600

/**
 * libp2p's PrivateKey protobuf: field 1 (type) = 1 (Ed25519), field 2 (data) = 64 bytes, seed then public key.
 * https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
const HEADER = Uint8Array.of(0x08, 0x01, 0x12, 0x40)
const FILE_BYTES = HEADER.length + SEED_BYTES + PUBLIC_KEY_BYTES

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** File systems without hard links say one of these: FAT, some network mounts, Android. */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])

export interface KeyFile {
  /** 32 bytes, the private half. */
  readonly seed: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The file's 68 bytes, as libp2p reads them. */
  readonly protobuf: Uint8Array
}

/**
 * The Ed25519 key of this instance, `DIR/libp2p/identity.key`, made when there is none. It is never overwritten: a file
 * that is there and cannot be used stops the start, because a new key would be a new identity that no peer knows.
 *
 * @throws MeshError `key_unreadable` with the path and what to do, `store_failed` when a new one cannot be written
 */
export function openKeyFile(stateDir: string, { log }: { log?: Log } = {}): KeyFile {
  const directory = openDirectory(stateDir, { log })
  const path = join(directory, FILE_NAME)
  const found = load(path, log)
  if (found !== undefined) return found
  create(directory, path)
  // Read back: what counts is the file, also where another process was quicker.
  const made = load(path, log)
  if (made === undefined) throw unreadable(path, 'it vanished while it was made')
  log?.info('made a new identity', { path })
  return made
}

function load(path: string, log: Log | undefined): KeyFile | undefined {
  let file: number
  try {
    // O_NONBLOCK: a pipe put in its place must not hang the start.
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT') return undefined
    throw unreadable(path, code === 'ELOOP' ? 'it is a symbolic link' : 'it cannot be opened', cause)
  }
  try {
    checkOwner(path, file, log)
    return parse(path, readAll(path, file))
  } finally {
    closeSync(file)
  }
}

function checkOwner(path: string, file: number, log: Log | undefined): void {
  const stats = fstatSync(file)
  if (!stats.isFile()) throw unreadable(path, 'it is no regular file')
  if (process.platform === 'win32') return
  if (stats.uid !== process.getuid?.()) throw unreadable(path, `it belongs to user ${stats.uid}`)
  if ((stats.mode & 0o777) === FILE_MODE) return
  try {
    fchmodSync(file, FILE_MODE)
  } catch (cause) {
    throw unreadable(path, 'other users can read it and its mode cannot be changed', cause)
  }
  const mode = (stats.mode & 0o777).toString(8)
  log?.warn('the identity key was open to other users and is closed now', { path, mode })
}

function readAll(path: string, file: number): Uint8Array {
  const bytes = new Uint8Array(FILE_BYTES + 1)
  let length = 0
  try {
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, { offset: length })
  } catch (cause) {
    throw unreadable(path, 'it cannot be read', cause)
  }
  if (length !== FILE_BYTES) throw unreadable(path, `it should have ${FILE_BYTES} bytes`)
  return bytes.slice(0, FILE_BYTES)
}

function parse(path: string, protobuf: Uint8Array): KeyFile {
  const seed = protobuf.slice(HEADER.length, HEADER.length + SEED_BYTES)
  const publicKey = protobuf.slice(HEADER.length + SEED_BYTES)
  const headed = HEADER.every((byte, index) => byte === protobuf[index])
  const derived = publicBytesOf(createPublicKey(privateKeyOf(seed)))
  if (!headed || !Buffer.from(derived).equals(publicKey)) throw unreadable(path, 'its content is damaged')
  return { seed, publicKey, protobuf }
}

/** Puts a complete file in place at once and only where there is none; returns when one is there, whoever made it. */
function create(directory: string, path: string): void {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  const bytes = generate()
  try {
    writeNew(temporary, bytes)
    try {
      linkSync(temporary, path)
    } catch (error) {
      const code = codeOf(error)
      if (code !== undefined && NO_LINKS.has(code)) writeNew(path, bytes)
      else throw error
    }
    syncDirectory(directory)
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return
    throw new MeshError('store_failed', { detail: `cannot make ${path}`, cause })
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeNew(path: string, bytes: Uint8Array): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE)
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function generate(): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-SEED_BYTES)
  return Uint8Array.from([...HEADER, ...seed, ...publicBytesOf(publicKey)])
}

function unreadable(path: string, why: string, cause?: unknown): MeshError {
  const advice =
    'Restore this file from a backup; or, to start as a new instance that your peers do not know, move it away'
  return new MeshError('key_unreadable', { detail: `${path}: ${why}. ${advice}.`, cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
