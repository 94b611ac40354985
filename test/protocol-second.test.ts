import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../src/engine/clock.ts'
import { Mesh } from '../src/mesh/mesh.ts'
import { fingerprintOf, peerIdOf, toHex } from '../src/protocol/index.ts'
import { FakeAgent } from './fakes/agent.ts'
import { FakeLog } from './fakes/log.ts'
import { FakeNotices } from './fakes/notices.ts'
import { FakeStore } from './fakes/store.ts'
import { testNode } from './node/test-node.ts'
import { keyOf, verifyEd25519 } from './protocol/ed25519.ts'

/** What follows from docs/protocol.md alone: programs that share no line with src/ agree with it, on paper and on the wire. */

const VECTORS = fileURLToPath(new URL('./vectors/', import.meta.url))
const SEED = new Uint8Array(32).fill(0x42)
const SECOND_SEED = new Uint8Array(32).fill(0x77)

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('a reader that was written from docs/protocol.md', () => {
  it('S2.46: agrees with every golden vector', async () => {
    const { code, lines } = await readVectors(VECTORS)
    expect(code).toBe(0)
    const files = readdirSync(VECTORS).filter(name => name.endsWith('.json'))
    expect(lines.map(line => line.split(' ')[0]).sort()).toEqual(files.sort())
    for (const line of lines) expect(Number(line.split(' ')[1]), line).toBeGreaterThan(0)
  })

  it('finds a change in each file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libp2p-mesh-vectors-'))
    undo.push(() => rmSync(folder, { recursive: true }))
    for (const name of readdirSync(VECTORS).filter(file => file.endsWith('.json'))) {
      cpSync(VECTORS, folder, { recursive: true })
      writeFileSync(join(folder, name), spoilt(name, readFileSync(join(VECTORS, name), 'utf8')))
      const { code, errors } = await readVectors(folder)
      expect(code, name).toBe(1)
      expect(errors, name).toContain(`${name}: `)
    }
  })

  it('imports nothing of the implementation', () => {
    const files = readdirSync(VECTORS, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.mjs'))
    expect(files.length).toBeGreaterThan(3)
    for (const file of files) expect(readFileSync(join(VECTORS, file), 'utf8'), file).not.toMatch(/from '[^']*src\//)
  })
})

describe('an instance that was written from docs/protocol.md', () => {
  it('S2.46: is linked, understood and answered, and answers', async () => {
    const { mesh, address, agent } = await realInstance()
    const second = new Second(address)
    expect(await second.next('hello')).toMatchObject({ admitted: true, label: 'calm-heron' })
    await second.next('route')

    second.say('send Is the build green?')
    const { id } = await second.next('sent')
    const outcomes = await second.outcomes(id, 'answered')
    // Levels may be left out, and never shrink.
    expect(['received', 'delivered', 'answered'].filter(level => outcomes.includes(level))).toEqual(outcomes)
    expect(await second.next('text')).toMatchObject({ inReplyTo: id, text: 'Yes: Is the build green?' })
    expect(agent.texts).toEqual(['Is the build green?'])

    const target = peerIdOf(keyOf(SECOND_SEED).publicKey)
    const sent = await mesh.handlers().send({ target, text: 'Are you there?', waitFor: 'answered', timeoutMs: 30_000 })
    expect(sent).toMatchObject({ level: 'answered', reply: 'You said: Are you there?' })
  })

  it('is told what became of a repeat, and of a wrong signature', async () => {
    const { address, agent } = await realInstance()
    const second = new Second(address)
    await second.next('hello')
    second.say('send once')
    const { id } = await second.next('sent')
    while ((await second.next('receipt', { id }))['outcome'] !== 'answered');
    second.say('repeat')
    expect(await second.next('receipt', { id })).toMatchObject({ outcome: 'answered', attempt: 2 })
    second.say('forge twice')
    const forged = await second.next('sent')
    expect(['rejected', 'received rejected']).toContain((await second.outcomes(forged['id'], 'rejected')).join(' '))
    second.say('repeat')
    expect(await second.next('receipt', { id: forged['id'] })).toMatchObject({ reason: 'bad_signature' })
    expect(agent.texts).toEqual(['once'])
  })
})

