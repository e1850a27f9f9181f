-- Who is told of what: webhooks with their deliveries, the events that are told, and what was read of the logs that they come from.
-- Creates tables, rewrites none.

-- Without a login: who operates the database gives one. The exception is another migration that was a moment faster.
do $$ begin
  create role avisos nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
-- What was read of each log: one row per partition, see shared/inbox. fillfactor 10: it is updated in place (HOT) by every batch.
create table inbox_pedidos (
  particao smallint primary key,
  aplicada_ate bigint not null default 0,
  adiante int8multirange not null default '{}',
  epoca uuid,
  ultima_posicao bigint not null default 0,
  ultimo_id uuid,
  divergente text
) with (fillfactor = 10);
--> statement-breakpoint
create table inbox_lancamentos (
  particao smallint primary key,
  aplicada_ate bigint not null default 0,
  adiante int8multirange not null default '{}',
  epoca uuid,
  ultima_posicao bigint not null default 0,
  ultimo_id uuid,
  divergente text
) with (fillfactor = 10);
--> statement-breakpoint
create table carta_pedidos (
  particao smallint not null,
  posicao bigint not null,
  evento text not null,
  motivo text not null,
  tentativas integer not null default 1,
  criada_em timestamptz not null default now(),
  pulada_em timestamptz default '-infinity',
  redirigida_em timestamptz,
  primary key (particao, posicao)
);
--> statement-breakpoint
create table carta_lancamentos (
  particao smallint not null,
  posicao bigint not null,
  evento text not null,
  motivo text not null,
  tentativas integer not null default 1,
  criada_em timestamptz not null default now(),
  pulada_em timestamptz default '-infinity',
  redirigida_em timestamptz,
  primary key (particao, posicao)
);
--> statement-breakpoint
-- A merchant of whom somebody hears. Whoever notes an event locks this row and takes the numbers after `ultimo`: those of a merchant have
-- no gaps, and are seen in their order. Who locks several takes them in the order of comerciante_id. Updated in place (HOT) by every batch.
create table ouvinte (
  comerciante_id text primary key,
  ultimo bigint not null default 0,
  desde timestamptz not null default now(),
  escuta_ate timestamptz
) with (fillfactor = 50);
--> statement-breakpoint
-- What is told, as it is sent: `{type, timestamp, data}`. Noted only for who hears of it just then, and deleted with its deliveries.
create table evento (
  seq bigint not null,
  em timestamptz(3) not null,
  criado_em timestamptz(3) not null default now(),
  id uuid not null unique,
  comerciante_id text not null,
  tipo text not null,
  corpo text not null,
  rastro text,
  primary key (comerciante_id, seq)
);
--> statement-breakpoint
create index evento_idade on evento (criado_em);
--> statement-breakpoint
-- Where a merchant wants to be told. What was recorded hours before `desde` is not told. A removed one stays for its
-- deliveries' sake, without its secret. `vaga` is which of its merchant's places it holds.
create table webhook (
  id uuid primary key,
  comerciante_id text not null,
  url text not null,
  eventos text[],
  segredo text not null,
  segredo_anterior text,
  anterior_ate timestamptz,
  desde timestamptz not null default now(),
  criado_em timestamptz(3) not null default now(),
  falhando_desde timestamptz,
  desativado_em timestamptz(3),
  motivo text,
  removido_em timestamptz(3),
  vaga smallint
) with (fillfactor = 70);
--> statement-breakpoint
create index webhook_do_comerciante on webhook (comerciante_id, criado_em, id) where removido_em is null;
--> statement-breakpoint
create unique index webhook_vaga on webhook (comerciante_id, vaga) where removido_em is null;
--> statement-breakpoint
-- One delivery of one event to one webhook. `vence_em` is when the next attempt is due, and null once nothing is left to do: a claim is
-- a later due time, so an instance that dies gives its deliveries back. `passo` counts the attempts of this round, `tentativas` all.
create table aviso (
  vence_em timestamptz,
  criado_em timestamptz(3) not null default now(),
  terminado_em timestamptz(3),
  passo smallint not null default 0,
  tentativas integer not null default 0,
  situacao smallint not null default 0 constraint aviso_situacao check (situacao between 0 and 3),
  id uuid primary key default gen_random_uuid(),
  webhook_id uuid not null references webhook (id),
  evento_id uuid not null,
  tipo text not null,
  devolvido_em timestamptz(3),
  motivo text,
  constraint aviso_uma_vez unique (webhook_id, evento_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
-- What is due, webhook by webhook: one whose receiver is slow does not stand in front of the others.
create index aviso_vencimento on aviso (webhook_id, vence_em) where vence_em is not null;
--> statement-breakpoint
create index aviso_lista on aviso (webhook_id, criado_em desc, id desc);
--> statement-breakpoint
create index aviso_idade on aviso (criado_em);
--> statement-breakpoint
-- What came of each attempt. `resposta` is the beginning of what the receiver said.
create table aviso_tentativa (
  em timestamptz(3) not null,
  duracao_ms integer not null,
  tentativa integer not null,
  status smallint,
  aviso_id uuid not null references aviso (id) on delete cascade,
  erro text,
  resposta text,
  primary key (aviso_id, tentativa)
);
--> statement-breakpoint
-- Entries that wait until their lot is told.
create table lancamento_a_avisar (
  posicao bigint not null,
  notado_em timestamptz not null default now(),
  em timestamptz(3) not null,
  particao smallint not null,
  comerciante_id text not null,
  item text not null,
  primary key (particao, posicao)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
create index lancamento_a_avisar_do_comerciante on lancamento_a_avisar (comerciante_id, posicao);
--> statement-breakpoint
-- Days whose balance has changed. `vence_em` is when that is told next, and null once the last change was told.
create table dia_a_avisar (
  posicao bigint not null,
  vence_em timestamptz,
  avisado_em timestamptz,
  data date not null,
  particao smallint not null,
  comerciante_id text not null,
  primary key (comerciante_id, data)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
create index dia_a_avisar_vencimento on dia_a_avisar (comerciante_id, vence_em) where vence_em is not null;
--> statement-breakpoint
grant usage on schema public to avisos;
--> statement-breakpoint
grant select, insert, update on inbox_pedidos, inbox_lancamentos, carta_pedidos, carta_lancamentos, ouvinte, webhook to avisos;
--> statement-breakpoint
grant select, insert, update, delete on aviso, lancamento_a_avisar, dia_a_avisar to avisos;
--> statement-breakpoint
grant select, insert, delete on evento, aviso_tentativa to avisos;
--> statement-breakpoint
-- Row-level security: what is read for a merchant is read by a role that sees this merchant's rows only. Nobody logs in with it: the
-- service's connections for such reads begin with it.
do $$ begin
  create role avisos_leitura nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
-- To the service, and to the owner where that serves itself (one login for both). A superuser may become anybody.
do $$ begin
  if not pg_has_role('avisos', 'avisos_leitura', 'member') then
    grant avisos_leitura to avisos;
  end if;
  if not pg_has_role(current_user, 'avisos_leitura', 'usage') then
    grant avisos_leitura to current_user;
  end if;
end $$;
--> statement-breakpoint
alter table ouvinte enable row level security;
--> statement-breakpoint
alter table evento enable row level security;
--> statement-breakpoint
alter table webhook enable row level security;
--> statement-breakpoint
alter table aviso enable row level security;
--> statement-breakpoint
alter table aviso_tentativa enable row level security;
--> statement-breakpoint
alter table lancamento_a_avisar enable row level security;
--> statement-breakpoint
alter table dia_a_avisar enable row level security;
--> statement-breakpoint
-- One statement of the service writes and reads rows of many merchants. A constant costs nothing.
create policy ouvinte_servico on ouvinte to avisos using (true);
--> statement-breakpoint
create policy evento_servico on evento to avisos using (true);
--> statement-breakpoint
create policy webhook_servico on webhook to avisos using (true);
--> statement-breakpoint
create policy aviso_servico on aviso to avisos using (true);
--> statement-breakpoint
create policy aviso_tentativa_servico on aviso_tentativa to avisos using (true);
--> statement-breakpoint
create policy lancamento_a_avisar_servico on lancamento_a_avisar to avisos using (true);
--> statement-breakpoint
create policy dia_a_avisar_servico on dia_a_avisar to avisos using (true);
--> statement-breakpoint
-- Without a merchant the setting is null or empty, which no merchant is: no rows. Nothing is read for a merchant from the other tables.
create policy evento_leitura on evento for select to avisos_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
create policy webhook_leitura on webhook for select to avisos_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
-- A delivery is its webhook's merchant's. A scalar subquery is a probe of the key for each row of a page; `exists` may become a hash of
-- all webhooks.
create policy aviso_leitura on aviso for select to avisos_leitura
  using ((select w.comerciante_id from webhook w where w.id = webhook_id) = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
-- `aviso` is under its own policy here, too.
create policy aviso_tentativa_leitura on aviso_tentativa for select to avisos_leitura
  using ((select true from aviso a where a.id = aviso_id));
--> statement-breakpoint
grant usage on schema public to avisos_leitura;
--> statement-breakpoint
grant select on evento, aviso, aviso_tentativa to avisos_leitura;
--> statement-breakpoint
-- All but the secrets.
grant select (id, comerciante_id, url, eventos, criado_em, desativado_em, motivo, removido_em) on webhook to avisos_leitura;
