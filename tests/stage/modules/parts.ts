import { createVerifier } from '@fluxo/shared/http/auth'
import { Registry } from 'prom-client'
import { SILENT } from '../doors.ts'
import { SECRET } from '../tokens.ts'

/** What every service takes, as tests have it. */
export const partsOfTests = () => ({
  verifier: createVerifier({ secret: SECRET }),
  cursorSecret: SECRET,
  particoes: 1,
  instance: 'teste',
  log: SILENT,
  registry: new Registry(),
})

/** A service's dependencies: its database and its Redis; all else may be given too. */
export type Given<Deps extends { databaseUrl: unknown; redis: unknown }> = Pick<Deps, 'databaseUrl' | 'redis'> &
  Partial<Deps>
