import type { Sql } from '@fluxo/shared/postgres/sql'
import { withSql } from './check.ts'
import type { Database } from './servers.ts'

/** The orders and their log, in numbers: one partition. */
export type OrdersState = {
  events: number
  max: number
  ultima: number
  orders: number
  /** Of all orders: each counts its own events. */
  versions: number
  delivered: number
}

const DELIVERED = 6

const readOrders = (sql: Sql): Promise<OrdersState> =>
  sql<OrdersState[]>`
    select (select count(*) from evento)::float8 as events, (select coalesce(max(posicao), 0) from evento)::float8 as max,
      (select sum(ultima) from posicao)::float8 as ultima, count(*)::float8 as orders,
      coalesce(sum(version), 0)::float8 as versions, count(*) filter (where status = ${DELIVERED})::float8 as delivered
    from pedido
  `.then(([state]) => state ?? { events: 0, max: 0, ultima: 0, orders: 0, versions: 0, delivered: 0 })

/** What a database of orders holds now. */
export const ordersOf = ({ ownerUrl }: Database): Promise<OrdersState> => withSql(ownerUrl, readOrders)

/** No gap in the log, and every order at the version that its events say: nothing lost, nothing twice. */
export const ordersErrors = ({ events, max, ultima, versions }: OrdersState): string[] =>
  events === max && max === ultima && events === versions
    ? []
    : [`count(*) ${events}, max(posicao) ${max}, ultima ${ultima} and the orders' versions ${versions} are not equal`]

/** The end of the log: one row, cheap enough to be asked for again and again. */
export const readUltima = (sql: Sql): Promise<number> =>
  sql<{ ultima: number }[]>`select sum(ultima)::float8 as ultima from posicao`.then(([row]) => row?.ultima ?? 0)

/** How far the flow has read. */
export const readFollowed = (sql: Sql): Promise<number> =>
  sql<{ ate: number }[]>`select sum(aplicada_ate)::float8 as ate from inbox_particao`.then(([row]) => row?.ate ?? 0)
