import type { EntregasServers } from '../orders/entregas.ts'
import type { PostgresServer } from '../servers/postgres-server.ts'
import type { NoticesPlan } from './plan.ts'
import type { Receivers } from './receivers.ts'
import type { Seams } from './seams.ts'

/** What every instance finds around it. */
export type Servers = EntregasServers & {
  plan: NoticesPlan
  avisos: PostgresServer
  receivers: Receivers
  /** Those of avisos; entregas is as it is. */
  planted: Seams
}
