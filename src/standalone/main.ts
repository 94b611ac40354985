import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

/** The program in a real process. */
export async function main(): Promise<void> {
  // A reader that has gone, as in `... | head`, ends the output, not with a crash; a node hears of it by itself.
  process.stdout.on('error', () => undefined)
  const code = await runProgram(process.argv.slice(2), processTerminal())
  // Standard output may still hold a part of the result: end when it is written, and not before.
  process.stdout.write('', () => process.exit(code))
}
