import { join } from 'node:path'
import { endLeftOverPostgres } from './local/postgres.ts'
import { endLeftOverRedis } from './local/redis.ts'
import { readRunning } from './running.ts'

/** Run by the guard after the death of an `npm start`: ends its servers, unless the next start on the folder is there and does it. */
const [folder = ''] = process.argv.slice(2)
if (!(await readRunning(folder))) {
  await Promise.allSettled([endLeftOverPostgres(join(folder, 'postgres')), endLeftOverRedis(join(folder, 'redis'))])
}
