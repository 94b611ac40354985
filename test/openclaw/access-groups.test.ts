import type { OpenClawConfig } from 'openclaw/plugin-sdk/channel-core'
import { describe, expect, it } from 'vitest'
import { withAccessGroups, withNotifiedGroups } from '../../src/openclaw/access-groups.ts'
import { resolveAccount } from '../../src/openclaw/account-config.ts'

const DORA = 'dora-dora-dora-dora-dora-dora'

const cfg = {
  accessGroups: {
    friends: { type: 'message.senders', members: { '*': [' ana '], 'libp2p-mesh': ['ben', '*'], telegram: ['carl'] } },
    others: { type: 'message.senders', members: { telegram: ['carl'] } },
    room: { type: 'discord.channelAudience', guildId: '1', channelId: '2' }
  },
  channels: { 'libp2p-mesh': { dmPolicy: 'allowlist', allowFrom: [DORA, 'accessGroup:friends'] } }
} as OpenClawConfig

describe('access groups of the host', () => {
  it('stand for their members of every channel and of this one; a star among them opens nothing', () => {
    expect(withAccessGroups(['dora', 'accessGroup:friends'], cfg)).toEqual(['dora', 'ana', 'ben'])
  })

  it.each(['others', 'room', 'missing', '__proto__', ''])('%j lets nobody in and stays to be complained of', name => {
    expect(withAccessGroups([`accessGroup:${name}`], cfg)).toEqual([`accessGroup:${name}`])
    expect(withAccessGroups([`accessGroup:${name}`], {})).toEqual([`accessGroup:${name}`])
  })

  it('S-32: count in the settings of the account, while the audit of the host reads what was written', () => {
    const { settings, config } = resolveAccount(cfg)
    expect(settings?.allowFrom).toEqual([DORA, 'ana', 'ben'])
    expect(config.allowFrom).toEqual([DORA, 'accessGroup:friends'])
  })

  it('S-21: count in notifyOnly too, where a star in a group and a list too long mean everybody', () => {
    const notified = (notifyOnly: string[]) =>
      resolveAccount({ ...cfg, channels: { 'libp2p-mesh': { notifyOnly } } } as OpenClawConfig).settings?.notifyOnly
    expect(notified([DORA, 'accessGroup:friends', 'accessGroup:missing'])).toEqual([
      DORA,
      'ana',
      'ben',
      '*',
      'accessGroup:missing'
    ])
    const many = {
      ...cfg,
      accessGroups: { all: { type: 'message.senders', members: { '*': Array(5_000).fill('x') } } }
    }
    expect(withNotifiedGroups(['accessGroup:all'], many as OpenClawConfig)).toEqual(['*'])
  })
})
