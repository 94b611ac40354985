import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SendResult, Status } from '../../src/control/methods.ts'
import { EngineThread } from '../../src/openclaw/engine-thread.ts'
import { parseSettings } from '../../src/settings/index.ts'

/** A host with two engines in threads that write to each other; prints how long it kept its own event loop at most, as one JSON line. */

const [messages = '0', atOnce = '0'] = process.argv.slice(2)

/** What is compiled and made at the first use is there then. */
const WARM_UP = 200

const ENGINE = new URL('../../dist/engine.js', import.meta.url)
const quiet = (): void => undefined

let shown = 0

interface Side {
  name: string
  thread: EngineThread
  ended: Promise<void>
  stateDir: string
}

const end = new AbortController()

function start(name: string, bootstrapList: string[]): Side {
  const stateDir = mkdtempSync(join(tmpdir(), `host-thread-${name}-`))
  const settings = parseSettings(
    { name, discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'], bootstrapList },
    'test'
  )
  const thread = new EngineThread(
    {
      host: {
        log: { debug: quiet, info: quiet, warn: console.error, error: console.error },
        notices: { notify: async () => undefined },
        event: quiet,
        display: {
          async show() {
            shown++
            return { outcome: 'done' }
          }
        }
      }
    },
    { url: ENGINE, options: { stateDir, settings, pendingSettings: [], version: '0.0.0', program: 'the test' } }
  )
  return { name, thread, ended: thread.run(end.signal), stateDir }
}

const statusOf = async ({ thread }: Side): Promise<Status> => await thread.client().call('status', {})

async function flood(from: Side, target: string, count: number): Promise<void> {
  let left = count
  const caller = async (number: number): Promise<void> => {
    const conversation = number.toString(16).padStart(32, '0')
    while (left-- > 0) {
      const params = { target, text: 'x'.repeat(200), conversation, waitFor: 'delivered', timeoutMs: 60_000 } as const
      const { level }: SendResult = await from.thread.client().call('send', params)
      if (level !== 'delivered') throw new Error(`a message is ${level}`)
    }
  }
  await Promise.all(Array.from({ length: Number(atOnce) }, (_, number) => caller(number)))
}

let watching = false
let longestMs = 0

/** Processor time of one round of the event loop: what other processes take from this thread does not count. */
function watch(before = process.threadCpuUsage()): void {
  setImmediate(() => {
    const { user, system } = process.threadCpuUsage(before)
    if (watching) longestMs = Math.max(longestMs, (user + system) / 1_000)
    watch(process.threadCpuUsage())
  }).unref()
}

const one = start('one', [])
const { peerId, addresses } = await statusOf(one)
const other = start('other', addresses)
const { peerId: otherPeer } = await statusOf(other)
await one.thread.client().call('approve', { who: otherPeer })
await other.thread.client().call('approve', { who: peerId })

const both = (count: number): Promise<unknown> =>
  Promise.all([flood(one, otherPeer, count), flood(other, peerId, count)])

await both(WARM_UP)
watch()
watching = true
const startMs = performance.now()
const usedBefore = process.threadCpuUsage()
await both(Number(messages))
watching = false
const ms = performance.now() - startMs
const { user, system } = process.threadCpuUsage(usedBefore)
end.abort()
await Promise.all([one.ended, other.ended])
for (const { stateDir } of [one, other]) rmSync(stateDir, { recursive: true })
console.log(JSON.stringify({ ms, shown, longestMs, cpuMs: (user + system) / 1_000 }))
