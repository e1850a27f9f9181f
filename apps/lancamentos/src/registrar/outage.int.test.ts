import { join } from 'node:path'
import { Unavailable } from '@fluxo/shared/errors'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createServiceDatabase, startOwnPostgres } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { v7 } from 'uuid'
import { expect, it } from 'vitest'
import { startPostgres } from '../../../../scripts/local/postgres.ts'
import { createLancamentoStore } from './store.ts'

/** What a caller waits at most before it hears that the ledger is away. */
const REFUSED_WITHIN_MS = 5_000

it('a ledger whose PostgreSQL stops refuses quickly, has all that it acknowledged, and goes on when it is back', async () => {
  const server = await startOwnPostgres()
  const database = await createServiceDatabase('lancamentos', { serverUrl: server.url() })
  const sql = createSql({ url: database.appUrl, max: 4, name: 'test' })
  const transactions = createTransactions({ url: database.appUrl, max: 1, name: 'test' })
  const store = createLancamentoStore({ sql, transactions, particoes: 1, onCommit: () => {} })
  const acknowledged: string[] = []
  const registrar = async (): Promise<'created' | 'refused'> => {
    const began = performance.now()
    try {
      const { lancamento } = await store.registrar({
        lancamento: {
          id: v7(),
          comercianteId: 'loja-1',
          tipo: 'CREDITO',
          valor: 1n,
          data: '2025-10-15',
          descricao: 'x',
          createdAt: new Date(),
        },
      })
      acknowledged.push(lancamento.id)
      return 'created'
    } catch (error) {
      expect(error).toBeInstanceOf(Unavailable)
      expect(performance.now() - began).toBeLessThan(REFUSED_WITHIN_MS)
      return 'refused'
    }
  }
  const enough = new AbortController()
  const outcomes = new Set<string>()
  const work = async (): Promise<void> => {
    while (!enough.signal.aborted) outcomes.add(await registrar())
  }
  const workers = Promise.all(Array.from({ length: 8 }, work))

  await waitFor(() => acknowledged.length > 100, { what: 'entries go in' })
  await server.stop()
  await waitFor(() => outcomes.has('refused'), { what: 'callers are refused' })
  const before = acknowledged.length
  const again = await startPostgres({ dataDir: join(server.dir, 'postgres'), port: server.port, durable: false })
  await waitFor(() => acknowledged.length > before + 100, { what: 'entries go in again', timeoutMs: 20_000 })
  enough.abort()
  await workers

  const stored = new Set((await sql<{ id: string }[]>`select id from lancamentos`).map(({ id }) => id))
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
  await Promise.all([closeSql(sql), transactions.close()])
  await again.stop()
  await server.remove()
})
