import { describe, expect, it } from 'vitest'
import { hostLog } from '../../src/openclaw/host-log.ts'

function sink() {
  const lines: string[] = []
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  return { lines, info: at('info'), warn: at('warn'), error: at('error'), debug: at('debug') }
}

describe('the log of the host', () => {
  it('S1.64: is one line with our prefix and the fields behind', () => {
    const host = sink()
    const log = hostLog(host)
    log.info('Peer connected: x')
    log.warn('Slow.', { id: 'ab', count: 2, path: null, list: ['a'] })
    log.error('Broken.', { code: 'internal' })
    log.debug('Step.')
    expect(host.lines).toEqual([
      'info [libp2p-mesh] Peer connected: x',
      'warn [libp2p-mesh] Slow. id=ab count=2 path=null list=["a"]',
      'error [libp2p-mesh] Broken. code=internal',
      'debug [libp2p-mesh] Step.'
    ])
  })

  it('does without a host that has no debug', () => {
    const { debug: _, ...host } = sink()
    hostLog(host).debug('Step.')
    expect(host.lines).toEqual([])
  })
})
