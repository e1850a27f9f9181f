import { type Status, statusCode } from '../../../apps/entregas/src/domain/status.ts'
import type { World } from '../world.ts'
import { ON_ITS_WAY } from './machine.ts'

type Head = {
  ultima: number
  linhas: number
  passos: number
  cartas: number
  a_caminho: number
  diferentes: number
}
type Mark = { quem: string; ate: number; divergente: string | null }

/** The orders' log, what the flow has still to do, and orders that stand elsewhere than their last event says. */
const headOf = async ({ postgres }: World): Promise<Head | undefined> => {
  const onItsWay = ON_ITS_WAY.map((status) => statusCode(status as Status))
  const { sql } = postgres.entregas
  const [head] = await sql<Head[]>`
    select ultima::float8 as ultima, (select count(*)::float8 from evento) as linhas,
      (select count(*)::float8 from passo) as passos, (select count(*)::float8 from carta_morta) as cartas,
      (select count(*)::float8 from pedido where status in ${sql(onItsWay)}) as a_caminho,
      (select count(*)::float8 from pedido p left join evento e on e.pedido_id = p.id and e.seq = p.version
        where e.status is distinct from p.status
          or p.version <> (select count(*) from evento u where u.pedido_id = p.id)) as diferentes
    from posicao`
  return head
}

/** How far each of those who follow the orders' log has come, as they noted it themselves. */
const marksOf = async ({ postgres }: World): Promise<Mark[]> => [
  ...(await postgres.entregas.sql<Mark[]>`
    select 'the flow' as quem, aplicada_ate::float8 as ate, divergente from inbox_particao`),
  ...(await postgres.avisos.sql<Mark[]>`
    select 'the webhooks' as quem, aplicada_ate::float8 as ate, divergente from inbox_pedidos`),
  ...(await postgres.lancamentos.sql<Mark[]>`
    select 'the ledger' as quem, aplicada_ate::float8 as ate, divergente from inbox_particao`),
]

/** Entries of the ledger that nobody has noted to tell yet. */
const untoldEntries = async ({ postgres }: World): Promise<string[]> => {
  const [head] = await postgres.lancamentos.sql<{ ultima: number }[]>`select ultima::float8 as ultima from posicao`
  const [mark] = await postgres.avisos.sql<(Mark & { cartas: number })[]>`
    select aplicada_ate::float8 as ate, divergente, (select count(*)::float8 from carta_lancamentos) as cartas
    from inbox_lancamentos`
  const found: string[] = []
  if (mark?.ate !== head?.ultima) found.push(`entries are noted to be told up to ${mark?.ate} of ${head?.ultima}`)
  if (mark?.divergente) found.push(`who tells of entries stands still: ${mark.divergente}`)
  if (mark?.cartas !== 0) found.push(`${mark?.cartas} entries to be told were dead-lettered`)
  return found
}

/** What keeps the orders from being at rest: steps to be taken, events that somebody has not followed yet, contradictions. */
export const unsettledOrders = async (world: World): Promise<string[]> => {
  const [letters] = await world.postgres.lancamentos.sql<{ cartas: number }[]>`
    select count(*)::float8 as cartas from carta_morta`
  const [untold] = await world.postgres.avisos.sql<{ cartas: number }[]>`
    select count(*)::float8 as cartas from carta_pedidos`
  const head = await headOf(world)
  if (head === undefined) return ['the orders have no log']
  const { ultima, linhas: rowCount, passos, cartas, a_caminho: onTheirWay, diferentes: misplaced } = head
  const found = await untoldEntries(world)
  if (ultima !== rowCount) found.push(`the orders' log has ${rowCount} rows and its counter says ${ultima}`)
  if (passos > 0) found.push(`${passos} steps of the flow are to be taken`)
  if (onTheirWay > 0) found.push(`${onTheirWay} orders are where the flow moves them on`)
  if (misplaced > 0) found.push(`${misplaced} orders are not where their last event says`)
  const dead = cartas + (letters?.cartas ?? 0) + (untold?.cartas ?? 0)
  if (dead > 0) found.push(`${dead} events of orders were dead-lettered`)
  for (const { quem: who, ate: upTo, divergente } of await marksOf(world)) {
    if (upTo !== ultima) found.push(`${who} followed the orders up to ${upTo} of ${ultima}`)
    if (divergente !== null) found.push(`${who} stands still: ${divergente}`)
  }
  return found
}
