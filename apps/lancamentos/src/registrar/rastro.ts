import type { Appended } from '@fluxo/shared/log/append'
import { isSampled, type SpanOptions, type Tracing } from '@fluxo/shared/telemetry/tracing'
import type { Item, LedgerRow } from './ledger-table.ts'

/** Links beyond this are cut by the SDK. */
const LINKS_MAX = 128

/** Shows the way into the ledger: an entry's wait for its commit, and the statement that many of them share. */
export function createRastro(tracing: Tracing) {
  const around = async <T>(
    name: string,
    options: SpanOptions,
    work: () => Promise<T>,
    posicao: (result: T) => number | undefined,
  ): Promise<T> => {
    const span = tracing.start(name, options)
    try {
      const result = await work()
      const last = posicao(result)
      span.end({ ...(last !== undefined && { attributes: { posicao: last } }) })
      return result
    } catch (error) {
      span.end({ error })
      throw error
    }
  }

  return {
    /** From the queue to the disk, in the entry's own trace. */
    commit: (particao: number, { lancamento }: Item, work: () => Promise<Appended<LedgerRow>>) => {
      const { rastro } = lancamento
      if (rastro === undefined || !isSampled(rastro)) return work()
      return around('ledger commit', { parent: rastro, attributes: { particao } }, work, posicaoDe)
    },
    /** The statement of a group commit or of a batch: a trace of its own, linked to those of its entries. */
    statement: (particao: number, itens: readonly Item[], work: () => Promise<Appended<LedgerRow>[]>) => {
      const rastros = new Set(
        itens.flatMap(({ lancamento: { rastro } }) => (rastro && isSampled(rastro) ? [rastro] : [])),
      )
      if (rastros.size === 0) return work()
      const options: SpanOptions = {
        kind: 'client',
        links: [...rastros].slice(0, LINKS_MAX),
        attributes: { 'db.system.name': 'postgresql', particao, linhas: itens.length },
      }
      return around('ledger statement', options, work, (appended) => appended.map(posicaoDe).findLast(Boolean))
    },
  }
}

const posicaoDe = (appended: Appended<LedgerRow>): number | undefined =>
  appended.outcome === 'recusado' ? undefined : appended.posicao
