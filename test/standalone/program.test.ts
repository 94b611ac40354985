import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands, packageVersion } from '../../src/commands/index.ts'
import { type ControlServer, controlSocketPath, listenControl } from '../../src/control/socket.ts'
import { runProgram } from '../../src/standalone/program.ts'
import { report } from '../commands/samples.ts'
import { Pipe } from './pipe.ts'

const dir = mkdtempSync(join(tmpdir(), 'libp2p-mesh-program-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

class Text extends Pipe {
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.text += chunk.toString()
    done()
  }
}

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new Text()
  let stderr = ''
  const code = await runProgram(argv, {
    stdout,
    stderr(text) {
      stderr += text
    },
    input: (async function* () {})(),
    exit: () => expect.fail('exit')
  })
  return { code, stdout: stdout.text, stderr }
}

describe('the program', () => {
  it('helps, with an example of each command', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    for (const command of commands) {
      expect(stdout).toContain(command.summary.split(',')[0])
      expect(stdout).toContain(`  libp2p-mesh ${command.example} --state ./alice\n`)
    }
    expect(stdout).toContain('  libp2p-mesh node --state')
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
    expect((await run('send', '--help')).stdout).toContain('Usage: libp2p-mesh send <target> <text> [options]')
    expect((await run('node', '-h')).stdout).toContain('--config <file>')
    expect(await run('--version')).toEqual({ code: 0, stdout: `${packageVersion()}\n`, stderr: '' })
  })

  const wrong: [string[], string][] = [
    [[], 'No command given; see libp2p-mesh --help.'],
    [['sned'], '"sned" is no command of libp2p-mesh; see libp2p-mesh --help.'],
    [['constructor'], '"constructor" is no command of libp2p-mesh; see libp2p-mesh --help.'],
    [
      ['status'],
      'status needs --state <dir>: the state directory of the instance, for example libp2p-mesh status --state ./alice.'
    ],
    [
      ['status', '--state', ''],
      'status needs --state <dir>: the state directory of the instance, for example libp2p-mesh status --state ./alice.'
    ],
    [
      ['node'],
      'node needs --state <dir>: the state directory of the instance, for example libp2p-mesh node --state ./alice.'
    ],
    [['node', '--state', 'x', 'y'], 'node takes options only, and "y" is a word.'],
    [['node', '--state', 'x', '--json'], 'node has no option --json.'],
    [['send', 'bob', '--state', 'x'], 'send needs <text>: the text, or - for standard input.'],
    [['--state', 'x'], 'No command given; see libp2p-mesh --help.'],
    [['--state=x'], 'No command given; see libp2p-mesh --help.'],
    [
      ['send', 'bob', '--', '--help'],
      'send needs --state <dir>: the state directory of the instance, for example libp2p-mesh send --state ./alice.'
    ]
  ]
  for (const [argv, sentence] of wrong) {
    it(`refuses "${argv.join(' ')}" as wrong use`, async () => {
      expect(await run(...argv)).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` })
    })
  }

  it('says where no mesh is running, and how to start it', async () => {
    const state = join(dir, 'nobody')
    const expected = {
      code: 1,
      stdout: '',
      stderr: `No mesh is running in ${state}; start it: libp2p-mesh --state ${state} node.\n`
    }
    expect(await run('status', '--state', state)).toEqual(expected)
    expect(await run('--state', state, 'status', '--json')).toEqual(expected)
    expect(await run(`--state=${state}`, 'status')).toEqual(expected)
  })
})

describe('settings of a node', () => {
  async function start(text: string): Promise<string> {
    const file = join(dir, 'settings.json')
    writeFileSync(file, text)
    const { code, stdout, stderr } = await run('node', '--state', join(dir, 'state'), '--config', file)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.startsWith(`In ${file}, `) || stderr.startsWith(`The settings file ${file} `)).toBe(true)
    expect(stderr.match(/\n/g)).toHaveLength(1)
    return stderr
  }

  it('are refused with the path, the value and what is allowed', async () => {
    expect(await start('{"dmPolicy":"everyone"}')).toMatch(/settings\.dmPolicy is "everyone".*pairing/)
    expect(await start('{"listenAddrs":["tcp:4001"]}')).toMatch(
      /settings\.listenAddrs\.0 is "tcp:4001": expected a multiaddr/
    )
    expect(await start('{"replyCommand":[]}')).toMatch(/settings\.replyCommand is \[\]/)
    expect(await start('{"colour":1}')).toMatch(/no setting "colour"/)
  })

  it('are refused when the file is no JSON object', async () => {
    expect(await start('{')).toContain('is not JSON')
    expect(await start('[]')).toContain('is not an object')
    const { code, stderr } = await run('node', '--state', dir, '--config', join(dir, 'missing.json'))
    expect(code).toBe(2)
    expect(stderr).toContain('cannot be read (ENOENT)')
  })
})

describe('with a mesh that serves the directory', () => {
  let server: ControlServer

  beforeAll(async () => {
    mkdirSync(join(dir, 'libp2p'))
    server = await listenControl(controlSocketPath(dir), { status: async () => report })
  })
  afterAll(() => server.close())

  it('asks it', async () => {
    expect(JSON.parse((await run('status', '--state', dir, '--json')).stdout)).toEqual(report)
  })

  it('does not start a second node', async () => {
    const { code, stdout, stderr } = await run('node', '--state', dir)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `The state directory is in use by another process (${dir}); stop that one, or choose another directory.\n`
    )
  })
})

it('does not load the engine for a command', () => {
  const root = fileURLToPath(new URL('../../src/', import.meta.url))
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)(?! type)\b[^'"]*['"](\.[^'"]+)['"]/gm)
    for (const [, path = ''] of imports) visit(resolve(dirname(file), path))
  }
  visit(join(root, 'standalone/main.ts'))
  const rooms = new Set([...loaded].map(file => file.slice(root.length).split('/')[0]))
  expect([...rooms].sort()).toEqual(['commands', 'control', 'mesh', 'protocol', 'settings', 'standalone'])
  expect([...loaded].filter(file => file.includes('/mesh/'))).toEqual([join(root, 'mesh/errors.ts')])
  expect(readdirSync(root)).toContain('engine')
})
