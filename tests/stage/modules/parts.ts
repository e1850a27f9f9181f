import { createVerifier } from '@fluxo/shared/http/auth'
import type { AppModule } from '@fluxo/shared/http/module'
import type { Given } from '@fluxo/shared/process/define-service'
import { Registry } from 'prom-client'
import { SILENT } from '../doors.ts'
import { SECRET, serviceToken } from '../tokens.ts'

/** What every service takes, as tests have it. */
export const partsOfTests = () => ({
  verifier: createVerifier({ secret: SECRET }),
  cursorSecret: SECRET,
  particoes: 1,
  instance: 'teste',
  log: SILENT,
  registry: new Registry(),
})

type Surroundings = Omit<Given<unknown>, 'settings'>
/** A service's surroundings: its database and its Redis; all else may be given too. */
export type GivenByTest = Pick<Surroundings, 'databaseUrl' | 'redis'> & Partial<Surroundings>

/** A service's log, asked in memory. */
export const feedOf = ({ name, routes }: AppModule, path: string) => ({
  baseUrl: `http://${name}${path}`,
  token: () => serviceToken(),
  fetch: (url: string, init: RequestInit) => routes.request(url, init),
})
