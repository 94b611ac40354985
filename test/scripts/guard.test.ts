import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const GUARD = fileURLToPath(new URL('../../scripts/guard.mjs', import.meta.url))

function runAs(version: string): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); await import(${JSON.stringify(GUARD)})`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', pretend], { encoding: 'utf8' })
}

describe('the guard before the scripts', () => {
  it.each(['24.16.0', '24.21.0', '26.1.0'])('lets Node %s through without a word', version => {
    expect(runAs(version)).toMatchObject({ status: 0, stderr: '' })
  })

  it.each(['20.20.2', '22.22.0', '24.15.9'])('stops Node %s with a sentence that names the way out', version => {
    const { status, stderr } = runAs(version)
    expect(status).toBe(1)
    expect(stderr).toContain(`needs Node >= 24.16, this is ${version}`)
    expect(stderr).toContain('npm ci')
  })
})
