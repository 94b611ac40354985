import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sandbox } from '../host/harness/sandbox.ts'
import type { Router } from './router.ts'
import { until } from './until.ts'

const START_MAX_MS = 10_000

/** Debian puts it where only root looks for programs. */
export const UPNP_DAEMON = '/usr/sbin/miniupnpd'

/** UPnP of a router as homes have it: whoever is in the network behind may open ports, to itself only. */
export async function startUpnp(router: Router, sandbox: Sandbox): Promise<void> {
  const folder = await sandbox.folder(`upnp-${router.name}`)
  const file = join(folder, 'miniupnpd.conf')
  const lines = [
    'ext_ifname=wan',
    'listening_ip=lan',
    'enable_upnp=yes',
    'enable_natpmp=yes',
    'secure_mode=yes',
    'ipv6_disable=yes',
    'uuid=6ad1f0f4-43c2-4a6b-9b1e-2c5d0c7a9d10',
    `allow 1024-65535 ${router.network} 1024-65535`,
    'deny 0-65535 0.0.0.0/0 0-65535'
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const daemon = await router.start(UPNP_DAEMON, ['-d', '-f', file, '-P', join(folder, 'pid')])
  await until(
    () => `miniupnpd:\n${daemon.stderr()}`,
    START_MAX_MS,
    () => daemon.stderr().includes('HTTP listening') || undefined
  )
}
