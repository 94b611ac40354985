import { type ChildProcess, spawn } from 'node:child_process'
import { TEXT_MAX_BYTES } from '../protocol/index.ts'

/** A model call with tools takes minutes; ten are enough for anything that a peer should wait for. */
const COMMAND_MAX_MS = 10 * 60 * 1000

/** Output that a reply has no room for. */
const OUTPUT_MAX_BYTES = TEXT_MAX_BYTES

export type CommandOutcome =
  /** Without line breaks at the end; empty for no answer. */
  { type: 'replied'; reply: string } | { type: 'failed'; detail: string } | { type: 'interrupted' }

export interface ReplyCommandOptions {
  env?: Record<string, string>
  /** Called once the program runs. */
  started?: () => void
  /** Longest time, ms. */
  maxMs?: number
  signal?: AbortSignal
}

/**
 * Runs a program with the text on its standard input and takes its standard output as the reply; its standard error is ours. Whatever happens,
 * the program and what it started have ended when this returns.
 */
export async function runReplyCommand(
  argv: readonly string[],
  text: string,
  options: ReplyCommandOptions = {}
): Promise<CommandOutcome> {
  const [program = '', ...args] = argv
  const { promise, resolve } = Promise.withResolvers<CommandOutcome>()
  if (options.signal?.aborted === true) return { type: 'interrupted' }
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
    // A process group of its own, so that its children end with it.
    detached: process.platform !== 'win32',
    windowsHide: true
  })
  const end = (outcome: CommandOutcome): void => {
    resolve(outcome)
    killGroup(child)
  }
  const timer = setTimeout(
    () => end({ type: 'failed', detail: 'the reply command took too long' }),
    options.maxMs ?? COMMAND_MAX_MS
  )
  const abort = (): void => end({ type: 'interrupted' })
  options.signal?.addEventListener('abort', abort, { once: true })

  const output: Buffer[] = []
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > OUTPUT_MAX_BYTES)
      end({ type: 'failed', detail: `the reply command printed more than ${OUTPUT_MAX_BYTES} bytes` })
    else output.push(chunk)
  })
  child.once('spawn', () => options.started?.())
  child.once('error', error => end({ type: 'failed', detail: `the reply command cannot be run: ${error.message}` }))
  child.once('close', (code, signal) => end(conclude(code, signal, Buffer.concat(output))))
  // A program may end, or answer, without having read all of its input.
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(text)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', abort)
  }
}

function conclude(code: number | null, signal: NodeJS.Signals | null, output: Buffer): CommandOutcome {
  if (code !== 0) return { type: 'failed', detail: `the reply command ended with ${signal ?? `exit code ${code}`}` }
  try {
    return { type: 'replied', reply: new TextDecoder('utf-8', { fatal: true }).decode(output).replace(/[\r\n]+$/, '') }
  } catch {
    return { type: 'failed', detail: 'the reply command printed something that is not UTF-8' }
  }
}

/** What the system says of a group whose members have all ended: gone, or, on macOS, nobody left who may be told. */
const ENDED = new Set(['ESRCH', 'EPERM'])

/** Ends the program and everything in its process group; one that has ended already is no error. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (!ENDED.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
