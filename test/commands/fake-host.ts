import type { CommandHost } from '../../src/commands/index.ts'
import type { ControlClient } from '../../src/control/client.ts'
import type { Method, Params, Result } from '../../src/control/methods.ts'

export type Answers = { [M in Method]?: (params: Params<M>) => Result<M> | Promise<Result<M>> }

export interface FakeHost extends CommandHost {
  /** Everything printed so far. */
  readonly printed: { stdout: string; stderr: string }
  readonly calls: Array<{ method: Method; params: unknown }>
  closed: number
}

/** A host whose mesh answers as told and whose terminal is two strings. */
export function fakeHost(answers: Answers = {}, { input = '', program = 'openclaw p2p' } = {}): FakeHost {
  const printed = { stdout: '', stderr: '' }
  const calls: FakeHost['calls'] = []
  const client: ControlClient = {
    async call(method, params) {
      calls.push({ method, params })
      const answer = answers[method] as ((params: unknown) => unknown) | undefined
      if (answer === undefined) throw new Error(`the test has no answer to ${method}`)
      return (await answer(params)) as Result<typeof method>
    },
    async close() {
      host.closed += 1
    }
  }
  const host: FakeHost = {
    program,
    printed,
    calls,
    closed: 0,
    connect: async () => client,
    stdout(text) {
      printed.stdout += text
    },
    stderr(text) {
      printed.stderr += text
    },
    input: stream(input)
  }
  return host
}

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  // Byte by byte: characters of several bytes arrive in pieces.
  for (const byte of new TextEncoder().encode(text)) yield Uint8Array.of(byte)
}
