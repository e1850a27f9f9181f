import type { Sql } from '@fluxo/shared/postgres/sql'
import { avisoBody } from '../../apps/avisos/src/notar/body.ts'
import { eventoJson, factOf } from '../../apps/entregas/src/domain/evento.ts'
import { EVENTO_COLUMNS, type EventoRow, eventoFromRow } from '../../apps/entregas/src/mover/evento-table.ts'

/** Deliveries that one statement moves. */
const PIECE = 500
/** What is older is in no log of deliveries. */
const KEPT = '30 days'
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

type OldDelivery = { id: string; comerciante_id: string; evento: EventoRow | null } & Record<string, unknown>

/** One piece, in order of the deliveries' ids: each with its event as the log has it, and every attempt. */
const readPiece = (entregas: Sql, after: string, count: number): Promise<OldDelivery[]> =>
  entregas.unsafe<OldDelivery[]>(
    `select w.comerciante_id, a.id, a.webhook_id, a.evento_id, a.tipo, a.criado_em, a.terminado_em, a.vence_em, a.passo::int as passo,
      a.tentativas, a.situacao::int as situacao, a.devolvido_em, a.motivo,
      (select row_to_json(e) from (
        select ${EVENTO_COLUMNS} from evento where evento.particao = a.particao and evento.posicao = a.posicao
      ) e) as evento,
      (select json_agg(t) from aviso_tentativa t where t.aviso_id = a.id) as log
    from aviso a join webhook w on w.id = a.webhook_id
    where a.id > $1::uuid and (a.criado_em > now() - interval '${KEPT}' or a.vence_em is not null) order by a.id limit $2::int`,
    [after, count],
  )

/** What an event of the old log is, as it is told. */
const toldOf = ({ comerciante_id, evento }: OldDelivery) => {
  if (evento === null) return []
  const read = eventoFromRow(evento)
  const [tipo, em] = [factOf(read), read.createdAt.toISOString()]
  return [
    { comerciante_id, id: read.id, tipo, em, corpo: avisoBody(tipo, em, eventoJson(read)), rastro: evento.rastro },
  ]
}

/**
 * Writes a piece in one statement. Events that come from before are numbered downwards from 0, so that a stream, which tells what is after
 * a number, does not take them for new. What is there already is left as it is.
 */
const WRITE = `
with ditos as materialized (
  select distinct on (d.id) d.* from json_to_recordset($1::text::json)
    as d(comerciante_id text, id uuid, tipo text, em timestamptz, corpo text, rastro text)
  where not exists (select from evento e where e.id = d.id)
),
anotados as (
  insert into evento (comerciante_id, seq, id, em, criado_em, tipo, corpo, rastro)
  select d.comerciante_id,
    least(1, coalesce((select min(e.seq) from evento e where e.comerciante_id = d.comerciante_id), 1))
      - row_number() over (partition by d.comerciante_id order by d.em desc),
    d.id, d.em, d.em, d.tipo, d.corpo, d.rastro
  from ditos d on conflict (id) do nothing
),
movidos as (
  insert into aviso (id, webhook_id, evento_id, tipo, criado_em, terminado_em, vence_em, passo, tentativas, situacao, devolvido_em, motivo)
  select a.id, a.webhook_id, a.evento_id, a.tipo, a.criado_em, a.terminado_em, a.vence_em, a.passo, a.tentativas, a.situacao,
    a.devolvido_em, a.motivo
  from json_to_recordset($2::text::json) as a(id uuid, webhook_id uuid, evento_id uuid, tipo text, criado_em timestamptz,
    terminado_em timestamptz, vence_em timestamptz, passo smallint, tentativas int, situacao smallint, devolvido_em timestamptz, motivo text)
  on conflict do nothing returning id
),
tentados as (
  insert into aviso_tentativa (aviso_id, tentativa, em, duracao_ms, status, erro, resposta)
  select m.id, t.tentativa, t.em, t.duracao_ms, t.status, t.erro, t.resposta
  from movidos m join json_to_recordset($2::text::json) as a(id uuid, log json) on a.id = m.id
  cross join lateral json_to_recordset(coalesce(a.log, '[]')) as t(tentativa int, em timestamptz, duracao_ms int, status smallint, erro text, resposta text)
)
select count(*)::int as n from movidos`

/** Moves what is known of deliveries, piece by piece; gives how many were not there yet. */
export async function moveDeliveries(
  { entregas, avisos }: { entregas: Sql; avisos: Sql },
  piece = PIECE,
): Promise<number> {
  let moved = 0
  for (let after = BEFORE_ALL; ; ) {
    const rows = await readPiece(entregas, after, piece)
    const last = rows.at(-1)
    if (last === undefined) return moved
    const deliveries = rows.map(({ evento: _, comerciante_id: __, ...delivery }) => delivery)
    const [{ n } = { n: 0 }] = await avisos.unsafe<{ n: number }[]>(WRITE, [
      JSON.stringify(rows.flatMap(toldOf)),
      JSON.stringify(deliveries),
    ])
    moved += n
    after = last.id
  }
}
