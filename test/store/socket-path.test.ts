import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prepareSocketPath } from '../../src/store/index.ts'
import { temporaryDirectory } from './temporary.ts'

describe('prepareSocketPath', () => {
  it('makes the directory private', () => {
    const directory = join(temporaryDirectory(), 'run')
    prepareSocketPath(join(directory, 'control.sock'))
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
  })

  it('takes away the socket of a process that is gone, so that listening works', async () => {
    const path = join(temporaryDirectory(), 'control.sock')
    const listen = async () => {
      const server = createServer()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject)
      server.listen(path, resolve)
      await promise
      return server
    }
    // A socket that still has its name: what a kill leaves behind.
    const dead = await listen()
    await expect(listen()).rejects.toThrow('EADDRINUSE')
    prepareSocketPath(path)
    const server = await listen()
    server.close()
    dead.close()
  })

  it('leaves a file of another kind alone', () => {
    const path = join(temporaryDirectory(), 'control.sock')
    writeFileSync(path, 'text')
    prepareSocketPath(path)
    expect(readFileSync(path, 'utf8')).toBe('text')
  })

  it('refuses a directory that others can enter, and a link', () => {
    const directory = join(temporaryDirectory(), 'run')
    mkdirSync(directory)
    chmodSync(directory, 0o755)
    expect(() => prepareSocketPath(join(directory, 'control.sock'))).toThrow('store_failed')
    chmodSync(directory, 0o700)
    const link = `${directory}-link`
    symlinkSync(directory, link)
    expect(() => prepareSocketPath(join(link, 'control.sock'))).toThrow('not a private directory')
    expect(existsSync(join(directory, 'control.sock'))).toBe(false)
  })
})
