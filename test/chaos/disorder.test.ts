import { expect, it } from 'vitest'
import { Disorder } from './seams/disorder.ts'

const FRAMES = 200

it('repeats frames, lets them change places and loses none of them', async () => {
  const disorder = new Disorder({ seed: 5 })
  disorder.begin('peer')
  const arrived: number[] = []
  for (let frame = 0; frame < FRAMES; frame++) disorder.pass('peer', () => arrived.push(frame))
  await expect.poll(() => new Set(arrived).size).toBe(FRAMES)
  expect(arrived.length).toBeGreaterThan(FRAMES)
  const first = [...new Set(arrived)]
  expect(first).not.toEqual(first.toSorted((a, b) => a - b))
})

it('loses with the link what it holds back', async () => {
  const disorder = new Disorder({ seed: 5 })
  disorder.begin('peer')
  const arrived: number[] = []
  for (let frame = 0; frame < FRAMES; frame++) disorder.pass('peer', () => arrived.push(frame))
  const before = arrived.length
  expect(new Set(arrived).size).toBeLessThan(FRAMES)
  disorder.end('peer')
  disorder.pass('peer', () => arrived.push(FRAMES))
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(arrived).toHaveLength(before)
})