/** A node and a mesh of ours on loopback that admit the second implementation. */
async function realInstance(): Promise<{ mesh: Mesh; address: string; agent: FakeAgent }> {
  const key = keyOf(SEED)
  const { node } = await testNode({}, privateKeyToProtobuf(await generateKeyPairFromSeed('Ed25519', SEED)))
  const agent = new FakeAgent({ answer: ({ text }) => `Yes: ${text}` })
  const mesh = new Mesh(
    {
      network: node,
      store: new FakeStore(),
      signer: { ...key, verify: verifyEd25519 },
      clock: systemClock(),
      log: new FakeLog(),
      agent,
      notices: new FakeNotices()
    },
    {
      name: 'calm-heron',
      meshTopic: 'mesh',
      dmPolicy: 'allowlist',
      allowFrom: [fingerprintOf(keyOf(SECOND_SEED).publicKey)],
      deliveryAckTimeoutMs: 15_000,
      version: '0.0.0',
      pendingSettings: []
    }
  )
  const stop = new AbortController()
  const running = mesh.run(stop.signal)
  undo.push(async () => {
    stop.abort()
    await running
  })
  await mesh.ready()
  const [address = ''] = node.addresses()
  return { mesh, address, agent }
}

/** The other program, and what it tells. */
class Second {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #told: Record<string, unknown>[] = []
  #errors = ''
  #news = Promise.withResolvers<void>()

  constructor(address: string) {
    const script = join(VECTORS, 'second.mjs')
    this.#process = spawn(process.execPath, [script, address, toHex(SECOND_SEED)])
    const ended = once(this.#process, 'exit').then(() => this.#news.reject(new Error(`it ended: ${this.#errors}`)))
    this.#news.promise.catch(() => undefined)
    this.#process.stderr.on('data', data => {
      this.#errors += data
    })
    createInterface({ input: this.#process.stdout }).on('line', line => {
      this.#told.push(JSON.parse(line))
      this.#news.resolve()
    })
    undo.push(async () => {
      this.#process.stdin.end()
      await ended
    })
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /** What the receipts of this envelope say, up to the one that says `last`. */
  async outcomes(id: unknown, last: string): Promise<unknown[]> {
    const outcomes: unknown[] = []
    while (outcomes.at(-1) !== last) outcomes.push((await this.next('receipt', { id }))['outcome'])
    return outcomes
  }

  /** Takes the next event of that name, with these fields; others are left for later. */
  async next(event: string, fields: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const wanted = Object.entries({ event, ...fields })
    for (;;) {
      const at = this.#told.findIndex(told => wanted.every(([name, value]) => told[name] === value))
      const [found] = at < 0 ? [] : this.#told.splice(at, 1)
      if (found !== undefined) return found
      this.#news = Promise.withResolvers<void>()
      await this.#news.promise
    }
  }
}

async function readVectors(folder: string): Promise<{ code: unknown; lines: string[]; errors: string }> {
  const reader = spawn(process.execPath, [join(VECTORS, 'reference.mjs'), folder])
  let output = ''
  let errors = ''
  reader.stdout.on('data', data => {
    output += data
  })
  reader.stderr.on('data', data => {
    errors += data
  })
  const [code] = await once(reader, 'close')
  return { code, lines: output.trim().split('\n'), errors }
}

/** One digit of the last long hex text is another. Bytes that are refused may be so with any digit, so there it is a code. */
function spoilt(name: string, json: string): string {
  if (name === 'refused.json') return json.replace('_malformed"', '_spoilt"')
  const at = json.search(/[0-9a-f]{8}"(?![\s\S]*[0-9a-f]{8}")/)
  const digit = json[at] === '1' ? '2' : '1'
  return `${json.slice(0, at)}${digit}${json.slice(at + 1)}`
}
