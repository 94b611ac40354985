import { expect, it } from 'vitest'
import { adviceProgram } from '../../src/engine/program.ts'

it.each([
  ['openclaw gateway', '/home/anna/mesh', 'openclaw p2p'],
  ['libp2p-mesh 0.3.0', '/home/anna/mesh', 'libp2p-mesh --state /home/anna/mesh'],
  ['libp2p-mesh 0.3.0', '/home/anna/my mesh; rm -rf ~', "libp2p-mesh --state '/home/anna/my mesh; rm -rf ~'"]
])('S2.5: what a notice of %s in %s advises can be pasted: %s', (program, stateDir, advised) => {
  expect(adviceProgram(program, stateDir)).toBe(advised)
})
