import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

/** Two network namespaces joined by one cable: multicast stays in there. Needs root and `ip`. */
const NAMES = [`lm-mdns-a-${process.pid}`, `lm-mdns-b-${process.pid}`] as const
const VETHS = ['lmva', 'lmvb'] as const
const eventually = { timeout: 10_000, interval: 50 }

const ip = (...args: string[]): void => void execFileSync('ip', args)

interface Line {
  event: string
  peer?: string
  addresses?: string[]
  issues?: string[]
}

describe('mDNS', () => {
  let dir: string
  const running: (() => Promise<number | null>)[] = []

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'lm-mdns-'))
    await build({
      entryPoints: [join(import.meta.dirname, 'mdns-node.ts')],
      outfile: join(dir, 'node.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      banner: { js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);" }
    })
    for (const name of NAMES) ip('netns', 'add', name)
    ip('link', 'add', VETHS[0], 'netns', NAMES[0], 'type', 'veth', 'peer', 'name', VETHS[1], 'netns', NAMES[1])
    for (const [index, name] of NAMES.entries()) {
      const veth = VETHS[index] ?? ''
      ip('-n', name, 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', veth)
      ip('-n', name, 'link', 'set', 'lo', 'up')
      ip('-n', name, 'link', 'set', veth, 'up')
    }
  })

  afterAll(async () => {
    for (const stop of running) await stop()
    for (const name of NAMES) ip('netns', 'del', name)
    rmSync(dir, { recursive: true })
  })

  function run(name: string): { lines: Line[]; stop(): Promise<number | null> } {
    const child = spawn('ip', ['netns', 'exec', name, process.execPath, join(dir, 'node.mjs')])
    const lines: Line[] = []
    let rest = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const pieces = (rest + chunk.toString()).split('\n')
      rest = pieces.pop() ?? ''
      lines.push(...pieces.map(piece => JSON.parse(piece) as Line))
    })
    child.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk))
    const exited = new Promise<number | null>(resolve => child.on('exit', resolve))
    const stop = (): Promise<number | null> => {
      child.kill('SIGTERM')
      return exited
    }
    running.push(stop)
    return { lines, stop }
  }

  it('without a route for multicast is an issue', async () => {
    const [name] = NAMES
    const { lines, stop } = run(name)
    await vi.waitFor(() => {
      const issues = lines.find(line => line.event === 'issues')?.issues
      expect(issues).toEqual([
        'mDNS does not work on this network (ENETUNREACH): instances nearby are not found by themselves.'
      ])
    }, eventually)
    expect(await stop()).toBe(0)
  })

  it('finds an instance on the same network, by its addresses there, and links', async () => {
    for (const [index, name] of NAMES.entries()) ip('-n', name, 'route', 'add', 'default', 'dev', VETHS[index] ?? '')
    const nodes = NAMES.map(run)
    await vi.waitFor(() => {
      for (const { lines } of nodes) expect(lines.some(line => line.event === 'linked')).toBe(true)
    }, eventually)
    const seen = nodes.flatMap(({ lines }) => lines.filter(line => line.event === 'discovered'))
    expect(seen.length).toBeGreaterThan(0)
    for (const { addresses } of seen) {
      for (const address of addresses ?? []) expect(address).toMatch(/^\/ip4\/10\.77\.0\.[12]\/tcp\/\d+\/p2p\//)
    }
    for (const { stop } of nodes) expect(await stop()).toBe(0)
  })
})
