import type { FaultTargets } from '../disturbances.ts'
import { REPAIR_LEASE as REPAIR_OF_ENTREGAS, relayLease } from '../orders/entregas.ts'
import { REPAIR_LEASE } from './avisos.ts'
import type { World } from './world.ts'

/** Which databases and leases the faults of this world can hit; avisos' database may also be restored from a backup. */
export const faultTargetsOf = ({ servers, instances, plan, backup }: World): FaultTargets => ({
  postgres: {
    entregas: { server: servers.entregas, users: instances.entregas },
    avisos: { server: servers.avisos, users: instances.avisos, backup },
  },
  cutLease: (lease) => {
    if (lease === 'reparo') {
      servers.avisos.cutHolder(REPAIR_LEASE)
      servers.entregas.cutHolder(REPAIR_OF_ENTREGAS)
    } else
      for (let particao = 0; particao < plan.particoes; particao += 1) servers.entregas.cutHolder(relayLease(particao))
  },
})
