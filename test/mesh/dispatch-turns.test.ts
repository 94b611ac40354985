import { expect, it } from 'vitest'
import { DISPATCHES_MAX } from '../../src/mesh/dispatch.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { ana, dispatchWorld } from './dispatch-world.ts'

const ROWS = 200

it('a crowd of messages for a display that answers at once leaves turns of the event loop to everybody else', async () => {
  const display = new FakeDisplay()
  const { keep, dispatch, start, stop } = dispatchWorld({ display })
  for (let row = 0; row < ROWS; row++) {
    const conversation = (row % (2 * DISPATCHES_MAX)).toString(16).padStart(32, '0')
    dispatch.add(await keep(ana, `${row}`, { conversation }))
  }
  start()
  for (let before = 0; before < ROWS; ) {
    await new Promise(resolve => setImmediate(resolve))
    expect(display.shown.length - before).toBeLessThanOrEqual(2 * DISPATCHES_MAX)
    before = display.shown.length
  }
  expect(display.shown).toHaveLength(ROWS)
  await stop()
})
