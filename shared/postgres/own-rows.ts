/**
 * Wraps a query so that PostgreSQL itself shows it one merchant's rows only. `merchant` is the parameter that names it.
 *
 * It is for connections whose role is under row-level security with the policy
 * `comerciante_id = current_setting('fluxo.comerciante', true)`. The query keeps its own `comerciante_id = $1`, by which it is
 * planned; where that is forgotten, the rows are still the merchant's, and outside this wrapper there are none.
 *
 * One statement, so one round trip, and the setting ends with its transaction: nothing is left for the next request of a
 * pooled connection. `leitor` sets it; everything else hangs on a column of `leitor` behind `offset 0`, which is never
 * pulled up, so no row is looked at before. The inner order stays, since `leitor` is one row. Some 10 µs a read.
 */
export const ownRows = (query: string, merchant = '$1'): string => `
with leitor as materialized (select set_config('fluxo.comerciante', ${merchant}, true) as comerciante)
select r.* from leitor cross join lateral (
  select q.* from (${query}) q where leitor.comerciante is not null offset 0
) r`
