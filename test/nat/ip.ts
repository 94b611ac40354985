import { execFileSync } from 'node:child_process'

/** The program `ip`, outside of every namespace unless `-n` names one. */
export function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
