-- Orders, their events (an append-only log that is its own outbox), and the steps that are due. Creates tables, rewrites none.

-- Without a login: who operates the database gives one. The exception is another migration that was a moment faster.
do $$ begin
  create role entregas nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
create table log_estado (
  id smallint primary key default 1 constraint log_estado_uma_linha check (id = 1),
  epoca uuid not null,
  particoes smallint not null check (particoes between 1 and 1024)
);
--> statement-breakpoint
-- fillfactor 10: the hottest row of the database is updated in place (HOT) and never moves to another page.
create table posicao (
  particao smallint primary key,
  ultima bigint not null default 0
) with (fillfactor = 10);
--> statement-breakpoint
create table relay_cursor (
  particao smallint primary key,
  posicao bigint not null default 0
) with (fillfactor = 10);
--> statement-breakpoint
-- An order as it stands: what its last event left. Status codes are those of domain/status.ts.
create table pedido (
  valor bigint constraint pedido_valor check (valor > 0),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  ocorrido_em timestamptz(3) not null,
  entregue_em timestamptz(3),
  version integer not null,
  status smallint not null constraint pedido_status check (status between 0 and 11),
  anterior smallint,
  tentativas smallint not null default 0,
  entregas smallint not null default 0,
  corrigivel boolean not null default false,
  id uuid primary key,
  comerciante_id text not null,
  customer_name text not null,
  address text not null,
  referencia text
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
create index pedido_lista on pedido (comerciante_id, created_at, id);
--> statement-breakpoint
create index pedido_por_status on pedido (comerciante_id, status, created_at, id);
--> statement-breakpoint
-- Columns of fixed width first, widest first: no padding.
create table evento (
  posicao bigint not null,
  valor bigint,
  created_at timestamptz(3) not null,
  occurred_at timestamptz(3) not null,
  entregue_em timestamptz(3),
  seq integer not null,
  particao smallint not null,
  status smallint not null,
  anterior smallint,
  especie smallint not null constraint evento_especie check (especie between 0 and 2),
  informado smallint,
  tentativas smallint not null,
  entregas smallint not null,
  id uuid not null,
  pedido_id uuid not null,
  comerciante_id text not null,
  reason text,
  note text,
  location text,
  actor text not null,
  source text not null,
  codigo text,
  referencia text,
  chave text,
  impressao bytea,
  rastro text,
  primary key (particao, posicao)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
-- The order's history, and a second guard: no step of an order is ever recorded twice.
create unique index evento_do_pedido on evento (pedido_id, seq);
--> statement-breakpoint
create unique index evento_chave on evento (comerciante_id, chave) where chave is not null;
--> statement-breakpoint
create unique index evento_referencia on evento (comerciante_id, referencia) where referencia is not null;
--> statement-breakpoint
-- Steps of the automatic flow that are due or will be. A claim is a later due time, so a worker that dies gives its steps back.
create table passo (
  vence_em timestamptz not null,
  versao integer not null,
  particao smallint not null,
  de smallint not null,
  para smallint not null,
  pedido_id uuid not null,
  comerciante_id text not null,
  rastro text,
  primary key (pedido_id, versao)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
create index passo_vencimento on passo (particao, vence_em);
--> statement-breakpoint
-- What the automatic flow has read of the log: one row per partition, see shared/inbox.
create table inbox_particao (
  particao smallint primary key,
  aplicada_ate bigint not null default 0,
  adiante int8multirange not null default '{}',
  epoca uuid,
  ultima_posicao bigint not null default 0,
  ultimo_id uuid,
  divergente text
) with (fillfactor = 10);
--> statement-breakpoint
-- Events that can never be applied, each with its reason: noted by the statement that passes them over.
create table carta_morta (
  particao smallint not null,
  posicao bigint not null,
  evento text not null,
  motivo text not null,
  criada_em timestamptz not null default now(),
  primary key (particao, posicao)
);
--> statement-breakpoint
create function evento_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only: correct a mistake with a further event' using errcode = 'restrict_violation';
end $$;
--> statement-breakpoint
-- Row level for what a statement touches, statement level for TRUNCATE: they hold against the owner too.
create trigger evento_append_only before update or delete on evento
  for each row execute function evento_append_only();
--> statement-breakpoint
create trigger evento_no_truncate before truncate on evento
  for each statement execute function evento_append_only();
--> statement-breakpoint
grant usage on schema public to entregas;
--> statement-breakpoint
grant select, insert on evento to entregas;
--> statement-breakpoint
grant select, insert, update on pedido to entregas;
--> statement-breakpoint
grant select, insert, update, delete on passo to entregas;
--> statement-breakpoint
grant select, insert, update on inbox_particao to entregas;
--> statement-breakpoint
grant select, insert on carta_morta to entregas;
--> statement-breakpoint
grant select on log_estado to entregas;
--> statement-breakpoint
grant select, update (ultima) on posicao to entregas;
--> statement-breakpoint
grant select, update (posicao) on relay_cursor to entregas;
