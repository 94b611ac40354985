import type { OpenClawConfig } from 'openclaw/plugin-sdk/channel-core'
import { describe, expect, it } from 'vitest'
import { resolveAccount, settingsBlock } from '../../src/openclaw/account-config.ts'

/** Anything that a person may have written. */
function config(channel: unknown, entry?: unknown): OpenClawConfig {
  return {
    ...(channel !== undefined && { channels: { 'libp2p-mesh': channel } }),
    ...(entry !== undefined && { plugins: { entries: { 'libp2p-mesh': { enabled: true, config: entry } } } })
  } as OpenClawConfig
}

describe('the account of the configuration', () => {
  it('is neither configured nor enabled while nobody wrote a block', () => {
    expect(settingsBlock({} as OpenClawConfig)).toBeUndefined()
    expect(resolveAccount({} as OpenClawConfig)).toEqual({
      accountId: 'default',
      enabled: false,
      configured: false,
      pending: [],
      config: { dmPolicy: 'pairing', allowFrom: [] }
    })
  })

  it('S-32: takes the channel block before the plugin entry, key by key', () => {
    const cfg = config({ meshTopic: 'channel' }, { meshTopic: 'entry', name: 'from-entry', discoverRelays: 1 })
    expect(settingsBlock(cfg)).toEqual({ meshTopic: 'channel', name: 'from-entry', discoverRelays: 1 })
    expect(resolveAccount(cfg)).toMatchObject({
      enabled: true,
      configured: true,
      settings: { meshTopic: 'channel', name: 'from-entry' },
      pending: ['discoverRelays']
    })
  })

  it('is there with a plugin entry alone', () => {
    expect(resolveAccount(config(undefined, { name: 'entry' }))).toMatchObject({
      configured: true,
      settings: { name: 'entry' }
    })
  })

  it('names a wrong setting where it stands', () => {
    expect(resolveAccount(config({ name: 'ok' }, { name: 7, discovery: 7 })).problem).toMatch(
      /^plugins\.entries\.libp2p-mesh\.config\.discovery is 7/
    )
  })

  it('shows the policy where the host audits it', () => {
    const { config: audited } = resolveAccount(
      config({ dmPolicy: 'allowlist', allowFrom: ['k5xq-3abc-defg-hijk-lmno-pqrs'] })
    )
    expect(audited).toEqual({ dmPolicy: 'allowlist', allowFrom: ['k5xq-3abc-defg-hijk-lmno-pqrs'] })
  })

  it.each([
    [{ discovery: 'pigeon' }, true, /^channels\.libp2p-mesh\.discovery is "pigeon"/],
    [{ enabled: false, nonsense: 1 }, false, /has no setting "nonsense"/],
    [{ dmPolicy: 'open' }, true, /dmPolicy is "open"/]
  ])('S-32: %j is a problem in one sentence, without settings', (block, enabled, problem) => {
    const account = resolveAccount(config(block))
    expect(account).toMatchObject({ enabled, configured: true, config: { dmPolicy: 'pairing', allowFrom: [] } })
    expect(account.settings).toBeUndefined()
    expect(account.problem).toMatch(problem)
    expect(account.problem).not.toContain('\n')
  })

  it('D-23: names the way out where settings of the predecessor are left', () => {
    const account = resolveAccount(config({ discovery: 'mdns' }, { enableDHT: true, inboundTargets: [] }))
    expect(account.settings).toBeUndefined()
    expect(account.problem).toBe(
      'The configuration has settings of the predecessor (inboundTargets, enableDHT); "openclaw doctor --fix" moves what is still used and says what to do about the rest.'
    )
  })

  it.each([[null], [[]], ['yes'], [7]])('takes %j for no block at all', block => {
    expect(resolveAccount(config(block)).configured).toBe(false)
  })
})
