import { parseArgs } from 'node:util'
import { Random } from './fuzz/random.ts'
import { REST_EVERY, type Reader, readers } from './fuzz/readers.ts'
import { fuzzRunningNode } from './fuzz/running-node.ts'

/**
 * `npm run fuzz -- --frames N [--seed S] [--json]`: changed and random bytes through every reader of a node, and a share of them over real sockets to
 * a node that runs. What is thrown and is no refusal of the protocol, what nobody catches, and what holds a reader up counts as a crash; the seed
 * brings it again.
 */

const FRAMES_DEFAULT = 200_000

/** A pause of the garbage collector is no fault of a frame: one that holds a reader up does so again. */
const HANG_MS = 50
const TRIES = 3

/** Of all frames. */
const SOCKET_SHARE = 0.02
const WARM_SHARE = 0.1

/** What a process may keep of all frames, MiB: a runtime gains 24 by itself in 1,000,000 frames, and a leak is worth a look from then on. */
const RSS_GROWTH_MAX_MIB = 32

/** Shown of a frame that crashed. */
const SHOWN_BYTES = 2_048

const { values } = parseArgs({
  options: { frames: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean', default: false } }
})
const frames = whole(values.frames, FRAMES_DEFAULT)
const seed = whole(values.seed, Date.now() % 2 ** 32)

const print = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
print(`${frames} frames, seed ${seed}`)

let crashes = 0
function crashed(what: string): void {
  crashes++
  print(`crash: ${what}`)
}
process.on('uncaughtException', error => crashed(`nobody caught ${error.stack}`))
process.on('unhandledRejection', reason =>
  crashed(`nobody heard of ${reason instanceof Error ? reason.stack : reason}`)
)

const startMs = performance.now()
const random = new Random({ seed })
const overSockets = Math.round(frames * SOCKET_SHARE)
const node = await fuzzRunningNode(random, overSockets)
for (const what of node.crashes) crashed(`the node: ${what}`)
print(`${node.frames} over sockets, memory of the node ${signed(node.rssDeltaMiB)} MiB, ${seconds()}`)

const { all, stop } = await readers(random)
const count = frames - overSockets
const warm = Math.round(count * WARM_SHARE)
await read(all, warm)
const baseMiB = await rssMiB()
await read(all, count - warm)
stop()
const grownMiB = (await rssMiB()) - baseMiB
print(
  `${count} in ${all.length} readers (${all.map(({ name }) => name).join(', ')}), memory ${signed(grownMiB)} MiB, ${seconds()}`
)

const rssDeltaMiB = Number(Math.max(0, grownMiB, node.rssDeltaMiB).toFixed(1))
const sent = node.frames + count
if (rssDeltaMiB > RSS_GROWTH_MAX_MIB) print(`memory grew by more than ${RSS_GROWTH_MAX_MIB} MiB`)
if (sent < frames) print(`only ${sent} of ${frames} frames could be sent`)
process.stdout.write(`${JSON.stringify({ frames: sent, crashes, rssDeltaMiB })}\n`)
process.exitCode = crashes === 0 && rssDeltaMiB <= RSS_GROWTH_MAX_MIB && sent >= frames ? 0 : 1

async function read(all: readonly Reader[], count: number): Promise<void> {
  for (let number = 0; number < count; ) {
    const reader = all[Math.floor(number / REST_EVERY) % all.length] as Reader
    for (let i = 0; i < REST_EVERY && number < count; i++, number++) one(reader)
    await reader.rest?.()
  }
}

function one({ name, make, read: take }: Reader): void {
  const bytes = make()
  try {
    let tries = 0
    let tookMs = 0
    do {
      const beganMs = performance.now()
      take(bytes)
      tookMs = performance.now() - beganMs
      tries++
    } while (tookMs > HANG_MS && tries < TRIES)
    if (tookMs > HANG_MS) crashed(`${name}: ${Math.round(tookMs)} ms, ${tries} times, for ${shown(bytes)}`)
  } catch (error) {
    crashed(`${name}: ${error instanceof Error ? traced(error) : error} for ${shown(bytes)}`)
  }
}

/** After everything that can be collected was. */
async function rssMiB(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return process.memoryUsage.rss() / 2 ** 20
}

function whole(text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`"${text}" is no whole number`)
  process.exit(2)
}

/** With what stands behind it. */
function traced({ stack = '', cause }: Error): string {
  return cause instanceof Error ? `${stack}\n  because of ${traced(cause)}` : stack
}

function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex')
}

function signed(number: number): string {
  return `${number >= 0 ? '+' : ''}${number.toFixed(1)}`
}

function seconds(): string {
  return `${((performance.now() - startMs) / 1_000).toFixed(1)} s`
}
