import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { closeSync, constants, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'
import { equal } from '../protocol/bytes.ts'
import { PUBLIC_KEY_BYTES } from '../protocol/limits.ts'
import { peerIdOf } from '../protocol/peer-id.ts'
import { syncDirectory } from './atomic-file.ts'
import { openDirectory } from './directory.ts'
import { privateKeyOf, publicBytesOf, SEED_BYTES } from './ed25519.ts'
import { PREDECESSOR_KEY_FILE, readPredecessorKey } from './predecessor-key.ts'
import { codeOf, keyUnreadable, PRIVATE_MODE, readPrivateFile } from './private-file.ts'

const FILE_NAME = 'identity.key'

/**
 * libp2p's PrivateKey protobuf: field 1 (type) = 1 (Ed25519), field 2 (data) = 64 bytes, seed then public key.
 * https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
const HEADER = Uint8Array.of(0x08, 0x01, 0x12, 0x40)
const FILE_BYTES = HEADER.length + SEED_BYTES + PUBLIC_KEY_BYTES

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

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
 * The Ed25519 key of this instance, `DIR/libp2p/identity.key`. Where there is none it is made: from the predecessor's `peer-id.json`, so that an
 * upgrade keeps its peer id, else anew. It is never overwritten, and neither file is passed over: one that is there and cannot be used stops the
 * start, because a new key would be a new identity that no peer knows.
 *
 * @throws MeshError `key_unreadable` with the path and what to do, `store_failed` when a new one cannot be written
 */
export function openKeyFile(stateDir: string, { log }: { log?: Log } = {}): KeyFile {
  const directory = openDirectory(stateDir, { log })
  const path = join(directory, FILE_NAME)
  const from = join(directory, PREDECESSOR_KEY_FILE)
  const found = load(path, log)
  if (found !== undefined) {
    compare(from, found, log)
    return found
  }
  const former = loadFormer(from, log)
  create(directory, path, former?.protobuf ?? generate())
  // Read back: what counts is the file, also where another process was quicker.
  const made = load(path, log)
  if (made === undefined) throw keyUnreadable(path, 'it vanished while it was made')
  if (former === undefined) log?.info('made a new identity', { path })
  else
    log?.info('took over the identity of the earlier version, whose file stays', {
      path,
      from,
      peer: peerIdOf(made.publicKey)
    })
  return made
}

function load(path: string, log: Log | undefined): KeyFile | undefined {
  const bytes = readPrivateFile(path, { maxBytes: FILE_BYTES, log })
  if (bytes === undefined) return undefined
  if (bytes.length !== FILE_BYTES) throw keyUnreadable(path, `it should have ${FILE_BYTES} bytes`)
  return parse(path, bytes)
}

function loadFormer(path: string, log: Log | undefined): KeyFile | undefined {
  const protobuf = readPredecessorKey(path, { log })
  return protobuf === undefined ? undefined : parse(path, protobuf)
}

/** The predecessor's file counts for nothing once there is a key. That it names another is worth a word: somebody may wonder who we are. */
function compare(path: string, key: KeyFile, log: Log | undefined): void {
  try {
    const former = loadFormer(path, log)
    if (former === undefined || equal(former.publicKey, key.publicKey)) return
    log?.warn('the key file of the earlier version names another peer and is not used', {
      path,
      peer: peerIdOf(key.publicKey),
      other: peerIdOf(former.publicKey)
    })
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
    log?.debug('the key file of the earlier version is not used', { path, error: error.message })
  }
}

function parse(path: string, protobuf: Uint8Array): KeyFile {
  if (protobuf.length !== FILE_BYTES) throw keyUnreadable(path, 'its content is damaged')
  const seed = protobuf.slice(HEADER.length, HEADER.length + SEED_BYTES)
  const publicKey = protobuf.slice(HEADER.length + SEED_BYTES)
  const headed = HEADER.every((byte, index) => byte === protobuf[index])
  const derived = publicBytesOf(createPublicKey(privateKeyOf(seed)))
  if (!headed || !equal(derived, publicKey)) throw keyUnreadable(path, 'its content is damaged')
  return { seed, publicKey, protobuf }
}

/** Puts a complete file in place at once and only where there is none; returns when one is there, whoever made it. */
function create(directory: string, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
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
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_MODE)
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
