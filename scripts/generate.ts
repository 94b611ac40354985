import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { generate } from 'protons'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const PROTOCOL_DOCUMENT = 'docs/protocol.md'

interface Target {
  /** Path in the repository. */
  file: string
  /** The text that the file must hold. */
  text(): Promise<string>
}

/** Every committed file that is written by a program. A test compares each with what is committed. */
export const TARGETS: Record<string, Target> = {
  proto: { file: 'src/protocol/mesh.pb.ts', text: protoText },
  manifest: { file: 'openclaw.plugin.json', text: manifestText },
  configuration: { file: 'docs/configuration.md', text: configurationText },
  protocol: { file: PROTOCOL_DOCUMENT, text: protocolDocumentText }
}

export async function committedText(target: Target): Promise<string> {
  return await readFile(join(ROOT, target.file), 'utf8')
}

async function protoText(): Promise<string> {
  const output = await mkdtemp(join(tmpdir(), 'libp2p-mesh-proto-'))
  try {
    await generate(join(ROOT, 'src/protocol/mesh.proto'), { output, strict: true })
    const code = await readFile(join(output, 'mesh.ts'), 'utf8')
    return `// Generated from mesh.proto by \`npm run generate\`. Do not edit.\n${code}`
  } finally {
    await rm(output, { recursive: true, force: true })
  }
}

async function manifestText(): Promise<string> {
  const { buildManifest } = await bundled<{ buildManifest: () => object }>('src/settings/manifest.ts')
  return `${JSON.stringify(buildManifest(), null, 2)}\n`
}

async function configurationText(): Promise<string> {
  const document = await bundled<{ configurationText: () => string }>('scripts/configuration.ts')
  return document.configurationText()
}

/** Written by hand, but for the regions that say what sources and golden vectors say. */
async function protocolDocumentText(): Promise<string> {
  const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8')
  const { protocolDocument } = await bundled<{
    protocolDocument: (document: string, readSource: typeof read) => Promise<string>
  }>('scripts/protocol-document.ts')
  return await protocolDocument(await read(PROTOCOL_DOCUMENT), read)
}

/** Loads a module of ours in one piece, because Node alone cannot load the generated codec that it may lead to. */
async function bundled<T>(entry: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'libp2p-mesh-generate-'))
  const outfile = join(folder, 'module.mjs')
  try {
    const entryPoints = [join(ROOT, entry)]
    await build({
      entryPoints,
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      logLevel: 'silent'
    })
    return (await import(pathToFileURL(outfile).href)) as T
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(TARGETS)
  for (const name of names) {
    const target = TARGETS[name]
    if (target === undefined) throw new Error(`nothing is called "${name}"; known: ${Object.keys(TARGETS).join(', ')}`)
    await writeFile(join(ROOT, target.file), await target.text())
    console.log(`wrote ${target.file}`)
  }
}
