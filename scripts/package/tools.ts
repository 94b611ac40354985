import { execFile } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const ATTW = fileURLToPath(new URL('dist/index.js', import.meta.resolve('@arethetypeswrong/cli/package.json')))
const PLUGIN_INSPECTOR = fileURLToPath(new URL('cli.js', import.meta.resolve('@openclaw/plugin-inspector')))
const CLAWHUB = fileURLToPath(import.meta.resolve('clawhub/bin/clawdhub.js'))
/** The inspectors compare with this host; without it they would download one. */
const HOST = fileURLToPath(new URL('../../node_modules/openclaw', import.meta.url))

/** A judgement of one tool. `problems` empty: nothing to say against the package. */
export interface Verdict {
  problems: string[]
  /** One line about what was looked at. */
  words: string
}

/** Would npm, Node and bundlers find what package.json promises? Suggestions count as problems too. */
export async function runPublint(tarball: string): Promise<Verdict> {
  const content = await readFile(tarball)
  const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(content).buffer }, strict: true })
  return {
    problems: messages.map(message => formatMessage(message, pkg, { color: false }) ?? message.code),
    words: 'no message'
  }
}

/**
 * Do the types say what the code does, for every entry and every way to resolve it? `esm-only` leaves two ways out: the resolution of Node
 * 10, which does not know `exports`, and `require`, for which an ES module is nothing to be found. The host demands Node 24 and imports.
 */
export async function runAttw(tarball: string, scratch: string): Promise<Verdict> {
  const args = [tarball, '--profile', 'esm-only', '--no-emoji']
  const { code, output } = await run(ATTW, args, scratch)
  return { problems: code === 0 ? [] : [output], words: 'the types of every entry resolve for imports' }
}

interface InspectorSummary {
  status: string
  summary: {
    breakages: number
    warnings: number
    deprecationWarnings: number
    policyFailures: number
    liveIssues: number
  }
}

interface Capture {
  summary: { capturedCount: number; failedCount: number; registrationCount: number; hookCount: number }
}

/** Loads the plugin with a pretended host and compares what it imports and registers with what the real host has. */
export async function runPluginInspector(folder: string, scratch: string): Promise<Verdict> {
  const out = join(scratch, 'plugin-inspector')
  const args = ['ci', '--plugin-root', folder, '--openclaw', HOST, '--out', out, '--author-facing']
  const runtime = ['--runtime', '--mock-sdk', '--allow-execute']
  const { code, output } = await run(PLUGIN_INSPECTOR, [...args, ...runtime], scratch)
  if (code !== 0) return { problems: [output], words: '' }
  const { status, summary } = await readReport<InspectorSummary>(out, 'plugin-inspector-ci-summary.json')
  const { summary: captured } = await readReport<Capture>(out, 'plugin-inspector-runtime-capture.json')
  const { breakages, warnings, deprecationWarnings, policyFailures, liveIssues } = summary
  const found = { breakages, warnings, deprecationWarnings, policyFailures, liveIssues }
  const problems = Object.entries(found).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}\n${output}`] : []))
  if (status !== 'pass') problems.push(`status ${status}\n${output}`)
  if (captured.failedCount > 0 || captured.capturedCount === 0) problems.push(`the plugin did not load\n${output}`)
  return { problems, words: `${captured.registrationCount} registrations, ${captured.hookCount} hooks, 0 breakages` }
}

interface ClawHubReport {
  status: string
  summary: { breakageCount: number; warningCount: number; issueCount: number }
}

/** What the registry of OpenClaw plugins asks at publication. */
export async function runClawHub(folder: string, scratch: string): Promise<Verdict> {
  const out = join(scratch, 'clawhub')
  const { code, output } = await run(
    CLAWHUB,
    ['package', 'validate', folder, '--openclaw', HOST, '--out', out],
    scratch
  )
  if (code !== 0) return { problems: [output], words: '' }
  const { status, summary } = await readReport<ClawHubReport>(out, 'plugin-inspector-report.json')
  const found = summary.breakageCount + summary.warningCount + summary.issueCount
  return { problems: status === 'pass' && found === 0 ? [] : [output], words: 'no breakage, no warning, no issue' }
}

async function readReport<T>(folder: string, file: string): Promise<T> {
  return JSON.parse(await readFile(join(folder, file), 'utf8')) as T
}

/** One tool to its end. HOME is a new folder: no login, no settings and no cache of the person who runs it. */
async function run(program: string, args: string[], scratch: string): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: await mkdtemp(join(scratch, 'home-')), NO_COLOR: '1' }
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], { env })
    return { code: 0, output: `${stdout}${stderr}` }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { code, output: `${stdout}${stderr}` }
  }
}
