import type { Issues } from './issues.ts'

/** Where to listen: as the settings say, and for WebSockets beside each TCP address where they name none. Those that cannot be are said in the issues. */
export function listenList(
  list: string[],
  { issues }: { issues: Issues },
  { webSocket }: { webSocket: boolean }
): string[] {
  if (!webSocket) {
    return list.filter(address => {
      if (!isWebSocket(address)) return true
      issues.report(address, `Cannot listen on ${address}: the setting enableWebSocket is off.`)
      return false
    })
  }
  if (list.some(isWebSocket)) return list
  const hosts = list.flatMap(address => /^(\/ip[46]\/[^/]+)\/tcp\/\d+$/.exec(address)?.[1] ?? [])
  return [...list, ...[...new Set(hosts)].map(host => `${host}/tcp/0/ws`)]
}

function isWebSocket(address: string): boolean {
  return /\/wss?(?:\/|$)/.test(address)
}
