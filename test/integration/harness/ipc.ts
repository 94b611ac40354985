import type { ChildProcess } from 'node:child_process'
import { portChannel } from '../../../src/control/port-channel.ts'
import { Rpc, type RpcHandler } from '../../../src/control/rpc.ts'

/** Calls between a test and a process that it forked; each side answers by its handlers. */
type Handlers = Record<string, RpcHandler>

/** The test's side; its calls fail when the process ends. */
export function rpcToChild(child: ChildProcess, handlers: Handlers): Rpc {
  const channel = portChannel({
    postMessage: message => void child.send(message as object),
    on: (event, listener) => child.on(event, listener),
    once: (_event, listener) => child.once('exit', listener)
  })
  return new Rpc({ channel }, { handlers })
}

/** The side of the forked process, which does not outlive who forked it. */
export function rpcToParent(handlers: Handlers): Rpc {
  const channel = portChannel({
    postMessage: message => void process.send?.(message),
    on: (event, listener) => process.on(event, listener),
    once: (_event, listener) => process.once('disconnect', listener)
  })
  process.once('disconnect', () => process.exit())
  return new Rpc({ channel }, { handlers })
}
