import type { Namespace } from './namespace.ts'
import type { Router } from './router.ts'

/** The cable of this machine leads to another router now. */
export function carryTo(machine: Namespace, router: Router): void {
  machine.ip('link', 'del', 'v0')
  const { address, prefix, gateway } = router.plug(machine, 'v1')
  machine.ip('addr', 'add', `${address}/${prefix}`, 'dev', 'v1')
  machine.ip('route', 'add', 'default', 'via', gateway)
}
