import { deepStrictEqual as same } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  bytesToSign,
  conversationOfTopic,
  hashOf,
  isSealed,
  readEnvelope,
  readSigned,
  rootOf,
  textOf,
  treeOf,
  writeSigned
} from './reference/envelope.mjs'
import {
  readFrame,
  readPairFrame,
  readRouteRecord,
  writeFrame,
  writePairFrame,
  writeRouteRecord
} from './reference/frames.mjs'
import {
  fingerprintBytes,
  fingerprintFrom,
  fingerprintText,
  keyInPeerId,
  keyOf,
  peerIdOf
} from './reference/identity.mjs'
import { framed, unframed } from './reference/wire.mjs'

/**
 * Reads every golden vector with nothing but docs/protocol.md in hand: no line of it is taken from the implementation. Prints how many entries of each
 * file agree; throws at the first that does not.
 *
 *     node test/vectors/reference.mjs [folder]
 */

const FOLDER = process.argv[2] ?? import.meta.dirname

const bytesOf = hex => Buffer.from(hex, 'hex')
const hexOf = bytes => Buffer.from(bytes).toString('hex')

const READERS = {
  frame: readFrame,
  envelope: readEnvelope,
  signed: readSigned,
  text: bytes => textOf(readSigned(bytes)),
  route: readRouteRecord,
  pair: readPairFrame
}

const CHECKS = {
  keys({ seed, publicKey, peerId, fingerprint, label, instanceId }) {
    const key = keyOf(bytesOf(seed)).publicKey
    same(hexOf(key), publicKey)
    same(peerIdOf(key), peerId)
    same(hexOf(keyInPeerId(peerId)), publicKey)
    same(fingerprintText(fingerprintBytes(key)), fingerprint)
    same(hexOf(fingerprintFrom(fingerprint)), hexOf(fingerprintBytes(key)))
    same(instanceId, `${label}@${fingerprint}`)
  },

  contents({ content, signed, hash }) {
    same(readSigned(bytesOf(signed)), content)
    same(hexOf(writeSigned(content)), signed)
    same(hexOf(hashOf(bytesOf(signed))), hash)
  },

  groups({ seed, root, sig, envelopes }) {
    const key = keyOf(bytesOf(seed))
    const tree = treeOf(envelopes.map(({ signed }) => bytesOf(signed)))
    same(hexOf(tree.root), root)
    same(hexOf(key.sign(bytesToSign(tree.root))), sig)
    for (const [i, { signed, sides, path }] of envelopes.entries()) {
      same({ sides: tree.paths[i].sides, path: tree.paths[i].path.map(hexOf) }, { sides, path })
      const envelope = { signed: bytesOf(signed), sig: bytesOf(sig), sides, path: path.map(bytesOf) }
      same(hexOf(rootOf(envelope)), root)
      same(isSealed(envelope, key.publicKey), true)
      same(isSealed({ ...envelope, signed: bytesOf(`${signed}00`) }, key.publicKey), false)
    }
  },

  frames({ frame, bytes }) {
    same(readFrame(bytesOf(bytes)), frame)
    same(hexOf(writeFrame(frame)), bytes)
  },

  'pair-frames'({ frame, bytes }) {
    same(readPairFrame(bytesOf(bytes)), frame)
    same(hexOf(writePairFrame(frame)), bytes)
  },

  'route-records'({ record, bytes }) {
    same(readRouteRecord(bytesOf(bytes)), record)
    same(hexOf(writeRouteRecord(record)), bytes)
  },

  broadcasts({ topic, conversation, content, data }) {
    same(hexOf(conversationOfTopic(topic)), conversation)
    const envelope = readEnvelope(bytesOf(data))
    const read = readSigned(envelope.signed)
    same(read, content)
    same([read.topic, read.conversation], [topic, conversation])
    same(isSealed(envelope, bytesOf(read.key)), true)
  },

  exchange({ frame, bytes }) {
    const { frames, rest } = unframed(bytesOf(bytes), 65536)
    same([frames.length, rest.length], [1, 0])
    same(readFrame(frames[0]), frame)
    same(hexOf(framed(writeFrame(frame))), bytes)
    if (frame.type !== 'envelope') return
    const { signed, sig, sides, path } = frame.envelope
    const { key } = readSigned(bytesOf(signed))
    same(isSealed({ signed: bytesOf(signed), sig: bytesOf(sig), sides, path: path.map(bytesOf) }, bytesOf(key)), true)
  },

  refused({ reader, bytes, code }) {
    same(
      codeOf(() => READERS[reader](bytesOf(bytes))),
      code
    )
  }
}

function codeOf(work) {
  try {
    work()
    return 'nothing was refused'
  } catch (error) {
    if (error.code === undefined) throw error
    return error.code
  }
}

for (const [name, check] of Object.entries(CHECKS)) {
  const entries = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'))
  for (const entry of entries) {
    try {
      check(entry)
    } catch (error) {
      throw new Error(`${name}.json: ${entry.what ?? entry.instanceId ?? entry.root}`, { cause: error })
    }
  }
  console.log(`${name}.json ${entries.length}`)
}
