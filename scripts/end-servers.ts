import { join } from 'node:path'
import { endLeftOverPostgres } from '@fluxo/shared/local/postgres'
import { endLeftOverRedis } from '@fluxo/shared/local/redis'
import { readRunning } from './running.ts'

/** Run by the guard after the death of an `npm start`: ends its servers, unless the next start on the folder is there and does it. */
const [folder = ''] = process.argv.slice(2)
if (!(await readRunning(folder))) {
  await Promise.allSettled([endLeftOverPostgres(join(folder, 'postgres')), endLeftOverRedis(join(folder, 'redis'))])
}
