import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { openKeyFile, openStore } from '../../src/store/index.ts'
import { parsePredecessorKey } from '../../src/store/predecessor-key.ts'
import { fixtures, formerPeer, peerIdFile, peerIdFileOf, protobufOf } from './predecessor-files.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/predecessor/', import.meta.url))
const FIXTURE_PEER = '12D3KooWMA6wrffnhDBtsfkLycymBC1iMw1tVHMmTBebq4s9wTjQ'

const own = await formerPeer('own')
const other = await formerPeer('other')
const secp = await generateKeyPair('secp256k1')
const rsa = await generateKeyPair('RSA', 2048)

/** A state directory as the predecessor left it, with this text in `peer-id.json`. */
function setUp(text?: string) {
  const dir = temporaryDirectory()
  const directory = join(dir, 'libp2p')
  mkdirSync(directory)
  const path = join(directory, 'peer-id.json')
  if (text !== undefined) writeFileSync(path, text, { mode: 0o644 })
  return { dir, directory, path, key: join(directory, 'identity.key') }
}

function idOf(key: PrivateKey): Uint8Array {
  return peerIdFromPrivateKey(key).toMultihash().bytes
}

function peerOf(protobuf: Uint8Array): string {
  return peerIdFromPrivateKey(privateKeyFromProtobuf(protobuf)).toString()
}

/** The start stops, says which file and what to do, and neither makes a key nor touches the file. */
function expectRefused(dir: string, path: string, why: string | RegExp = ''): void {
  const start = () => openKeyFile(dir, { log: recordingLog() })
  expect(start).toThrow(expect.objectContaining({ code: 'key_unreadable' }))
  expect(start).toThrow(why)
  expect(start).toThrow(`key_unreadable: ${path}: `)
  expect(start).toThrow(/Restore this file from a backup; or, to start as a new instance .*, move it away/)
  expect(existsSync(join(dir, 'libp2p', 'identity.key'))).toBe(false)
}

describe("the predecessor's files in the fixtures", () => {
  it('are what the helper makes', async () => {
    for (const [name, text] of Object.entries(await fixtures())) {
      expect(readFileSync(join(FIXTURES, name), 'utf8'), name).toBe(text)
    }
  })
})

