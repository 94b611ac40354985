import { existsSync, readdirSync } from 'node:fs'
import { createSandbox, type Sandbox } from '../host/harness/sandbox.ts'
import { ip } from './ip.ts'

/** `lm<pid>x<number>-<name>`: so that what a killed run left behind is found. */
const NAMES = /^lm(\d+)x\d+-/

let labs = 0

/**
 * The network namespaces of one lab, and the processes in them: they go with it, and after a sudden end with the next one. Needs root and `ip`. No
 * cable leads out of them.
 */
export class Namespaces implements AsyncDisposable {
  readonly sandbox: Sandbox
  readonly #lab: string
  readonly #names: string[] = []

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox
    this.#lab = `lm${process.pid}x${++labs}`
  }

  static async create(): Promise<Namespaces> {
    removeLeft()
    return new Namespaces(await createSandbox('lm-nat'))
  }

  /** What a namespace is called on this machine. It is removed with the others. */
  named(name: string): string {
    const full = `${this.#lab}-${name}`
    this.#names.push(full)
    return full
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
    const there = namespacesNow()
    for (const name of this.#names) if (there.includes(name)) ip('netns', 'del', name)
  }
}

function namespacesNow(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : []
}

function removeLeft(): void {
  for (const name of namespacesNow()) {
    const pid = NAMES.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'del', name)
  }
}
