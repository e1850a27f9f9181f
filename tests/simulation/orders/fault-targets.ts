import type { FaultTargets } from '../disturbances.ts'
import { REPAIR_LEASE, relayLease } from './entregas.ts'
import type { World } from './world.ts'

/** Which databases and leases the faults of this world can hit: two databases, the leases of the relay and of both repairs. */
export const faultTargetsOf = ({ servers, instances, plan }: World): FaultTargets => ({
  postgres: {
    entregas: { server: servers.entregas, users: instances.entregas },
    lancamentos: { server: servers.lancamentos, users: instances.lancamentos },
  },
  cutLease: (lease) => {
    if (lease === 'reparo') {
      servers.entregas.cutHolder(REPAIR_LEASE)
      servers.lancamentos.cutHolder(REPAIR_LEASE)
    } else
      for (let particao = 0; particao < plan.particoes; particao += 1) servers.entregas.cutHolder(relayLease(particao))
  },
})
