import { expect, it } from 'vitest'
import { Alarm } from '../../src/mesh/alarm.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'

it('rings once, at the time set last, and sleeps only while it is set', async () => {
  const clock = new FakeClock()
  const rings: number[] = []
  const alarm = new Alarm({ clock, log: new FakeLog() }, { onDue: () => rings.push(clock.monotonicMs()) })
  alarm.at(1_000)
  alarm.at(500)
  await clock.advance(2_000)
  expect(rings).toEqual([500])
  expect(clock.sleeping).toBe(0)
  alarm.at(3_000)
  alarm.clear()
  await clock.advance(2_000)
  expect(rings).toEqual([500])
  expect(clock.sleeping).toBe(0)
})

it('logs what its callback throws, and can be set again', async () => {
  const clock = new FakeClock()
  const log = new FakeLog()
  let fails = true
  const alarm = new Alarm(
    { clock, log },
    {
      onDue: () => {
        if (fails) throw new Error('disk full')
      }
    }
  )
  alarm.at(10)
  await clock.advance(10)
  expect(log.at('error')).toEqual(['A timer failed.'])
  fails = false
  alarm.at(20)
  expect(alarm.armed).toBe(true)
  await clock.advance(10)
  expect(log.at('error')).toHaveLength(1)
})
