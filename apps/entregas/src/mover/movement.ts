import type { LogRow, Movement } from '@fluxo/shared/log/log-table'
import type { PedidoChange } from '../domain/change.ts'
import { changeImpressao } from '../domain/impressao.ts'
import { statusCode, statusMask, TENTATIVAS_MAX } from '../domain/status.ts'
import { CHANGE, CORRECTION, NOTE } from './evento-table.ts'
import { PEDIDO_JSON } from './pedido-row.ts'

/** A change, its event's id and time, and the key under which it was asked for. */
export type ChangeRequest = {
  change: PedidoChange
  eventoId: string
  createdAt: Date
  chave?: string | undefined
  traceparent?: string | undefined
  /** The version of the due step that asked for it; the step is done with, whatever comes of it. */
  passo?: number | undefined
}

/** Writes a change as a row of the batch. */
export const rowOfChange = ({ change, eventoId, createdAt, chave, traceparent, passo }: ChangeRequest): LogRow => {
  const { pedidoId, comercianteId, to, from, versao, correction = false, details } = change
  return {
    id: eventoId,
    pedido_id: pedidoId,
    comerciante_id: comercianteId,
    especie: to === undefined ? NOTE : correction ? CORRECTION : CHANGE,
    informado: details.informado === undefined ? undefined : statusCode(details.informado),
    reason: details.reason,
    note: details.note,
    location: details.location,
    actor: details.actor,
    source: details.source,
    codigo: details.codigo,
    chave,
    impressao: chave === undefined ? undefined : `\\x${changeImpressao(change)}`,
    rastro: traceparent,
    occurred_at: details.occurredAt.toISOString(),
    created_at: createdAt.toISOString(),
    para: to === undefined ? undefined : statusCode(to),
    de: statusMask(from),
    versao,
    passo,
  }
}

const DELIVERY_FAILED = statusCode('DELIVERY_FAILED')
const OUT_FOR_DELIVERY = statusCode('OUT_FOR_DELIVERY')
const DELIVERED = statusCode('DELIVERED')

/**
 * Moves orders: the guard is the update itself, which finds an order only at the version and in one of the statuses that
 * the change names. Whoever moves an order is done with the steps that were due for it.
 */
export const MOVE_PEDIDO: Movement = {
  verb: 'move',
  fields: { para: 'smallint', de: 'int', versao: 'int', passo: 'int' },
  ctes: `movidos as (
  update pedido p set
    status = coalesce(c.para, p.status),
    anterior = case when c.para is null then p.anterior else p.status end,
    version = p.version + 1,
    tentativas = p.tentativas + case
      when c.especie = ${CHANGE} and c.para = ${DELIVERY_FAILED} then 1
      when c.especie = ${CORRECTION} and p.status = ${DELIVERY_FAILED} then -1 else 0 end,
    entregas = p.entregas + case when c.especie = ${CHANGE} and c.para = ${DELIVERED} then 1 else 0 end,
    entregue_em = case when c.especie = ${CHANGE} and c.para = ${DELIVERED} then c.occurred_at else p.entregue_em end,
    corrigivel = case when c.para is null then p.corrigivel else c.especie = ${CHANGE} and c.source = 'correios' end,
    ocorrido_em = case when c.para is null then p.ocorrido_em else c.occurred_at end,
    updated_at = c.created_at
  from candidatos c cross join vez
  where p.id = c.pedido_id and p.comerciante_id = c.comerciante_id
    and (c.versao is null or p.version = c.versao)
    and c.de & (1 << p.status) <> 0
    and not (c.source = 'api' and c.para = ${OUT_FOR_DELIVERY} and p.status = ${DELIVERY_FAILED}
      and p.tentativas >= ${TENTATIVAS_MAX})
  returning c.*, p.version as p_version, p.status as p_status, p.tentativas as p_tentativas, p.entregas as p_entregas,
    case when c.para is null then p.status else p.anterior end as p_anterior, p.entregue_em as p_entregue_em,
    p.valor as p_valor, ${PEDIDO_JSON} as p_json
), passos_feitos as (
  delete from passo s using candidatos c where s.pedido_id = c.pedido_id
    and (s.versao = c.passo or c.ordem in (select ordem from movidos))
)`,
  columns: {
    seq: 'm.p_version',
    status: 'm.p_status',
    anterior: 'm.p_anterior',
    tentativas: 'm.p_tentativas',
    entregas: 'm.p_entregas',
    entregue_em: 'm.p_entregue_em',
    valor: 'm.p_valor',
  },
  after: 'm.p_json',
}
