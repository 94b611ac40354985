import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { connectControl, controlSocketPath } from '../../src/control/socket.ts'
import { createSandbox } from '../../test/host/harness/sandbox.ts'
import { Attacker, type AttackLink, LINK, PAIR, sealBytes } from '../../test/hostile/attacker.ts'
import { startBareNode } from '../../test/integration/harness/bare-node.ts'
import { setup } from '../../test/integration/harness/built.ts'
import { framed, writeMessage } from '../../test/vectors/reference/wire.mjs'
import { corpora } from './corpus.ts'
import { mutated } from './mutate.ts'
import type { Random } from './random.ts'

/** Of all frames: what is read by a stranger's streams costs a stream each, and what goes to the control socket a connection. */
const STRANGERS_SHARE = 0.03
const CONTROL_SHARE = 0.03

/** Frames that one stranger may send before nothing more of it is read. */
const STRIKES = 5

/** New connections a second that one address may make, with room. */
const STRANGER_EVERY_MS = 30

/** What is refused was not sent, and is tried anew. A node that refuses this many in a row, or ends as many links, is at fault itself. */
const REFUSED_MAX = 200
const LINKS_MAX = 20

/** A stream whose bytes may still become a frame stays open for longer; nobody waits for that. */
const RESET_MAX_MS = 200

/** Frames on the link before somebody looks whether it is still there. */
const BATCH = 100

/** A signed part that is longer makes its frame malformed, which ends the link. */
const SIGNED_MAX_BYTES = 34_816

/** Frames of all kinds come in turns. After the first ones the node has all that it keeps in memory for good. */
const ROUNDS = 10
const WARM_ROUNDS = 3

/** Garbage is collected in time, and what is no garbage ends the process. */
const HEAP_MAX_MIB = 64

export interface NodeResult {
  /** Sent, all of them: a stream or a link that the node refused carries none. */
  frames: number
  /** The process ended, an internal error in the log, or no answer at the end. */
  crashes: string[]
  rssDeltaMiB: number
}

/** Sends frames to a node that runs as its own process: on the link of an admitted peer, from strangers, and to the control socket. */
export async function fuzzRunningNode(random: Random, frames: number): Promise<NodeResult> {
  await setup()
  await using sandbox = await createSandbox('fuzz')
  const node = await startBareNode(sandbox, { name: 'fuzzed', execArgv: [`--max-old-space-size=${HEAP_MAX_MIB}`] })
  const control = await connectControl(node.stateDir)
  const rssMiB = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))?.[1]) / 1024
  const corpus = corpora()
  const strangers = Math.round(frames * STRANGERS_SHARE)
  const lines = Math.round(frames * CONTROL_SHARE)
  const crashes: string[] = []
  let frameCount = 0

  const admitted = async (): Promise<{ peer: Attacker; link: AttackLink }> => {
    const peer = await Attacker.create()
    await control.call('approve', { who: peer.peerId })
    const link = await peer.link(node)
    await link.greeted()
    return { peer, link }
  }
  const well = async (link: AttackLink, peer: Attacker): Promise<void> => {
    const content = peer.content(node, 'still there?', { conversation: Buffer.from(random.bytes(16)).toString('hex') })
    link.send(peer.seal(content))
    await link.told(content.id, 'delivered none')
  }

  let number = 0
  const overLink = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; ) {
      // Its own text, changed and signed anew, or what others have signed, changed.
      const own = random.below(3) > 0
      const base = own ? [peer.seal(peer.content(node, `text ${number++}`)).signed] : corpus.contents
      const signed = Buffer.from(mutated(random, base).subarray(0, SIGNED_MAX_BYTES))
      const sealed = sealBytes(signed.length > 0 ? signed : Buffer.of(0), peer.key)
      if (await written(link.stream, framed(writeMessage('Frame', { envelope: { ...sealed } })))) {
        sent++
        frameCount++
        if (sent % BATCH === 0) link.frames.splice(1)
        continue
      }
      crashes.push('the link ended although all frames on it were whole')
      if (crashes.length === LINKS_MAX) return
      await peer.stop()
      ;({ peer, link } = await admitted())
    }
  }
  const fromStrangers = async (count: number): Promise<void> => {
    let refused = 0
    for (let sent = 0; sent < count; ) {
      const stranger = await Attacker.create()
      const pause = new Promise(resolve => setTimeout(resolve, STRANGER_EVERY_MS))
      for (let strike = 0; strike < STRIKES && sent < count; strike++) {
        const [protocol, bases] = random.below(2) === 0 ? [LINK, corpus.frames] : [PAIR, corpus.pair]
        const stream = await stranger.stream(node, protocol).catch(() => undefined)
        if (stream !== undefined && (await thrown(stream, mutated(random, bases)))) {
          sent++
          frameCount++
          refused = 0
        } else refused++
      }
      await stranger.stop()
      await pause
      if (refused < REFUSED_MAX) continue
      crashes.push(`strangers were refused ${refused} times in a row`)
      return
    }
  }
  const toControl = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      const socket = connect(controlSocketPath(node.stateDir))
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      // A method that changes something is the owner's right: these are no calls.
      const line = Buffer.from(mutated(random, corpus.lines)).toString('latin1').replaceAll('"call"', '"cull"')
      socket.end(`${line}\n`)
      frameCount++
      socket.resume()
      await once(socket, 'close')
    }
  }

  let { peer, link } = await admitted()
  let baseMiB = rssMiB()
  for (let round = 1; round <= ROUNDS; round++) {
    await overLink(inRound(frames - strangers - lines, round))
    await fromStrangers(inRound(strangers, round))
    await toControl(inRound(lines, round))
    if (round === WARM_ROUNDS) baseMiB = rssMiB()
  }

  try {
    const { peer: last, link: lastLink } = await admitted()
    await well(lastLink, last)
    await control.call('status', {})
    await last.stop()
  } catch (error) {
    crashes.push(`it does not answer any more: ${error instanceof Error ? error.message : error}`)
  }
  const rssDeltaMiB = node.process.exitCode === null ? rssMiB() - baseMiB : 0
  await peer.stop()
  await control.close()
  const ended = await node.stop()
  if (ended.code !== 0) crashes.push(`it ended with ${ended.code ?? ended.signal}`)
  crashes.push(...ended.stderr.split('\n').filter(line => line.includes('error: ')))
  return { frames: frameCount, crashes, rssDeltaMiB }
}

/** Whole frames in this round, so that all rounds together send all. */
function inRound(count: number, round: number): number {
  return Math.floor((count * round) / ROUNDS) - Math.floor((count * (round - 1)) / ROUNDS)
}

/** False where the stream had ended. Waits for room where there is none. */
async function written(stream: Stream, bytes: Uint8Array): Promise<boolean> {
  if (stream.status !== 'open') return false
  if (stream.send(bytes)) return true
  await new Promise<void>(resolve => {
    stream.addEventListener('drain', () => resolve(), { once: true })
    stream.addEventListener('close', () => resolve(), { once: true })
  })
  return true
}

/** Until the other side has ended the stream, or has had its time. False where it had ended the stream before anything was sent. */
async function thrown(stream: Stream, bytes: Uint8Array): Promise<boolean> {
  const ended = new Promise<void>(resolve => stream.addEventListener('close', () => resolve()))
  stream.addEventListener('message', () => undefined)
  try {
    stream.send(bytes)
  } catch {
    return false
  }
  // The other side may be quicker.
  await stream.close().catch(() => undefined)
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, RESET_MAX_MS)
  await Promise.race([ended, late])
  clearTimeout(timer)
  return true
}
