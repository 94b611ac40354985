import { createPublicKey } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { describe, expect, it } from 'vitest'
import { privateKeyOf, publicBytesOf } from '../../src/store/ed25519.ts'
import { openKeyFile } from '../../src/store/index.ts'
import { recordingLog, temporaryDirectory } from './temporary.ts'

const LENGTH = 68

function setUp() {
  const dir = temporaryDirectory()
  return { dir, directory: join(dir, 'libp2p'), path: join(dir, 'libp2p', 'identity.key') }
}

/** Refused with the path and advice, and the file still has these bytes. */
function expectRefused(dir: string, path: string, bytes: Uint8Array, label: string): void {
  expect(() => openKeyFile(dir), label).toThrow(expect.objectContaining({ code: 'key_unreadable' }))
  expect(readFileSync(path).equals(bytes), label).toBe(true)
}

describe('openKeyFile', () => {
  it('makes a key once and gives the same one ever after', () => {
    const { dir, directory, path } = setUp()
    const log = recordingLog()
    const made = openKeyFile(dir, { log })
    const again = openKeyFile(dir, { log })
    expect(again).toEqual(made)
    expect(new Uint8Array(readFileSync(path))).toEqual(made.protobuf)
    expect(readdirSync(directory)).toEqual(['identity.key'])
    expect(log.lines.map(line => line.message)).toEqual(['made a new identity'])
    expect(publicBytesOf(createPublicKey(privateKeyOf(made.seed)))).toEqual(made.publicKey)
    expect(openKeyFile(temporaryDirectory()).publicKey).not.toEqual(made.publicKey)
  })

  it("writes what libp2p's privateKeyFromProtobuf reads", () => {
    const { publicKey, seed, protobuf } = openKeyFile(temporaryDirectory())
    const key = privateKeyFromProtobuf(protobuf)
    expect(key.type).toBe('Ed25519')
    expect(key.publicKey.raw).toEqual(publicKey)
    expect(key.raw).toEqual(Uint8Array.from([...seed, ...publicKey]))
  })

  it('S-19: closes file and directory to others under umask 000', () => {
    const { dir, directory, path } = setUp()
    const umask = process.umask(0)
    try {
      openKeyFile(dir)
    } finally {
      process.umask(umask)
    }
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
  })

  it.each([0o400, 0o700])('S-19: leaves mode %o, in which no other user can read', mode => {
    const { dir, path } = setUp()
    const made = openKeyFile(dir)
    chmodSync(path, mode)
    const log = recordingLog()
    expect(openKeyFile(dir, { log })).toEqual(made)
    expect(statSync(path).mode & 0o777).toBe(mode)
    expect(log.lines).toEqual([])
  })

  it.each([0o644, 0o640, 0o666])('S-19: repairs and reports mode %o', mode => {
    const { dir, path } = setUp()
    const made = openKeyFile(dir)
    chmodSync(path, mode)
    const log = recordingLog()
    expect(openKeyFile(dir, { log })).toEqual(made)
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { path, mode: mode.toString(8) } }])
  })

  it('S-19: refuses a file cut at any length, or with bytes added, and leaves it as it is', () => {
    const { dir, path } = setUp()
    const { protobuf } = openKeyFile(dir)
    for (let length = 0; length < LENGTH; length++) {
      writeFileSync(path, protobuf)
      truncateSync(path, length)
      expectRefused(dir, path, protobuf.slice(0, length), `length ${length}`)
    }
    writeFileSync(path, Uint8Array.from([...protobuf, 0]))
    expectRefused(dir, path, Uint8Array.from([...protobuf, 0]), 'one byte more')
  })

  it('S-19: refuses a file with any one bit flipped and leaves it as it is', () => {
    const { dir, path } = setUp()
    const { protobuf } = openKeyFile(dir)
    for (let bit = 0; bit < LENGTH * 8; bit++) {
      const flipped = protobuf.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      writeFileSync(path, flipped)
      expectRefused(dir, path, flipped, `bit ${bit}`)
    }
  })

  it('S-19: says which file, what is wrong and what to do, and nothing of the key', () => {
    const { dir, path } = setUp()
    const { protobuf } = openKeyFile(dir)
    truncateSync(path, 60)
    expect(() => openKeyFile(dir)).toThrow(
      `key_unreadable: ${path}: it should have 68 bytes. Restore this file from a backup`
    )
    try {
      openKeyFile(dir)
    } catch (error) {
      const text = JSON.stringify(error) + String(error)
      expect(text).not.toContain(Buffer.from(protobuf.slice(4, 12)).toString('hex'))
    }
  })

  it('refuses a link, a directory and a pipe in its place', () => {
    const { dir, path } = setUp()
    openKeyFile(dir)
    rmSync(path)
    symlinkSync(join(dir, 'elsewhere'), path)
    expect(() => openKeyFile(dir)).toThrow('symbolic link')
    expect(existsSync(join(dir, 'elsewhere'))).toBe(false)
    rmSync(path)
    mkdirSync(path)
    expect(() => openKeyFile(dir)).toThrow('no regular file')
  })

  it.runIf(process.getuid?.() === 0)('refuses a file of another user', () => {
    const { dir, path } = setUp()
    openKeyFile(dir)
    chownSync(path, 12_345, 12_345)
    expect(() => openKeyFile(dir)).toThrow('belongs to user 12345')
  })
})
