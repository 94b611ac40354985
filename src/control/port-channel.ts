import type { Channel } from './rpc.ts'

/** What a MessagePort and a Worker have in common. */
export interface PortLike {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'close' | 'exit', listener: () => void): unknown
}

/** A thread's port, or the worker at its other end, as a channel. The thread's owner ends the thread; closing here only stops the calls. */
export function portChannel(port: PortLike, closed: 'close' | 'exit' = 'close'): Channel {
  return {
    post: message => port.postMessage(message),
    onMessage: listener => void port.on('message', listener),
    onClose: listener => void port.once(closed, listener),
    close: () => undefined
  }
}
