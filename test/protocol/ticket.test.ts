import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatTicket,
  isTicketProof,
  parseTicket,
  type Ticket,
  ticketIdBytesOf,
  ticketIdOf,
  ticketProof,
  toHex
} from '../../src/protocol/index.ts'
import { bytesOf } from './arbitraries.ts'
import { codeOf } from './proto.ts'

const addresses = fc.array(
  fc.constantFrom(
    '/ip4/192.168.1.42/tcp/4001',
    '/ip6/fe80::1/tcp/4001',
    '/dns4/relay.example.org/tcp/443/wss',
    '/ip4/9.9.9.9/tcp/1'
  ),
  { maxLength: 8 }
)
const tickets: fc.Arbitrary<Ticket> = fc.record({
  key: bytesOf(32),
  secret: bytesOf(16),
  expiresMs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  addresses,
  label: fc.constantFrom('', 'brisk-otter', '小明')
})

/** What happens to a long word on its way from one screen to another. */
const mangle = fc.constantFrom(
  (text: string) => text.toUpperCase(),
  (text: string) => text.replace(/(.{20})/g, '$1\n'),
  (text: string) => `  "${text}"  `,
  (text: string) => text.replace(/(.{4})/g, '$1-'),
  (text: string) => text.replace(/(.{7})/g, '$1 \u200b'),
  (text: string) => `<${text}>.`
)

/** Typed by somebody who reads letters as digits. */
const misread = (text: string): string =>
  `mesh1${text.slice(5).replaceAll('o', '0').replaceAll('l', '1').replaceAll('b', '8')}`

const any: Ticket = { key: new Uint8Array(32), secret: new Uint8Array(16), expiresMs: 1, addresses: [], label: '' }

describe('a ticket', () => {
  it('goes to text and back, through whatever chats and terminals do to it', () => {
    fc.assert(
      fc.property(tickets, fc.array(mangle, { maxLength: 3 }), fc.boolean(), (ticket, ways, digits) => {
        const text = formatTicket(ticket)
        expect(text).toMatch(/^mesh1[a-z2-7]+$/)
        expect(parseTicket(ways.reduce((word, way) => way(word), digits ? misread(text) : text))).toEqual(ticket)
      }),
      { numRuns: 500 }
    )
  })

  it('mistyped anywhere, cut short or with a piece doubled is told apart from what is no ticket', () => {
    fc.assert(
      fc.property(tickets, fc.nat(), fc.constantFrom('a', 'm', '3', '7', 'é', '9'), (ticket, place, letter) => {
        const text = formatTicket(ticket)
        const at = 5 + (place % (text.length - 5))
        for (const wrong of [
          text.slice(0, at) + letter + text.slice(at + 1),
          text.slice(0, at),
          text.slice(0, at) + text.slice(at - 1)
        ]) {
          if (wrong === text) continue
          expect(
            codeOf(() => parseTicket(wrong)),
            wrong
          ).toBe('ticket_checksum')
        }
      }),
      { numRuns: 300 }
    )
  })

  it('of another version, and what is none, have codes of their own', () => {
    const text = formatTicket(any)
    expect(codeOf(() => parseTicket(`mesh2${text.slice(5)}`))).toBe('ticket_version')
    for (const none of ['', 'mesh', 'hello', '12D3KooWabc', 'x'.repeat(10_000), `mash1${text.slice(5)}`])
      expect(
        codeOf(() => parseTicket(none)),
        none.slice(0, 20)
      ).toBe('ticket_malformed')
  })

  it('never throws anything but its codes, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 300 }),
          fc.string({ maxLength: 300 }).map(text => `mesh1${text}`)
        ),
        text => {
          expect(codeOf(() => parseTicket(text))).toMatch(/^ticket_|^none$/)
        }
      ),
      { numRuns: 1_000 }
    )
  })

  it('is not written with a wrong key, secret, expiry or address', () => {
    for (const wrong of [
      { key: new Uint8Array(31) },
      { secret: new Uint8Array(15) },
      { expiresMs: 0 },
      { addresses: ['nowhere'] },
      { addresses: Array(9).fill('/ip4/9.9.9.9/tcp/1') }
    ])
      expect(codeOf(() => formatTicket({ ...any, ...wrong }))).toBe('ticket_malformed')
  })

  it('is named by an id that tells nothing of its secret', () => {
    const secret = crypto.getRandomValues(new Uint8Array(16))
    expect(ticketIdOf(secret)).toBe(toHex(ticketIdBytesOf(secret)))
    expect(ticketIdOf(secret)).toMatch(/^[0-9a-f]{16}$/)
    expect(toHex(secret)).not.toContain(ticketIdOf(secret))
  })
})

describe('the proof of a ticket', () => {
  const secret = crypto.getRandomValues(new Uint8Array(16))
  const issuer = crypto.getRandomValues(new Uint8Array(32))
  const sender = crypto.getRandomValues(new Uint8Array(32))

  it('S-05: holds for this secret between these two keys and for nothing else', async () => {
    const proof = await ticketProof(secret, { issuer, sender })
    expect(proof).toHaveLength(32)
    expect(await isTicketProof(proof, secret, { issuer, sender })).toBe(true)
    const other = crypto.getRandomValues(new Uint8Array(32))
    expect(await isTicketProof(proof, secret, { issuer, sender: other })).toBe(false)
    expect(await isTicketProof(proof, secret, { issuer: other, sender })).toBe(false)
    expect(await isTicketProof(proof, secret, { issuer: sender, sender: issuer })).toBe(false)
    expect(await isTicketProof(proof, other.slice(0, 16), { issuer, sender })).toBe(false)
    expect(await isTicketProof(proof.slice(1), secret, { issuer, sender })).toBe(false)
  })
})
