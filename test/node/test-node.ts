import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Log, Network } from '../../src/mesh/ports.ts'
import { createNode, type NodeInit } from '../../src/node/index.ts'

export interface LogLine {
  level: string
  message: string
  fields: Record<string, unknown>
}

/** A node on loopback with a key of its own, mDNS off, and the lines that it logs. */
export async function testNode(
  init: Partial<NodeInit> = {},
  key?: Uint8Array
): Promise<{ node: Network; log: LogLine[]; key: Uint8Array }> {
  const log: LogLine[] = []
  const privateKeyProtobuf = key ?? privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  const node = await createNode(
    { privateKeyProtobuf, log: logInto(log) },
    {
      listenAddrs: ['/ip4/127.0.0.1/tcp/0'],
      announceAddrs: [],
      discovery: 'bootstrap',
      bootstrapList: [],
      topics: ['mesh'],
      ...init
    }
  )
  return { node, log, key: privateKeyProtobuf }
}

export function logInto(lines: LogLine[]): Log {
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      lines.push({ level, message, fields })
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
