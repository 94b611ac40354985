import type { Sandbox } from '../host/harness/sandbox.ts'
import type { Customer } from './customer.ts'
import { Internet } from './internet.ts'
import { Lab } from './lab.ts'
import type { Namespace } from './namespace.ts'
import type { Nat } from './nat-rules.ts'

/** Where a node is: at a public address, behind a router of this kind, or behind the router of a home whose provider has one, too. */
export type Side = 'none' | Nat | 'double'

/** Two machines that somebody wants to connect. */
export interface Place extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly a: Namespace
  readonly b: Namespace
  /** A public machine that both can reach; undefined where there is none. */
  readonly relay?: Customer
}

/** Each at a place of its own on the internet. */
export async function apart(a: Side, b: Side): Promise<Place> {
  const internet = await Internet.create()
  return await orDispose(internet, async () => ({
    relay: internet.machine('relay'),
    a: await machineAt(internet, 'a', a),
    b: await machineAt(internet, 'b', b)
  }))
}

/** Both behind one router. */
export async function together(nat: Nat): Promise<Place> {
  const internet = await Internet.create()
  return await orDispose(internet, async () => {
    const relay = internet.machine('relay')
    const router = await internet.router('router', nat)
    return { relay, a: router.host('a'), b: router.host('b') }
  })
}

/** Both on one switch from which nothing leads away. */
export async function island(): Promise<Place> {
  const lab = await Lab.create(2)
  return await orDispose(lab, async () => {
    // A machine without a default route sends multicast nowhere, unless it is told where.
    for (const machine of lab.machines) machine.ip('route', 'add', '224.0.0.0/4', 'dev', 'v0')
    return { a: lab.machine(1), b: lab.machine(2) }
  })
}

async function machineAt(internet: Internet, name: string, side: Side): Promise<Namespace> {
  if (side === 'none') return internet.machine(name)
  const uplink = side === 'double' ? internet.carrier(`${name}-carrier`, 'cone') : internet
  const router = await internet.router(`${name}-router`, side === 'double' ? 'cone' : side, uplink)
  return router.host(name)
}

async function orDispose(
  whole: AsyncDisposable & { sandbox: Sandbox },
  build: () => Promise<Pick<Place, 'a' | 'b' | 'relay'>>
): Promise<Place> {
  const dispose = (): PromiseLike<void> => whole[Symbol.asyncDispose]()
  try {
    return { ...(await build()), sandbox: whole.sandbox, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
