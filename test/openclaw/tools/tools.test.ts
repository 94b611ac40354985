import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { HostApi } from '../../../src/openclaw/host-types.ts'
import { executeBroadcast } from '../../../src/openclaw/tools/broadcast.ts'
import { executePeers } from '../../../src/openclaw/tools/peers.ts'
import { registerTools } from '../../../src/openclaw/tools/register.ts'
import { buildManifest, TOOL_NAMES } from '../../../src/settings/manifest.ts'
import { goLive, PEER, refusalOf, SENT } from '../live.ts'

const TOOLS = fileURLToPath(new URL('../../../src/openclaw/tools', import.meta.url))

interface Tool {
  name: string
  label: string
  description: string
  catalogMode: string
  parameters: { type: string; additionalProperties: boolean; properties: object }
  execute(id: string, params: unknown, signal?: AbortSignal): Promise<{ content: { text: string }[] }>
}

function registered(): Tool[] {
  const tools: Tool[] = []
  const registerTool = (tool: Tool | ((context: object) => Tool), { name }: { name: string }): void => {
    const made = typeof tool === 'function' ? tool({ sessionKey: 'agent:main:main' }) : tool
    expect(made.name).toBe(name)
    tools.push(made)
  }
  registerTools({ registerTool } as unknown as HostApi)
  return tools
}

describe('the tools', () => {
  it('are those of the manifest, all straight in the list of the model', () => {
    const tools = registered()
    expect(tools.map(({ name }) => name)).toEqual([...TOOL_NAMES])
    expect(buildManifest().contracts).toEqual({ tools: tools.map(({ name }) => name) })
    for (const { catalogMode, parameters, label, description } of tools) {
      expect(catalogMode).toBe('direct-only')
      expect(parameters).toMatchObject({ type: 'object', additionalProperties: false })
      expect(label.length * description.length).toBeGreaterThan(0)
    }
  })

  it('approve, trust and invite nobody', () => {
    expect(registered().filter(({ name }) => /approve|trust|invite|budget/.test(name))).toEqual([])
  })

  it('S-29: show no addresses of this machine', () => {
    expect(registered().filter(({ name }) => /netcheck|ping|relay/.test(name))).toEqual([])
    const asked = readdirSync(TOOLS).map(file => readFileSync(join(TOOLS, file), 'utf8'))
    expect(asked.length).toBeGreaterThan(3)
    // The methods whose results name them.
    expect(asked.filter(text => /call\('(?:netcheck|status|ping)'/.test(text))).toEqual([])
    expect(asked.some(text => text.includes("call('peers'"))).toBe(true)
  })

  it('call the engine through the live account', async () => {
    const calls = goLive(({ method }) =>
      method === 'peers' ? [PEER] : method === 'send' ? SENT : { id: 'x', topic: 't', recipients: 1, ms: 1 }
    )
    const [send, broadcast, peers] = registered()
    const { signal } = new AbortController()
    await send?.execute('1', { instanceId: 'bob', message: 'hello' }, signal)
    await broadcast?.execute('2', { message: 'news' }, signal)
    await peers?.execute('3', {}, signal)
    expect(calls.map(call => [call.method, call.signal])).toEqual([
      ['send', signal],
      ['broadcast', signal],
      ['peers', signal]
    ])
    expect(calls[0]?.params).toMatchObject({ session: 'agent:main:main' })
  })
})

describe('p2p_broadcast', () => {
  it.each([
    [2, 'Broadcast x on t handed to 2 connected members in 4 ms.'],
    [1, 'Broadcast x on t handed to 1 connected member in 4 ms.'],
    [0, 'Broadcast x on t handed to 0 connected members in 4 ms. Nobody was connected, so nobody got it.']
  ])('says how many of %d were handed it', async (recipients, text) => {
    const calls = goLive(() => ({ id: 'x', topic: 't', recipients, ms: 3.6 }))
    const { content } = await executeBroadcast({ message: 'news' })
    expect(content[0]?.text).toBe(text)
    expect(calls[0]?.params).toEqual({ text: 'news' })
  })

  it.each([[undefined], [{}], [{ message: '' }], [{ message: 'x', topic: 'other' }]])(
    'refuses %j in one sentence',
    async params => {
      const calls = goLive(() => ({}))
      const { message } = await refusalOf(executeBroadcast(params))
      expect(message).toMatch(/^[^\n]*not allowed[^\n]*\.$/)
      expect(calls).toEqual([])
    }
  )
})

describe('p2p_peers', () => {
  it('S1.67: has a line for each peer', async () => {
    const away = { ...PEER, name: 'ana\n', path: null, rttMs: null, peerId: null, lastSeenAt: null, queued: 2 }
    goLive(() => [PEER, { ...PEER, rttMs: null }, away])
    const { content, details } = await executePeers({})
    expect(content[0]?.text.split('\n')).toEqual([
      `${PEER.instanceId}: name bob, paired, connected, path lan, 1 ms, peer id 12D3KooWbob`,
      `${PEER.instanceId}: name bob, paired, connected, path lan, peer id 12D3KooWbob`,
      `${PEER.instanceId}: name ana\\u000a, paired, away, last seen never, 2 waiting, peer id not met yet`
    ])
    expect(details).toEqual({ peers: [PEER, { ...PEER, rttMs: null }, away] })
  })

  it('says so where nobody is known, takes no parameters at all, and refuses others', async () => {
    goLive(() => [])
    const { content } = await executePeers(undefined)
    expect(content[0]?.text).toBe('No other instance is known yet.')
    expect((await refusalOf(executePeers({ all: true }))).message).toMatch(/^[^\n]*not allowed[^\n]*\.$/)
  })
})
