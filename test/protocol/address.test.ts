import { describe, expect, it } from 'vitest'
import { isAddress } from '../../src/protocol/address.ts'

describe('isAddress', () => {
  it.each(['/ip4/192.0.2.1/tcp/4001', '/dns4/bob.example/tcp/443/tls/ws', `/${'a'.repeat(511)}`])('takes %s', text => {
    expect(isAddress(text)).toBe(true)
  })

  it.each([
    '',
    '/',
    'ip4/192.0.2.1',
    '/ip4/192.0.2.1/',
    '//tcp',
    '/ip4/192.0.2.1 /tcp/1',
    '/dns4/bücher.example',
    '/ip4/\u0007',
    `/${'a'.repeat(512)}`
  ])('refuses %j', text => {
    expect(isAddress(text)).toBe(false)
  })
})
