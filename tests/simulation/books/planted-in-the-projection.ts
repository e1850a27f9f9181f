import type { Sql } from '@fluxo/shared/postgres/sql'
import { type Parameter, PostgresError } from '../servers/postgres-server.ts'
import { arrayOf } from '../servers/postgres-text.ts'
import { applyOf, askedOf, effect, inboxOf, isNew, refusalOf } from '../servers/projection-database.ts'
import type { Seams } from './seams.ts'

type Asked = { name: string }
type Send = (parameters: readonly Parameter[]) => Promise<readonly object[]>

/** A pool whose statements of a kind are sent otherwise, or not at all. */
const sending =
  (name: string, otherwise: (parameters: readonly Parameter[], send: Send) => Promise<unknown>) =>
  (real: Sql): Sql => {
    const send = real.unsafe as unknown as (text: string, parameters: readonly Parameter[], asked: Asked) => Promise<[]>
    const unsafe = (text: string, parameters: readonly Parameter[], asked: Asked) =>
      asked.name === name ? otherwise(parameters, (others) => send(text, others, asked)) : send(text, parameters, asked)
    return { unsafe } as unknown as Sql
  }
const APPLY = 'inbox.apply'

/** Each process has a memory of its own; the statement itself takes everything as new. */
export const dedupeInMemory = (): Seams => ({
  apply: (state) => ({
    ...applyOf(state),
    run: (parameters) => {
      const row = inboxOf(state, parameters)
      return effect({ state, row, motivo: null, taken: askedOf(parameters), epoca: String(parameters[1]) })
    },
  }),
  sql: (real) => {
    const known = new Set<string>()
    return sending(APPLY, async ([particao = null, epoca = null, runs = null, ...columns], send) => {
      const places = arrayOf(columns[0]).map((posicao) => `${particao}:${posicao}`)
      const fresh = places.flatMap((place, i) => (known.has(place) ? [] : [i]))
      const none = { motivo: null, epoca, divergente: null, novos: 0, resultado: null }
      if (fresh.length === 0) return [none]
      const kept = columns.map((column) => `{${fresh.map((i) => arrayOf(column)[i] ?? 'NULL').join(',')}}`)
      const applied = await send([particao, epoca, runs, ...kept])
      for (const i of fresh) known.add(places[i] ?? '')
      return applied
    })(real)
  },
})

/** The row is read by the statement's snapshot, before it waits for those who came earlier. */
export const watermarkBeforeTheLock: Seams = {
  apply: (state) => ({
    ...applyOf(state),
    snapshot: (parameters) => structuredClone(inboxOf(state, parameters)),
    run: (parameters, snapshot) => {
      const seen = snapshot as ReturnType<typeof inboxOf>
      const reason = refusalOf(seen, parameters)
      const taken = reason === null ? askedOf(parameters).filter(({ posicao }) => isNew(seen, posicao)) : []
      return effect({ state, row: inboxOf(state, parameters), motivo: reason, taken, epoca: String(parameters[1]) })
    },
  }),
}

export const outageIsPoison: Seams = {
  sql: sending(APPLY, (parameters, send) =>
    send(parameters).catch((error: unknown) => {
      throw new PostgresError('22000', String(error))
    }),
  ),
}

export const poisonWithoutLetter: Seams = {
  sql: sending('letters.put', async () => []),
}

export const failedCacheWriteIsForgotten: Seams = {
  cache: (real) => ({
    ...real,
    setIfNewer: async (entries) => {
      await Promise.all(entries.map((entry) => real.fill(entry)))
      return true
    },
  }),
}

/** As it was until a history showed what comes of it when the process is killed before it has repeated the write. */
export const ackedWithAnOldCache: Seams = {
  cache: (real) => ({
    ...real,
    setIfNewer: async (entries) => {
      await real.setIfNewer(entries)
      return true
    },
  }),
}

export const duplicateLeavesTheCache: Seams = {
  projection: (real) => ({ ...real, committed: (commit) => real.committed?.({ ...commit, repeated: 0 }) }),
}
