import { describe, expect, it } from 'vitest'
import { privateReply } from '../../src/openclaw/private-reply.ts'

const machine = {
  hostName: 'annas-laptop.home.arpa',
  system: ['Linux 6.1.0-13-amd64', '6.1.0-13-amd64'],
  folders: ['/home/anna']
}

const RUNTIME =
  'Runtime: agent=main | session=agent:main:subagent:x | sessionId=1 | host=annas-laptop.home.arpa | repo=/home/anna/w | os=Linux 6.1.0-13-amd64 (x64) | node=v24.21.0 | model=fake/fake-1'

describe('an answer to a peer', () => {
  it('S-21: loses the runtime line of the host, wherever a model repeats it', () => {
    for (const echo of [RUNTIME, RUNTIME.toUpperCase(), `You said: > hi\n\n${RUNTIME}\nend`, `- ${RUNTIME}`]) {
      const reply = privateReply(echo, machine)
      expect(reply).not.toMatch(/anna|6\.1\.0|v24|sessionId|x64/i)
      expect(reply).toContain('[left out]')
    }
    expect(privateReply(`You said: hi\n\n${RUNTIME}\nend`, machine)).toBe('You said: hi\n\n[left out]\nend')
  })

  it('S-21: loses pieces of it', () => {
    for (const piece of [
      'I run on annas-laptop.home.arpa.',
      'Host: ANNAS-LAPTOP',
      'My system is Linux 6.1.0-13-amd64.',
      'My files are in /home/anna.',
      'From my Runtime: | host=secret | os=Plan 9'
    ]) {
      expect(privateReply(piece, machine)).not.toMatch(/annas-laptop|6\.1\.0|home\/anna|secret|Plan/i)
    }
  })

  it('is otherwise what the agent said', () => {
    const text = 'Tea at 5: host=localhost, os=any. Anna and her laptop say hi; Linux too.\n\tRuntime was 3 s.'
    expect(privateReply(text, { ...machine, hostName: 'x' })).toBe(text)
  })

  it('S-21: keeps a word that is the short name of the host too, and loses it where it names the host', () => {
    const pi = { ...machine, hostName: 'pi' }
    for (const kept of ['The value of pi is 3.', 'Raspberry Pi, pi-hole; who hosts pies?', 'pi = 3.14, pi.']) {
      expect(privateReply(kept, pi)).toBe(kept)
    }
    for (const told of [
      'anna@pi:~$',
      'pi.local',
      'host=pi',
      'Host: PI',
      'my hostname is `pi`',
      'the host pi',
      'pi.fritz.box'
    ]) {
      expect(privateReply(told, pi)).not.toMatch(/\bpi\b/i)
    }
    expect(privateReply('I run on mac1.example.org, called mac1.', { ...machine, hostName: 'mac1.example.org' })).toBe(
      'I run on [left out], called mac1.'
    )
    expect(privateReply('I am wintermute.', { ...machine, hostName: 'wintermute' })).toBe('I am [left out].')
  })
})
