-- A webhook holds one of its merchant's places, so that many created at once are not too many. Adds a column and an index; no table is rewritten.
alter table webhook add column vaga smallint;
--> statement-breakpoint
update webhook w set vaga = v.vaga
from (
  select id, row_number() over (partition by comerciante_id order by criado_em, id) as vaga from webhook where removido_em is null
) v
where w.id = v.id;
--> statement-breakpoint
create unique index webhook_vaga on webhook (comerciante_id, vaga) where removido_em is null;
