import type { FaultTargets } from '../disturbances.ts'
import { REPAIR_LEASE } from './consolidado.ts'
import { relayLease } from './lancamentos.ts'
import type { World } from './world.ts'

/** Which databases and leases the faults of this world can hit: two databases, the leases of the relay and of repair. */
export const faultTargetsOf = ({ servers, instances, plan }: World): FaultTargets => ({
  postgres: {
    lancamentos: { server: servers.lancamentos, users: instances.lancamentos },
    consolidado: { server: servers.consolidado, users: instances.consolidado },
  },
  cutLease: (lease) => {
    if (lease === 'reparo') servers.consolidado.cutHolder(REPAIR_LEASE)
    else
      for (let particao = 0; particao < plan.particoes; particao += 1)
        servers.lancamentos.cutHolder(relayLease(particao))
  },
})
