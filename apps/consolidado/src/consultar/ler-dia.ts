import { createSingleFlight } from '@fluxo/shared/cache/single-flight'
import type { CacheValue, VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { Indisponivel } from '@fluxo/shared/errors'
import { isRejection } from '@fluxo/shared/resilience/rejection'
import { chaveDoSaldo, saldoJson } from '../domain/saldo.ts'
import { type ConsultaStore, foraDoAr } from './store.ts'

/** A day ready to be sent, and where it came from (header `Fluxo-Cache`). */
export type DiaLido = { versao: number; body: string; origem: 'hit' | 'miss' | 'stale' | 'bypass' }

export type LeitorDoDia = {
  /** The day from the cache, else from PostgreSQL, else from the cache marked stale. Rejects with `Indisponivel` without either. */
  ler(comercianteId: string, data: string): Promise<DiaLido>
  /** The day from PostgreSQL, read after this call began: for who waited for a position. */
  lerDaFonte(comercianteId: string, data: string, signal?: AbortSignal): Promise<DiaLido>
}

/** A day without entries may get its first one at any moment; the consumer then replaces it. The short life is for its number. */
const VAZIO_TTL_MS = 60_000

/** The refusal for a database that is away, overloaded or too slow; any other error is a bug and stays itself. */
export const indisponivelSe = (error: unknown): unknown => {
  if (!foraDoAr(error)) return error
  const segundos = isRejection(error) ? error.retryAfterSeconds : 1
  const mensagem = 'O consolidado está momentaneamente indisponível.'
  return new Indisponivel('consolidado-indisponivel', mensagem, segundos, { cause: error })
}

/** The read path of one day (DESIGN part 7). */
export const createLeitorDoDia = ({ cache, store }: LeitorDeps): LeitorDoDia => {
  const voos = createSingleFlight<{ versao: number; body: string }>()

  const buscar = async (comercianteId: string, data: string, signal?: AbortSignal) => {
    const saldo = await store.lerDia(comercianteId, data, signal)
    const lido = { versao: saldo.versao, body: saldoJson(saldo) }
    const vazio = saldo.quantidade === 0
    // Not waited for: only if newer, so the consumer's write wins whatever the order, and a failure costs the next reader only.
    void cache.fill({ key: chaveDoSaldo(comercianteId, data), ...lido, ...(vazio && { ttlMs: VAZIO_TTL_MS }) })
    return lido
  }

  const semCache = async (
    comercianteId: string,
    data: string,
    guardado: CacheValue | undefined,
    origem: 'miss' | 'bypass',
  ) => {
    try {
      const chave = chaveDoSaldo(comercianteId, data)
      return { ...(await voos.run(chave, () => buscar(comercianteId, data))), origem }
    } catch (error) {
      if (guardado === undefined || !foraDoAr(error)) throw indisponivelSe(error)
      return { versao: guardado.versao, body: guardado.body, origem: 'stale' as const }
    }
  }

  const contar = (lido: DiaLido): DiaLido => {
    cache.count(lido.origem)
    return lido
  }

  return {
    ler: async (comercianteId, data) => {
      let guardado: CacheValue | undefined
      let origem: 'miss' | 'bypass' = 'miss'
      try {
        guardado = await cache.get(chaveDoSaldo(comercianteId, data))
      } catch {
        origem = 'bypass'
      }
      if (!guardado?.current) return contar(await semCache(comercianteId, data, guardado, origem))
      // The consumer writes the cache before it acks, so a value is current for as long as PostgreSQL can have moved on.
      const disponivel = store.disponivel()
      const emDia: boolean = typeof disponivel === 'boolean' ? disponivel : await disponivel
      return contar({ versao: guardado.versao, body: guardado.body, origem: emDia ? 'hit' : 'stale' })
    },
    lerDaFonte: async (comercianteId, data, signal) => {
      try {
        return contar({ ...(await buscar(comercianteId, data, signal)), origem: 'bypass' })
      } catch (error) {
        throw indisponivelSe(error)
      }
    },
  }
}

type LeitorDeps = { cache: VersionedCache; store: ConsultaStore }
