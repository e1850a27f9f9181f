import type { Sql } from '@fluxo/shared/postgres/sql'
import { isAttacker } from './attacker.ts'
import type { Model, Sent } from './model.ts'

/** What the ledger says of the clients' books. Each list names the entries at fault. */
export type Audit = {
  /** Acknowledged, or owed for an order, and not there. */
  lost: string[]
  /** There more than once. */
  duplicated: string[]
  /** There, and no client sent it; or not as it was sent or answered. */
  wrong: string[]
}

type Row = {
  posicao: number
  chave: string | null
  id: string
  comerciante: string
  data: string
  tipo: 'CREDITO' | 'DEBITO'
  centavos: number
  referencia: string | null
  estorna: string | null
}

const ROWS_AT_ONCE = 5_000

const differs = (row: Row, sent: Sent): boolean =>
  row.comerciante !== sent.comerciante ||
  row.data !== sent.data ||
  row.tipo !== sent.tipo ||
  row.centavos !== sent.centavos ||
  (row.referencia ?? undefined) !== sent.referencia ||
  (row.estorna ?? undefined) !== sent.estorna ||
  (sent.id !== undefined && sent.id !== row.id) ||
  (sent.posicao !== undefined && sent.posicao !== row.posicao)

/**
 * Compares the ledger with the clients' books, entry by entry, in both directions.
 *
 * The ledger only grows, so an audit goes on where the one before ended; `fromStart` reads it all again.
 */
export const createAuditor = (ledger: Sql, model: Model) => {
  let seen = new Set<string>()
  let upTo = 0
  return async ({ fromStart = false } = {}): Promise<Audit> => {
    if (fromStart) {
      seen = new Set()
      upTo = 0
    }
    const audit: Audit = { lost: [], duplicated: [], wrong: [] }
    for (;;) {
      const rows = await ledger<Row[]>`
        select posicao::float8 as posicao, chave, id::text, comerciante_id as comerciante, data::text,
          case tipo when 1 then 'CREDITO' else 'DEBITO' end as tipo, valor::float8 as centavos,
          referencia, (select o.chave from lancamentos o where o.id = l.estorna) as estorna
        from lancamentos l where particao = 0 and posicao > ${upTo} order by posicao limit ${ROWS_AT_ONCE}`
      for (const row of rows) {
        const what = `${row.comerciante} ${row.data} ${row.chave ?? 'without a key'} at ${row.posicao}`
        const sent = model.get(row.chave ?? '')
        upTo += 1
        if (row.posicao !== upTo) audit.wrong.push(`${what}: position ${upTo} is missing`)
        upTo = row.posicao
        if (isAttacker(row.comerciante)) continue
        if (seen.has(row.chave ?? '')) audit.duplicated.push(what)
        else if (sent === undefined) audit.wrong.push(`${what}: nobody sent it`)
        else if (differs(row, sent)) audit.wrong.push(`${what}: sent as ${JSON.stringify(sent)}`)
        seen.add(row.chave ?? '')
      }
      if (rows.length < ROWS_AT_ONCE) break
    }
    const must = [...[...model.all()].filter(({ id }) => id !== undefined), ...model.owed()]
    for (const sent of must)
      if (!seen.has(sent.chave))
        audit.lost.push(`${sent.comerciante} ${sent.data} ${sent.chave} (${sent.id ?? 'owed'})`)
    return audit
  }
}
