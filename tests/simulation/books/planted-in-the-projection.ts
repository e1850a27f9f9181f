import { streamKey } from '@fluxo/shared/stream/keys'
import { GRUPO, STREAM_PREFIX } from '../../../apps/consolidado/src/projetar/nomes.ts'
import { PostgresError } from '../servers/postgres-server.ts'
import { applyOf, askedOf, effect, inboxOf, isNew, refusalOf } from '../servers/projection-database.ts'
import { idOf } from '../servers/redis-streams.ts'
import type { Seams } from './seams.ts'

/** Ascending ids of a batch as they stand on the stream. */
const idsOf = (recebidos: readonly { posicao: number }[]): string[] => recebidos.map(({ posicao }) => idOf(posicao))

export const ackBeforeApply: Seams = {
  projecao: (real, redis) => ({
    aplicar: async (particao, recebidos, origem) => {
      const ids = idsOf(recebidos)
      if (origem === 'stream') await redis.commands.xack(streamKey(STREAM_PREFIX, particao), GRUPO, ...ids)
      await real.aplicar(particao, recebidos, origem)
    },
  }),
}

/** Each process has a memory of its own; the statement itself takes everything as new. */
export const dedupeInMemory = (): Seams => ({
  apply: (state) => ({
    ...applyOf(state),
    run: (parameters) => {
      const row = inboxOf(state, parameters)
      return effect({ state, row, motivo: null, taken: askedOf(parameters), epoca: String(parameters[1]) })
    },
  }),
  inbox: (real) => {
    const known = new Set<string>()
    return {
      ...real,
      apply: async (lote) => {
        const rows = lote.rows.filter(({ posicao }) => !known.has(`${lote.particao}:${posicao}`))
        const repetidos = lote.rows.length - rows.length
        if (rows.length === 0) return { outcome: 'aplicado', novos: 0, repetidos, touched: undefined }
        const applied = await real.apply({ ...lote, rows })
        for (const { posicao } of rows) known.add(`${lote.particao}:${posicao}`)
        return applied
      },
    }
  },
})

/** The row is read by the statement's snapshot, before it waits for those who came earlier. */
export const watermarkBeforeTheLock: Seams = {
  apply: (state) => ({
    ...applyOf(state),
    snapshot: (parameters) => structuredClone(inboxOf(state, parameters)),
    run: (parameters, snapshot) => {
      const seen = snapshot as ReturnType<typeof inboxOf>
      const motivo = refusalOf(seen, parameters)
      const taken = motivo === null ? askedOf(parameters).filter(({ posicao }) => isNew(seen, posicao)) : []
      return effect({ state, row: inboxOf(state, parameters), motivo, taken, epoca: String(parameters[1]) })
    },
  }),
}

export const outageIsPoison: Seams = {
  inbox: (real) => ({
    ...real,
    apply: (lote) =>
      real.apply(lote).catch((error: unknown) => {
        throw new PostgresError('22000', String(error))
      }),
  }),
}

export const poisonWithoutLetter: Seams = {
  cartas: () => ({ put: async () => {} }),
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

/** As it was until seed 82 showed what comes of it when the process is killed before it has repeated the write. */
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
  inbox: (real) => ({
    ...real,
    apply: async (lote) => {
      const applied = await real.apply(lote)
      return applied.outcome === 'aplicado' ? { ...applied, repetidos: 0 } : applied
    },
  }),
}
