import { describe, expect, it } from 'vitest'
import { problemsOf } from '../../scripts/check-versions.ts'

const IN_ORDER = {
  'node_modules/@libp2p/gossipsub': { version: '16.0.5', integrity: 'sha512-a' },
  'node_modules/@libp2p/interface': { version: '3.10.0', integrity: 'sha512-a' },
  'node_modules/libp2p': { version: '3.3.11', integrity: 'sha512-a' },
  'node_modules/node': { version: '24.16.0', integrity: 'sha512-a' },
  'node_modules/openclaw': { version: '2026.10.1', integrity: 'sha512-a' }
}

function problems(packages: Parameters<typeof problemsOf>[0]['packages'], dependencies = {}): string[] {
  return problemsOf({ packages: { ...IN_ORDER, ...packages } }, dependencies)
}

describe('version floors (S-34)', () => {
  it('finds nothing when every floor is reached', () => {
    expect(problems({}, { libp2p: '3.3.11' })).toEqual([])
  })

  it('finds a version below its floor, compared as numbers', () => {
    expect(problems({ 'node_modules/@libp2p/gossipsub': { version: '9.12.3', integrity: 'sha512-a' } })).toEqual([
      expect.stringContaining('@libp2p/gossipsub is 9.12.3, below 16.0.5')
    ])
  })

  it('finds a missing package', () => {
    expect(problemsOf({ packages: {} }, {})).toContain('libp2p is not installed')
  })

  it('asks for the floor of a part that is not used yet as soon as it is there', () => {
    expect(problems({ 'node_modules/@libp2p/kad-dht': { version: '16.4.0', integrity: 'sha512-a' } })).toEqual([])
    expect(problems({ 'node_modules/@libp2p/kad-dht': { version: '16.3.9', integrity: 'sha512-a' } })).toEqual([
      expect.stringContaining('@libp2p/kad-dht is 16.3.9, below 16.4.0')
    ])
  })

  it.each(['@chainsafe/libp2p-noise', '@libp2p/mplex'])('finds %s, which something better has replaced', name => {
    const old = { version: '99.0.0', integrity: 'sha512-a' }
    expect(problems({ [`node_modules/${name}`]: old })).toEqual([expect.stringContaining('must not be used')])
    expect(problems({ [`node_modules/openclaw/node_modules/${name}`]: old })).toEqual([])
  })

  it('finds a second copy, but leaves the host its own', () => {
    const copy = { version: '3.3.0', integrity: 'sha512-a' }
    expect(problems({ 'node_modules/openclaw/node_modules/@libp2p/interface': copy })).toEqual([])
    expect(problems({ 'node_modules/old/node_modules/@libp2p/interface': copy })).toEqual([
      expect.stringContaining('2 copies of @libp2p/interface')
    ])
  })

  it('finds a range, a missing integrity and a bound address', () => {
    const found = problems(
      {
        'node_modules/a': { version: '1.0.0' },
        'node_modules/b': { integrity: 'sha512-a', resolved: 'https://example.org/b.tgz' }
      },
      { a: '^1.0.0' }
    )
    expect(found).toEqual([
      expect.stringContaining('a: "^1.0.0"'),
      expect.stringContaining('node_modules/a has no integrity'),
      expect.stringContaining('node_modules/b is bound to one address')
    ])
  })
})
