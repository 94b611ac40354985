import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { contentsOf, type Files } from './tarball.ts'

/** What npm writes down about an installation. */
interface InstalledLock {
  packages: Record<string, { hasInstallScript?: boolean }>
}

export interface Installation {
  /** Paths below the project, such as `node_modules/libp2p-mesh`, of every package that npm put there. */
  packages: string[]
  /** Those of them of which npm runs a script at installation. */
  scripted: string[]
  /** Everything that was installed. */
  files: Files
  /** Where the package lies. */
  folder: string
}

/**
 * Installs the tarball with npm in an empty project, scripts allowed and without a registry, as a user would. `prepare` of a tarball is not
 * npm's to run: here it would fail, for what it calls is not in the package.
 */
export async function install(tarball: string, name: string, project: string): Promise<Installation> {
  await writeFile(join(project, 'package.json'), '{"private":true}\n')
  const args = ['install', '--offline', '--foreground-scripts', '--no-audit', '--no-fund', '--no-save', tarball]
  await promisify(execFile)('npm', args, { cwd: project })
  const modules = join(project, 'node_modules')
  const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8')) as InstalledLock
  const packages = Object.keys(lock.packages)
  return {
    packages,
    scripted: packages.filter(path => lock.packages[path]?.hasInstallScript === true),
    files: await contentsOf(modules),
    folder: join(modules, name)
  }
}

/** Starts the installed program, which must come up on what was installed with it. */
export async function helpOf({ folder }: Installation): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'dist', 'bin.js'), '--help'])
  return stdout
}
