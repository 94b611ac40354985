import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allOptions, checkArguments, readArguments, UsageError } from '../../src/commands/arguments.ts'
import { commands } from '../../src/commands/index.ts'

const send = commands.find(({ name }) => name === 'send') ?? expect.fail('no send')
const trust = commands.find(({ name }) => name === 'trust') ?? expect.fail('no trust')

function check(command: typeof send, argv: string[]) {
  return checkArguments(command, readArguments(command.name, allOptions(command), argv))
}

describe('arguments', () => {
  it('reads words, options and defaults', () => {
    expect(check(send, ['bob', 'hi there', '--wait=answered', '-t', '250', '--json'])).toEqual({
      args: { target: 'bob', text: 'hi there' },
      options: { wait: 'answered', timeout: '250' },
      json: true
    })
    expect(check(send, ['bob', 'hi'])).toEqual({
      args: { target: 'bob', text: 'hi' },
      options: { wait: 'delivered' },
      json: false
    })
  })

  it('takes what follows -- as words, and a single dash too', () => {
    expect(check(send, ['bob', '--', '--wait']).args).toEqual({ target: 'bob', text: '--wait' })
    expect(check(send, ['bob', '-']).args).toEqual({ target: 'bob', text: '-' })
  })

  const wrong: [string, string[], string][] = [
    ['a missing word', ['bob'], 'send needs <text>: the text, or - for standard input.'],
    ['an empty word', ['', 'hi'], '<target> of send is empty: instance id, peer id or name of a peer.'],
    [
      'a word too many',
      ['bob', 'hi', 'there'],
      'send takes <target> <text>, and "there" is one word too many; put a text with spaces in quotes.'
    ],
    ['an unknown option', ['bob', 'hi', '--fast'], 'send has no option --fast.'],
    ['an inherited name as option', ['bob', 'hi', '--constructor'], 'send has no option --constructor.'],
    [
      'an option without its value',
      ['bob', 'hi', '--wait', '--json'],
      '--wait needs a value: received, delivered or answered.'
    ],
    [
      'an option without its value at the end',
      ['bob', 'hi', '--timeout'],
      '--timeout needs a value: a whole number from 0 to 3600000.'
    ],
    [
      'a value that is not allowed',
      ['bob', 'hi', '--wait', 'read'],
      '--wait is "read": expected received, delivered or answered.'
    ],
    [
      'a number that is none',
      ['bob', 'hi', '--timeout', '1e3'],
      '--timeout is "1e3": expected a whole number from 0 to 3600000.'
    ],
    [
      'a number out of range',
      ['bob', 'hi', '--timeout', '3600001'],
      '--timeout is "3600001": expected a whole number from 0 to 3600000.'
    ],
    ['a switch with a value', ['bob', 'hi', '--json=yes'], '--json is a switch and takes no value.']
  ]
  for (const [what, argv, sentence] of wrong) {
    it(`refuses ${what}`, () => expect(() => check(send, argv)).toThrow(new UsageError(sentence)))
  }

  it('refuses a word that is none of the allowed', () => {
    expect(() => check(trust, ['bob', 'friend'])).toThrow('<level> is "friend": expected blocked, paired or trusted.')
  })

  it('takes any words, or says what is wrong in one printable line', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), argv => {
        try {
          const { args } = check(send, argv)
          expect(argv).toContain(args['target'])
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          expect(String((error as Error).message)).not.toMatch(/\p{Cc}|\p{Cf}/u)
        }
      }),
      { numRuns: 2000 }
    )
  })
})
