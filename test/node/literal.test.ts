import { expect, it } from 'vitest'
import { literalOf } from '../../src/node/literal.ts'

it('S-16: says a literal address for a name, and leaves everything else as it is', async () => {
  const find = async (name: string, { family }: { family: number }) =>
    name === 'a.example'
      ? { address: family === 6 ? '2a00::1' : '9.9.9.8', family: family === 6 ? 6 : 4 }
      : Promise.reject(new Error('unknown'))
  expect(await literalOf('/dns4/a.example/tcp/4001/p2p/x', find)).toBe('/ip4/9.9.9.8/tcp/4001/p2p/x')
  expect(await literalOf('/dns6/a.example/tcp/4001/p2p/x', find)).toBe('/ip6/2a00::1/tcp/4001/p2p/x')
  const literal = '/ip4/9.9.9.9/tcp/4001/p2p/x'
  expect(await literalOf(literal)).toBe(literal)
  const unknown = '/dns4/no-such-name.invalid/tcp/4001/p2p/x'
  expect(await literalOf(unknown, find)).toBe(unknown)
})
