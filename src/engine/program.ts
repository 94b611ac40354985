import { argument } from '../control/argument.ts'
import { underOpenClaw } from '../control/program.ts'

/** How command lines start that notices advise: people paste them, so the state directory is quoted where it has to be. */
export function adviceProgram(program: string, stateDir: string): string {
  return underOpenClaw(program) ? 'openclaw p2p' : `libp2p-mesh --state ${argument(stateDir)}`
}
