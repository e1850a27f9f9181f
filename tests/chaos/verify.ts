import { verificarCli } from '../../apps/consolidado/src/verificar/cli.ts'
import type { World } from './world.ts'

/** Cached days to look at: more than a run has. */
const SAMPLE = 1_000

/** The product's own second opinion (`npm run verify`): the ledger added up anew, against everything that is stored. */
export const verifyAll = async ({ postgres, redis, of, jwtSecret }: World): Promise<string[]> => {
  const lines: string[] = []
  const [reader] = of('consolidado')
  const env = {
    DATABASE_URL_CONSOLIDADO: postgres.consolidado.appUrl(),
    FEED_URL: `http://127.0.0.1:${reader?.asks.lancamentos?.port}`,
    REDIS_URL: redis.url(),
    JWT_SECRET: jwtSecret,
  }
  const write = (line: string) => void lines.push(line)
  const found = await verificarCli(env, { filter: {}, amostra: SAMPLE, json: false }, { out: write, err: write })
  return found === 0 ? [] : lines
}