describe("a predecessor's peer-id.json", () => {
  it('D-9 D-25: gives the instance its key, once, and stays, closed to others', () => {
    const { dir, directory, path, key } = setUp()
    copyFileSync(join(FIXTURES, 'peer-id.json'), path)
    chmodSync(path, 0o644)
    const text = readFileSync(path, 'utf8')
    const log = recordingLog()
    const made = openKeyFile(dir, { log })
    expect(peerOf(made.protobuf)).toBe(FIXTURE_PEER)
    expect(new Uint8Array(readFileSync(key))).toEqual(made.protobuf)
    expect((statSync(key).mode & 0o777).toString(8)).toBe('600')
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    expect(readdirSync(directory).toSorted()).toEqual(['identity.key', 'peer-id.json'])
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'info'])
    expect(log.lines[1]?.fields).toEqual({ path, mode: '644' })
    expect(log.lines[2]).toMatchObject({
      message: 'took over the identity of the earlier version, whose file stays',
      fields: { path: key, from: path, peer: FIXTURE_PEER }
    })
    const again = recordingLog()
    expect(openKeyFile(dir, { log: again })).toEqual(made)
    expect(again.lines).toEqual([])
  })

  it('gives its key again where ours was lost', () => {
    const { dir, key } = setUp(peerIdFileOf(own))
    const made = openKeyFile(dir)
    rmSync(key)
    expect(openKeyFile(dir)).toEqual(made)
  })

  it('is read with its fields in any order, with or without line ends', () => {
    const { id, pubKey, privKey } = own.fields
    const [one, two, three] = [protobufOf(id), protobufOf(undefined, pubKey), protobufOf(undefined, undefined, privKey)]
    for (const order of [
      [one, two, three],
      [three, two, one],
      [two, three, one]
    ]) {
      const text = peerIdFile(Uint8Array.from(order.flatMap(bytes => [...bytes])))
      for (const file of [text, `${text}\n`, JSON.stringify(JSON.parse(text)), text.replaceAll('\n', '\r\n')]) {
        expect(peerOf(openKeyFile(setUp(file).dir).protobuf)).toBe(own.peerId)
      }
    }
  })

  const { id, pubKey, privKey } = own.fields
  const damaged = 'its content is damaged'
  it.each<[string, string, string]>([
    ['is empty', '', damaged],
    ['is half a file', peerIdFileOf(own).slice(0, 100), damaged],
    ['is binary', '\u0000\u0001\u0002', damaged],
    ['is null', 'null', damaged],
    ['is an array', '[]', damaged],
    ['has no protobuf', '{"peerId":"x"}', damaged],
    ['has a number for a protobuf', '{"protobuf":1}', damaged],
    ['is not base64', '{"protobuf":"not base64!"}', damaged],
    ['has no bytes', '{"protobuf":""}', 'it holds no private key'],
    ['ends within a field', peerIdFile(protobufOf(id, pubKey, privKey).subarray(0, 140)), damaged],
    [
      'has a field twice',
      peerIdFile(Uint8Array.from([...protobufOf(id, pubKey, privKey), ...protobufOf(id)])),
      damaged
    ],
    ['has no private key', peerIdFile(protobufOf(id, pubKey)), 'it holds no private key'],
    ['has an empty private key', peerIdFile(protobufOf(id, pubKey, new Uint8Array())), 'it holds no private key'],
    ['has no public key', peerIdFile(protobufOf(id, undefined, privKey)), 'its public key is not that'],
    ['has no id', peerIdFile(protobufOf(undefined, pubKey, privKey)), 'its peer id is not that'],
    ["has another's id", peerIdFile(protobufOf(other.fields.id, pubKey, privKey)), 'its peer id is not that'],
    [
      "has another's public key",
      peerIdFile(protobufOf(id, other.fields.pubKey, privKey)),
      'its public key is not that'
    ],
    [
      "has another's private key",
      peerIdFile(protobufOf(id, pubKey, other.fields.privKey)),
      'its public key is not that'
    ],
    [
      'has a seed that is not of its public key',
      peerIdFile(
        protobufOf(
          id,
          pubKey,
          Uint8Array.from([...privKey.subarray(0, 4), ...other.fields.privKey.subarray(4, 36), ...privKey.subarray(36)])
        )
      ),
      damaged
    ],
    [
      'has a secp256k1 key',
      peerIdFile(protobufOf(idOf(secp), publicKeyToProtobuf(secp.publicKey), privateKeyToProtobuf(secp))),
      'its key is not an Ed25519 key'
    ],
    [
      'has an RSA key',
      peerIdFile(protobufOf(idOf(rsa), publicKeyToProtobuf(rsa.publicKey), privateKeyToProtobuf(rsa))),
      'its key is not an Ed25519 key'
    ],
    ['is too large', peerIdFileOf(own) + ' '.repeat(16 * 1024), 'it is larger than 16384 bytes']
  ])('D-9 D-25: stops the start when it %s', (_, text, why) => {
    const { dir, path } = setUp(text)
    expectRefused(dir, path, why)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('D-9: stops the start when it is a link, a directory or a pipe', () => {
    const elsewhere = join(temporaryDirectory(), 'peer-id.json')
    writeFileSync(elsewhere, peerIdFileOf(own))
    const { dir, path } = setUp()
    symlinkSync(elsewhere, path)
    expectRefused(dir, path, 'it is a symbolic link')
    rmSync(path)
    mkdirSync(path)
    expectRefused(dir, path, 'it is no regular file')
    rmSync(path, { recursive: true })
    execFileSync('mkfifo', [path])
    expectRefused(dir, path, 'it is no regular file')
  })

  it.runIf(process.getuid?.() === 0)('D-9: stops the start when it belongs to another user', () => {
    const { dir, path } = setUp(peerIdFileOf(own))
    chownSync(path, 12_345, 12_345)
    expectRefused(dir, path, 'it belongs to user 12345')
  })

  it('D-9: is refused with any one bit flipped, cut at any length, and with a byte more', () => {
    const bytes = protobufOf(id, pubKey, privKey)
    const { dir, directory, path } = setUp()
    const refused = (change: Uint8Array, label: string): void => {
      writeFileSync(path, peerIdFile(change), { mode: 0o600 })
      expect(() => openKeyFile(dir), label).toThrow(expect.objectContaining({ code: 'key_unreadable' }))
      expect(readdirSync(directory), label).toEqual(['peer-id.json'])
    }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      refused(flipped, `bit ${bit}`)
    }
    for (let length = 0; length < bytes.length; length++) refused(bytes.slice(0, length), `length ${length}`)
    refused(Uint8Array.from([...bytes, 0]), 'one byte more')
  })

  it('any key comes back as it went in', async () => {
    const property = fc.asyncProperty(fc.string(), async name => {
      const peer = await formerPeer(name)
      const file = new TextEncoder().encode(peerIdFileOf(peer))
      expect(parsePredecessorKey('x', file)).toEqual(new Uint8Array(peer.fields.privKey))
    })
    await fc.assert(property, { numRuns: 100 })
  })

  it('S-27: any bytes, any JSON and any protobuf end in a key or in key_unreadable', () => {
    const text = new TextEncoder()
    const fields = fc.array(
      fc.option(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(id, pubKey, privKey)), { nil: undefined }),
      { maxLength: 5 }
    )
    const file = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map(json => text.encode(json)),
      fc.uint8Array({ maxLength: 300 }).map(bytes => text.encode(peerIdFile(bytes))),
      fields.map(list => text.encode(peerIdFile(protobufOf(...list))))
    )
    const property = fc.property(file, bytes => {
      try {
        expect(parsePredecessorKey('x', bytes)).toEqual(new Uint8Array(privKey))
      } catch (error) {
        expect(error).toBeInstanceOf(MeshError)
        expect(error).toMatchObject({ code: 'key_unreadable' })
      }
    })
    fc.assert(property, {
      numRuns: 5_000,
      examples: [[text.encode(peerIdFileOf(own))], [text.encode('{"__proto__":{"protobuf":"AA=="}}')]]
    })
  })

  it('S-20: nothing of a key is in what is logged or said', () => {
    const log = recordingLog()
    const said: unknown[] = []
    const secret = Buffer.from(privKey)
    const base64 = Buffer.from(protobufOf(id, pubKey, privKey)).toString('base64')
    for (const text of [
      peerIdFileOf(own),
      peerIdFileOf(own).slice(0, -3),
      `{"protobuf": ${base64}}`,
      peerIdFile(protobufOf(id, privKey))
    ]) {
      try {
        openKeyFile(setUp(text).dir, { log })
      } catch (error) {
        said.push(error, String(error), error instanceof Error && [error.cause, error.stack])
      }
    }
    expect(said).toHaveLength(9)
    const all = JSON.stringify([log.lines, said])
    for (let at = 4; at < 36; at += 8) expect(all).not.toContain(secret.subarray(at, at + 8).toString('hex'))
    for (let at = 0; at + 12 < base64.length; at += 12) expect(all).not.toContain(base64.slice(at, at + 12))
  })
})

