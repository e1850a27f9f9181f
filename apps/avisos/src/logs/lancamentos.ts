import type { Group } from '@fluxo/shared/follow/group'
import { rawNumber } from '@fluxo/shared/http/json'
import type { InboxTable } from '@fluxo/shared/inbox/statement'
import { type Reader, readData } from '@fluxo/shared/log/event'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { z } from 'zod'
import { HEARD } from '../notar/note-eventos.ts'
import { LANCAMENTO_REGISTRADO, SALDO_ALTERADO } from '../notar/tipos.ts'
import { AVISOS_GROUP } from './pedidos.ts'

/** Streams of the ledger's events. The name is the contract with lancamentos. */
export const LANCAMENTOS_STREAM = 'fluxo:lancamentos'

/** What is known of the ledger, and which of its events could not be applied. */
export const LANCAMENTOS_INBOX: InboxTable = {
  name: 'inbox_lancamentos',
  lock: LOCKS.secondInbox,
  letters: 'carta_lancamentos',
}

/** An entry of the ledger as it is told: whose it is, the day that it changes, and its JSON in a lot. */
type LancamentoDito = {
  posicao: number
  id: string
  comercianteId: string
  data: string
  em: string
  item: string
}

/** `data` of an entry's event. */
const LancamentoDataSchema = z.object({
  id: z.guid(),
  comerciante_id: z.string(),
  tipo: z.string(),
  valor: z.string().regex(/^(0|[1-9]\d*)\.\d{2}$/),
  data: z.iso.date(),
  referencia: z.string().optional(),
  estorna: z.string().optional(),
})

/** Reads an event of the ledger. `posicao` is told as `Fluxo-Posicao` takes it. */
const readLancamento: Reader<LancamentoDito> = (evento, posicao) => {
  if (evento.type !== 'lancamento.registrado.v1') return 'type: not an entry'
  const read = readData(LancamentoDataSchema, evento)
  if (typeof read === 'string') return read
  const { id, comerciante_id: comercianteId, tipo, valor, data, referencia, estorna } = read
  // JSON has no undefined: what is absent here is absent there.
  const told = {
    id,
    tipo,
    valor: rawNumber(valor),
    data,
    referencia,
    estorna,
    posicao: `${evento.particao}:${posicao}`,
  }
  return { posicao, id: evento.id, comercianteId, data, em: evento.time, item: JSON.stringify(told) }
}

/** Whether somebody hears of what an entry `n` makes somebody tell. */
const heard = (tipo: string): string => `(select ${HEARD} from (select n.comerciante_id, n.em, '${tipo}' as tipo) d)`

/**
 * The ledger, as it is told: an entry waits for its lot, and its day for its turn. A merchant of whom nobody hears costs the probe of one
 * key. Days are changed in the order of their key, so no two batches wait for each other.
 */
export const lancamentosGroup = (dayEveryMs: number): Group<LancamentoDito, number> => ({
  group: AVISOS_GROUP,
  inbox: LANCAMENTOS_INBOX,
  read: readLancamento,
  effect: {
    columns: [
      { name: 'comerciante_id', type: 'text', value: (row) => row.comercianteId },
      { name: 'data', type: 'date', value: (row) => row.data },
      { name: 'em', type: 'timestamptz', value: (row) => row.em },
      { name: 'item', type: 'text', value: (row) => row.item },
    ],
    ctes: `
ouvidos as materialized (
  select n.*, ${heard(LANCAMENTO_REGISTRADO)} as em_lote, ${heard(SALDO_ALTERADO)} as no_saldo
  from novos n join ouvinte o on o.comerciante_id = n.comerciante_id
),
itens as (
  insert into lancamento_a_avisar (particao, posicao, comerciante_id, em, item)
  select $1::smallint, n.posicao, n.comerciante_id, n.em, n.item from ouvidos n where n.em_lote
),
dias as (
  insert into dia_a_avisar as d (comerciante_id, data, particao, posicao, vence_em)
  select n.comerciante_id, n.data, $1::smallint, max(n.posicao), now() from ouvidos n where n.no_saldo
  group by n.comerciante_id, n.data order by n.comerciante_id, n.data
  on conflict (comerciante_id, data) do update set
    particao = excluded.particao,
    posicao = greatest(d.posicao, excluded.posicao),
    vence_em = coalesce(d.vence_em, greatest(now(), d.avisado_em + interval '${dayEveryMs} milliseconds'))
)`,
    result: '(select count(*)::text from ouvidos where em_lote or no_saldo)',
    parse: (json) => Number(json),
  },
})
