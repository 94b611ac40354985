import { describe, expect, it } from 'vitest'
import { complete, type Lock } from '../../scripts/complete-lock.ts'

function lockOf(builds: Record<string, string>, packages: Lock['packages'] = {}): Lock {
  return { packages: { '': {}, 'node_modules/tool': { version: '1.0.0', optionalDependencies: builds }, ...packages } }
}

describe('complete', () => {
  it('adds a build that the registry did not carry, for its platform only', () => {
    const lock = lockOf({ '@tool/binding-linux-x64-musl': '1.0.0', '@tool/binding-win32-arm64-msvc': '1.0.0' })
    expect(complete(lock)).toEqual([
      'node_modules/@tool/binding-linux-x64-musl',
      'node_modules/@tool/binding-win32-arm64-msvc'
    ])
    expect(lock.packages).toMatchObject({
      'node_modules/@tool/binding-linux-x64-musl': { version: '1.0.0', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
      'node_modules/@tool/binding-win32-arm64-msvc': { version: '1.0.0', os: ['win32'], cpu: ['arm64'] }
    })
    expect(complete(lock)).toEqual([])
  })

  it('leaves alone what is locked, beside its parent or above it', () => {
    const build = { version: '1.0.0', integrity: 'sha512-a' }
    const above = lockOf({ 'tool-darwin-x64': '1.0.0' }, { 'node_modules/tool-darwin-x64': build })
    const beside = lockOf({ 'tool-darwin-x64': '1.0.0' }, { 'node_modules/tool/node_modules/tool-darwin-x64': build })
    expect([complete(above), complete(beside)]).toEqual([[], []])
  })

  it('refuses to guess the platform of a package whose name tells none', () => {
    expect(() => complete(lockOf({ fsevents: '2.0.0' }))).toThrow('fsevents is not locked')
  })
})
