import { execFileSync } from 'node:child_process'
import { ip } from './ip.ts'

/** Why there can be no lab on this machine; undefined where there can. */
export function missing(...programs: string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const absent = ['ip', ...programs].filter(program => !isThere(program))
  if (absent.length > 0) return `needs ${absent.join(', ')}`
  return mayMakeNamespaces() ? undefined : 'may make no network namespace here'
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Root in a container often may not. */
function mayMakeNamespaces(): boolean {
  const name = `lm${process.pid}x0-try`
  try {
    ip('netns', 'add', name)
  } catch {
    return false
  }
  ip('netns', 'del', name)
  return true
}
