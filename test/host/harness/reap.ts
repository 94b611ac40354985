import { readdirSync, readFileSync, rmSync } from 'node:fs'

// Everything here is synchronous: it also runs inside `exit` and signal handlers, where nothing can be awaited.

const PROC = '/proc'

/**
 * Process ids whose environment mentions `root`. Every process of a sandbox has its HOME below the root, so this also
 * finds grandchildren that left their process group. Empty where there is no /proc.
 */
export function processesOf(root: string): number[] {
  const found: number[] = []
  for (const entry of listDirectory(PROC)) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    if (readEnvironment(pid).includes(`HOME=${root}/`) && isAlive(pid)) found.push(pid)
  }
  return found
}

/** Kills the given process groups and whatever else belongs to `root`, then removes `root`. */
export function reap(root: string, groups: Iterable<number>): void {
  for (const pid of groups) kill(-pid)
  for (const pid of processesOf(root)) kill(pid)
  // A dying process may still create a file while the tree is being removed.
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** Sends `signal` to a process, or to a process group where `pid` is negative; false when there is none. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** False for a process that has ended, also while its parent has not collected it yet (a zombie). */
export function isAlive(pid: number): boolean {
  let stat: string
  try {
    stat = readFileSync(`${PROC}/${pid}/stat`, 'utf8')
  } catch {
    // No such entry: the process has ended, or this system has no /proc and only a signal can tell.
    return listDirectory(PROC).length === 0 && canSignal(pid)
  }
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
  return state !== 'Z' && state !== 'X'
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function readEnvironment(pid: number): string {
  try {
    return readFileSync(`${PROC}/${pid}/environ`, 'latin1')
  } catch {
    // Ended meanwhile, or owned by somebody else: in both cases not ours.
    return ''
  }
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
