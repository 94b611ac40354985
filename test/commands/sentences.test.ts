import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sentence, UsageError } from '../../src/commands/index.ts'
import { isReason } from '../../src/commands/refusals.ts'
import { argument } from '../../src/control/argument.ts'
import { MeshError, type MeshErrorCode } from '../../src/control/errors.ts'
import { ProtocolError, type ProtocolErrorCode, REASONS, type RejectReason } from '../../src/protocol/index.ts'
import { SettingsError } from '../../src/settings/index.ts'
import { BOB } from './samples.ts'

const CODES = Object.keys({
  unknown_target: 0,
  ambiguous_target: 0,
  self_target: 0,
  not_trusted: 0,
  blocked: 0,
  refused_by_peer: 0,
  text_too_long: 0,
  text_empty: 0,
  bad_request: 0,
  topic_unknown: 0,
  outbox_full: 0,
  not_found: 0,
  wrong_state: 0,
  bad_ticket: 0,
  no_request: 0,
  too_many: 0,
  engine_down: 0,
  not_running: 0,
  state_locked: 0,
  key_unreadable: 0,
  store_failed: 0,
  dial_failed: 0,
  expired: 0,
  aborted: 0,
  internal: 0
} satisfies Record<MeshErrorCode, 0>) as MeshErrorCode[]

const PROTOCOL_CODES = Object.keys({
  frame_too_large: 0,
  frame_malformed: 0,
  frame_unknown: 0,
  envelope_malformed: 0,
  envelope_version: 0,
  envelope_kind: 0,
  text_too_long: 0,
  text_empty: 0,
  text_not_utf8: 0,
  label_malformed: 0,
  instance_id_malformed: 0,
  peer_id_malformed: 0,
  receipt_malformed: 0,
  route_malformed: 0,
  topic_malformed: 0,
  pair_malformed: 0,
  ticket_malformed: 0,
  ticket_checksum: 0,
  ticket_version: 0
} satisfies Record<ProtocolErrorCode, 0>) as ProtocolErrorCode[]

const REASON_CODES = Object.keys(REASONS) as RejectReason[]
const context = { program: 'openclaw p2p', target: 'bob' }

/** One line, no code of ours left in it, and an end. */
function expectSentence(text: string, code: string): void {
  expect(text).toMatch(/^["A-Z\p{L}\p{N}].*\S$/u)
  expect(text).not.toContain('\n')
  expect(text).not.toContain('undefined')
  if (code.includes('_')) expect(text).not.toContain(code)
}

describe('sentences', () => {
  for (const code of CODES) {
    it(`say ${code}, with and without details`, () => {
      expectSentence(sentence(new MeshError(code), { program: 'openclaw p2p' }), code)
      expectSentence(sentence(new MeshError(code, { peer: BOB, detail: 'the detail' }), context), code)
    })
  }

  for (const code of PROTOCOL_CODES)
    it(`say ${code} of the protocol`, () => expectSentence(sentence(new ProtocolError(code), context), code))

  it('say every reason of a refusal, each in its own words', () => {
    const all = REASON_CODES.map(reason => sentence(new MeshError('refused_by_peer', { peer: BOB, reason }), context))
    for (const [index, text] of all.entries()) expectSentence(text, REASON_CODES[index] ?? '')
    expect(new Set(all).size).toBe(REASON_CODES.length)
    expect(REASON_CODES.every(isReason)).toBe(true)
    expect(isReason('toString')).toBe(false)
  })

  it('tell a stranger from somebody who was never met', () => {
    const unknown = new MeshError('unknown_target', { peer: 'bob' })
    expect(sentence(unknown, context)).toMatch(/^Nobody here is known as "bob"/)
    const never = new MeshError('unknown_target', { peer: BOB, detail: 'never met' })
    expect(sentence(never, context)).toMatch(/^"bob" was never met/)
  })

  it('name what fits an ambiguous name', () => {
    const error = new MeshError('ambiguous_target', { detail: 'bob', candidates: ['bob@aaaa', 'bob@bbbb'] })
    expect(sentence(error, context)).toBe('"bob" fits 2 instances: bob@aaaa, bob@bbbb. Name one of them in full.')
    const many = new MeshError('ambiguous_target', {
      candidates: Array.from({ length: 10 }, (_, index) => `bob@${index}`)
    })
    expect(sentence(many, context)).toContain('bob@7 and 2 more.')
  })

  it('S-28: name whom a label alone may mean, without advice to let it in', () => {
    const error = new MeshError('ambiguous_target', { detail: 'bob', candidates: ['bob@aaaa'] })
    expect(sentence(error, context)).toBe('"bob" is only what the other side calls itself; name it in full: bob@aaaa.')
  })

  it('give a command line that a shell understands', () => {
    const error = new MeshError('not_trusted', { peer: 'two words@mfzw-izlb' })
    expect(sentence(error, context)).toBe(
      "two words@mfzw-izlb is not admitted here; to admit it, run: openclaw p2p approve 'two words@mfzw-izlb'"
    )
    const refused = new MeshError('refused_by_peer', { peer: BOB, reason: 'not_admitted' })
    expect(sentence(refused, { ...context, self: 'two words@mfzw-izlb' })).toMatch(/: approve 'two words@mfzw-izlb'$/)
    expect(argument("it's")).toBe("'it'\\''s'")
  })

  it('pass on what settings and the command line found wrong', () => {
    expect(sentence(new SettingsError('settings.name is 7: expected string.'), context)).toBe(
      'settings.name is 7: expected string.'
    )
    expect(sentence(new UsageError('send needs <text>.'), context)).toBe('send needs <text>.')
    const parsed = z.object({ level: z.enum(['a', 'b']) }).safeParse({ level: 'c' })
    expect(sentence(parsed.error, context)).toMatch(/^level is not allowed: .*"a"\|"b"/)
  })

  it('say errors that are not ours too', () => {
    expect(sentence(new TypeError('x is not a function'), context)).toContain('(x is not a function)')
    expect(sentence('thrown text', context)).toContain('(thrown text)')
    expect(sentence(new DOMException('', 'AbortError'), context)).toMatch(/^Interrupted/)
    expect(sentence(new MeshError('later_code' as MeshErrorCode, { detail: 'x' }), context)).toContain(
      'Something went wrong'
    )
    expect(sentence(new MeshError('refused_by_peer', { reason: 'later_reason' as RejectReason }), context)).toContain(
      'refused without a reason'
    )
  })

  it('S-17: let nothing of a peer reach a terminal as a command', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CODES),
        fc.constantFrom(...REASON_CODES),
        fc.string({ unit: 'binary' }),
        (code, reason, text) => {
          const error = new MeshError(code, { peer: text, detail: text, candidates: [text], reason })
          expect(sentence(error, { program: 'openclaw p2p', target: text, self: text })).not.toMatch(
            /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
          )
        }
      ),
      { numRuns: 5000 }
    )
  })
})
