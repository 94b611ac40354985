import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { planted } from '../test/fixtures/planted.ts'
import { WEAKNESSES } from '../test/hostile/weaknesses.ts'

/**
 * `node scripts/plant.ts [S-01 ...]`: shows that each case of the hostile suite can fail. In a copy of the sources, one weakness at a time is planted, and
 * the case that names it has to notice; the last line says how many did. Takes some minutes, so CI does not run it.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COPIED = [
  'src',
  'scripts',
  'test',
  'docs',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'openclaw.plugin.json',
  'README.md',
  'LICENSE'
]

/** A case has 120 s, a build a few. */
const RUN_MAX_MS = 240_000

interface Report {
  testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[]
}

const asked = process.argv.slice(2)
const all = Object.entries(WEAKNESSES).filter(([item]) => asked.length === 0 || asked.includes(item))
const copy = mkdtempSync(join(tmpdir(), 'planted-'))
let noticed = 0
try {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  for (const [item, { what, changes }] of all) {
    const kept = new Map(changes.map(({ file }) => [file, readFileSync(join(copy, file), 'utf8')]))
    for (const [file, text] of planted(copy, changes)) writeFileSync(join(copy, file), text)
    const { failed, message } = run(item)
    if (failed) noticed++
    console.log(`${failed ? 'noticed' : 'NOT NOTICED'}  ${item}  ${what}: ${message}`)
    for (const [file, text] of kept) writeFileSync(join(copy, file), text)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
console.log(`${noticed} of ${all.length} noticed`)
process.exitCode = noticed === all.length ? 0 : 1

/** Runs the case of this item; it builds the changed sources first. */
function run(item: string): { failed: boolean; message: string } {
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const words = ['run', '--project', 'hostile', '-t', `${item}:`, '--reporter=json', `--outputFile=${report}`]
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  spawnSync(process.execPath, [vitest, ...words], { cwd: copy, stdio: 'ignore', timeout: RUN_MAX_MS })
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  const own = testResults.flatMap(file => file.assertionResults).filter(({ title }) => title.startsWith(`${item}:`))
  const failed = own.filter(({ status }) => status === 'failed')
  const [message = own.length === 0 ? 'there is no such case' : 'it passed'] = failed.flatMap(
    test => test.failureMessages
  )
  return { failed: failed.length > 0, message: message.split('\n')[0] ?? '' }
}
