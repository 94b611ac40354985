import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HostConfig } from './host-config.ts'
import type { Sandbox } from './sandbox.ts'

const POLL_MS = 20
/** A cold first turn of a gateway took 8 s. */
const WAIT_LIMIT_MS = 30_000

/** One line of the journal. `attempt`: the host called the channel; `sent`: the human can read the text. */
export interface FakeChatRow {
  /** Unix time in ms. */
  readonly at: number
  readonly event: 'attempt' | 'sent'
  readonly to: string
  readonly text: string
  /** Of an attempt: how the channel was going to behave. */
  readonly mode?: FakeChatMode
  /** Of a sent text; empty in mode `no-id`. */
  readonly messageId?: string
}

/** `throw`: refuses each text; `hang`: never answers; `silent`: takes it and never says so; `no-id`: takes it but returns no message id. Set by RPC `fakechat.mode`. */
export type FakeChatMode = 'ok' | 'throw' | 'hang' | 'silent' | 'no-id'

/** The second channel of a gateway. Humans write with RPC `fakechat.inject {from, text}`, which answers after the turn. */
export interface FakeChat {
  /** For `pluginPaths`. */
  readonly pluginPath: string
  /** For `channels.fakechat`. */
  readonly settings: HostConfig
  rows(): Promise<FakeChatRow[]>
  /** Resolves with the first sent row, past or future, that `test` accepts. Rejects after `timeoutMs`. */
  waitForSent(test: (row: FakeChatRow) => boolean, options?: { timeoutMs?: number }): Promise<FakeChatRow>
}

/** @param name of the gateway that is going to have it. */
export async function createFakeChat(sandbox: Sandbox, name: string): Promise<FakeChat> {
  const journal = join(await sandbox.folder(name), 'fakechat.jsonl')
  const rows = async (): Promise<FakeChatRow[]> => {
    const text = await readJournal(journal)
    // A line that is still being written has no end yet.
    return text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as FakeChatRow)
  }
  return {
    pluginPath: fileURLToPath(new URL('../../fixtures/fakechat', import.meta.url)),
    settings: { journal },
    rows,
    async waitForSent(test, { timeoutMs = WAIT_LIMIT_MS } = {}) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const found = (await rows()).find(row => row.event === 'sent' && test(row))
        if (found !== undefined) return found
        if (performance.now() > deadline)
          throw new Error(`fakechat of ${name} was not sent such a text in ${timeoutMs} ms`)
        await new Promise(resolve => setTimeout(resolve, POLL_MS))
      }
    }
  }
}

async function readJournal(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    // It is created by the first text.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
