import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrationsOf } from '@fluxo/drizzle/journal'
import { SERVICE_NAMES } from '../stage/services.ts'
import { must, run } from './engine.ts'
import { NEXT_IMAGE, type Stack } from './stack.ts'

const IMAGE = 'fluxo/servico:local'
const JOURNAL = 'lancamentos/migrations/meta/_journal.json'

/** An image with one more migration of the ledger than this code, and the environment in which compose uses it. */
type NextVersion = { env: NodeJS.ProcessEnv; remove: () => Promise<void> }

/** Builds it on top of the image that `docker compose build` has made. */
export const buildNext = async (stack: Stack, statement: string): Promise<NextVersion> => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-next-'))
  const entries = [...migrationsOf('lancamentos')]
  const last = entries.at(-1)
  entries.push({ ...last, when: (last?.when ?? 0) + 1, tag: '9999_next' })
  const services = ['migrate', ...SERVICE_NAMES].map((name) => `  ${name}: { image: "${NEXT_IMAGE}" }\n`).join('')
  await writeFile(join(folder, 'journal.json'), JSON.stringify({ version: '7', dialect: 'postgresql', entries }))
  await writeFile(join(folder, 'next.sql'), statement)
  const copies = `COPY journal.json drizzle/${JOURNAL}\nCOPY next.sql drizzle/lancamentos/migrations/9999_next.sql\n`
  await writeFile(join(folder, 'Dockerfile'), `FROM ${IMAGE}\n${copies}`)
  await writeFile(join(folder, 'next.yml'), `services:\n${services}`)
  await must('docker', ['build', '-q', '-t', NEXT_IMAGE, folder])
  return {
    env: { ...stack.env, COMPOSE_FILE: `${stack.env['COMPOSE_FILE']}:${join(folder, 'next.yml')}` },
    remove: async () => {
      await rm(folder, { recursive: true, force: true })
      // Where no container has it; else it goes with the project's containers.
      await run('docker', ['image', 'rm', NEXT_IMAGE])
    },
  }
}
