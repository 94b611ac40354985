import { spawn } from 'node:child_process'
import { setup as buildProgram } from '../test/integration/harness/built.ts'
import { missing } from '../test/nat/missing.ts'
import { ROWS, type Row } from '../test/nat/rows.ts'
import { faults, runRow } from '../test/nat/run-row.ts'

/**
 * `npm run test:nat`: everything in network namespaces, with the options of vitest. `npm run test:nat -- --json [ROW...]`: the rows of the laboratory alone,
 * a line of JSON for each; what is wrong with one, and everything for people, goes to standard error. Ends with 1 when a row did not keep its promise.
 */
const [first, ...names] = process.argv.slice(2)
if (first === '--json') process.exitCode = (await printRows(chosen(names))) ? 0 : 1
else process.exitCode = await runTests(process.argv.slice(2))

async function printRows(rows: readonly Row[]): Promise<boolean> {
  // Its progress is for people.
  console.log = console.error
  await buildProgram()
  let good = true
  for (const row of rows) good = (await printRow(row)) && good
  return good
}

async function printRow(row: Row): Promise<boolean> {
  const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const { name, a, b } = row
  const skipped = missing(...row.needs)
  if (skipped !== undefined) {
    print({ row: name, a, b, skipped })
    return true
  }
  try {
    const line = await runRow(row)
    print(line)
    const wrong = faults(row, line)
    for (const fault of wrong) console.error(`${name}: ${fault}`)
    return wrong.length === 0
  } catch (error) {
    print({ row: name, a, b, connected: false, path: null, firstMessageMs: null, upgradeMs: null })
    console.error(error)
    return false
  }
}

function chosen(names: readonly string[]): readonly Row[] {
  const unknown = names.find(name => ROWS.every(row => row.name !== name))
  if (unknown === undefined) return names.length === 0 ? ROWS : ROWS.filter(({ name }) => names.includes(name))
  console.error(`no row "${unknown}"; there are ${ROWS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

async function runTests(options: string[]): Promise<number> {
  const child = spawn('vitest', ['run', '--project', 'nat', ...options], { stdio: 'inherit' })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}