describe('with a key of our own', () => {
  it('the file counts for nothing, and one that names another peer is warned of, once', () => {
    const { dir, path } = setUp()
    const made = openKeyFile(dir)
    writeFileSync(path, peerIdFileOf(other), { mode: 0o600 })
    const log = recordingLog()
    expect(openKeyFile(dir, { log })).toEqual(made)
    expect(log.lines).toMatchObject([
      { level: 'warn', fields: { path, peer: peerOf(made.protobuf), other: other.peerId } }
    ])
  })

  it.each([
    ['damaged', '{"protobuf":"AAAA"}'],
    ['no JSON', 'x']
  ])('a file that is %s stops nothing', (_, text) => {
    const { dir, path } = setUp()
    const made = openKeyFile(dir)
    writeFileSync(path, text, { mode: 0o600 })
    const log = recordingLog()
    expect(openKeyFile(dir, { log })).toEqual(made)
    expect(log.lines.map(({ level }) => level)).toEqual(['debug'])
  })

  it('a damaged one stops the start, whatever the file of the predecessor says', () => {
    const { dir, key } = setUp(peerIdFileOf(own))
    openKeyFile(dir)
    writeFileSync(key, 'x')
    expect(() => openKeyFile(dir)).toThrow(`key_unreadable: ${key}: `)
    expect(readFileSync(key, 'utf8')).toBe('x')
  })
})

it('leaves the other files of the predecessor alone', async () => {
  const { dir, directory } = setUp(peerIdFileOf(own))
  const files = ['instance-id.json', 'peer-labels.json', 'user-profile.json', 'agentid-binding.json']
  for (const file of files) writeFileSync(join(directory, file), `{"version":1,"of":"${file}"}`, { mode: 0o644 })
  openKeyFile(dir)
  const store = openStore({ dir, log: recordingLog(), clock })
  store.routes.load()
  await store.close()
  for (const file of files) {
    expect(readFileSync(join(directory, file), 'utf8')).toBe(`{"version":1,"of":"${file}"}`)
    expect((statSync(join(directory, file)).mode & 0o777).toString(8)).toBe('644')
  }
})
