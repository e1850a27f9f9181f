import { lancamentos } from '@fluxo/drizzle/lancamentos/schema'
import type { Answered, LogRow, LogTable } from '@fluxo/shared/log/log-table'
import { eventoData, LANCAMENTO_REGISTRADO } from '../domain/evento.ts'
import { impressaoOf } from '../domain/impressao.ts'
import type { Lancamento, Tipo } from '../domain/lancamento.ts'

/** An entry to be registered, and the idempotency key under which it was asked for. */
export type Item = { lancamento: Lancamento; chave?: string | undefined }

type Stored = typeof lancamentos.$inferSelect

/** A stored entry as the ledger's statements answer it. */
export type LedgerRow = Answered<Omit<Stored, 'particao' | 'chave'>>

const CREDITO = 1
const DEBITO = -1

const READ = {
  id: 'id',
  comerciante_id: 'comerciante_id',
  tipo: 'tipo::int',
  valor: 'valor::text',
  data: `to_char(data, 'YYYY-MM-DD')`,
  referencia: 'referencia',
  estorna: 'estorna',
  created_at: '(extract(epoch from created_at) * 1000)::float8',
  rastro: 'rastro',
} as const

/** The ledger as a log: how an entry is stored, by which keys it is known again, and which fact it tells. */
export const LEDGER: LogTable<LedgerRow> = {
  name: 'ledger',
  table: lancamentos,
  keys: {
    chave: ['comerciante_id', 'chave'],
    referencia: ['comerciante_id', 'referencia'],
    estorna: ['estorna'],
  },
  known: { ...READ, descricao: 'descricao', impressao: `encode(impressao, 'hex')` },
  read: READ,
  fact: (row) => ({
    id: row.id,
    source: '/lancamentos',
    type: LANCAMENTO_REGISTRADO,
    subject: row.comerciante_id,
    time: new Date(row.created_at).toISOString(),
    ...(row.rastro !== null && { traceparent: row.rastro }),
    data: eventoData(lancamentoOf(row)),
  }),
}

const tipoOf = (tipo: number): Tipo => (tipo === CREDITO ? 'CREDITO' : 'DEBITO')

/** Reads an entry from its row, as a statement or as drizzle answers it. `descricao` is empty where the statement did not ask for it. */
export const lancamentoOf = (row: Omit<LedgerRow | Stored, 'impressao'>): Lancamento => ({
  id: row.id,
  comercianteId: row.comerciante_id,
  tipo: tipoOf(row.tipo),
  valor: BigInt(row.valor),
  data: row.data,
  descricao: row.descricao,
  createdAt: new Date(row.created_at),
  ...(row.referencia !== null && { referencia: row.referencia }),
  ...(row.estorna !== null && { estorna: row.estorna }),
  ...(row.rastro !== null && { traceparent: row.rastro }),
})

/** Writes an entry as a row of the batch. */
export const rowOf = ({ lancamento, chave }: Item): LogRow & { impressao: string } => ({
  id: lancamento.id,
  comerciante_id: lancamento.comercianteId,
  tipo: lancamento.tipo === 'CREDITO' ? CREDITO : DEBITO,
  valor: lancamento.valor.toString(),
  data: lancamento.data,
  descricao: lancamento.descricao,
  referencia: lancamento.referencia ?? null,
  chave: chave ?? null,
  impressao: `\\x${impressaoOf(lancamento)}`,
  estorna: lancamento.estorna ?? null,
  rastro: lancamento.traceparent ?? null,
  created_at: lancamento.createdAt.toISOString(),
})

/** What no two entries of one statement may share: the keys by which one of them would be known. */
export const keysOf = ({ lancamento, chave }: Item): string[] => {
  const keys: string[] = []
  if (chave !== undefined) keys.push(`c ${lancamento.comercianteId} ${chave}`)
  if (lancamento.referencia !== undefined) keys.push(`r ${lancamento.comercianteId} ${lancamento.referencia}`)
  if (lancamento.estorna !== undefined) keys.push(`e ${lancamento.estorna}`)
  return keys
}
