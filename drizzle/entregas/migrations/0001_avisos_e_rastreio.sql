-- What leaves the house: webhooks with their deliveries, and the tokens of the public tracking page. Creates tables, rewrites none.

-- Where a merchant wants to be told of its orders. `desde` is the end of the log of the merchant's partition when it was made:
-- what happened before is not told. A removed one stays for its deliveries' sake, without its secret.
create table webhook (
  id uuid primary key,
  comerciante_id text not null,
  url text not null,
  eventos text[],
  segredo text not null,
  segredo_anterior text,
  anterior_ate timestamptz,
  desde bigint not null,
  criado_em timestamptz(3) not null default now(),
  desativado_em timestamptz(3),
  motivo text,
  removido_em timestamptz(3)
);
--> statement-breakpoint
create index webhook_do_comerciante on webhook (comerciante_id, criado_em, id) where removido_em is null;
--> statement-breakpoint
-- One delivery of one event to one webhook. `vence_em` is when the next attempt is due, and null once nothing is left to do: a claim is
-- a later due time, so an instance that dies gives its deliveries back. `passo` counts the attempts of this round, `tentativas` all.
-- What is sent is read from the event itself, at its place in the log; one without a place is a merchant's own test.
create table aviso (
  vence_em timestamptz,
  criado_em timestamptz(3) not null default now(),
  terminado_em timestamptz(3),
  passo smallint not null default 0,
  tentativas integer not null default 0,
  posicao bigint,
  particao smallint,
  situacao smallint not null default 0 constraint aviso_situacao check (situacao between 0 and 3),
  id uuid primary key default gen_random_uuid(),
  webhook_id uuid not null references webhook (id),
  evento_id uuid not null,
  tipo text not null,
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
-- What the webhooks have read of the log: one row per partition, see shared/inbox.
create table inbox_avisos (
  particao smallint primary key,
  aplicada_ate bigint not null default 0,
  adiante int8multirange not null default '{}',
  epoca uuid,
  ultima_posicao bigint not null default 0,
  ultimo_id uuid,
  divergente text
) with (fillfactor = 10);
--> statement-breakpoint
-- The token of an order's public page, by its SHA-256: whoever reads this table can open no page. One for an order; a new one replaces it.
create table rastreio (
  pedido_id uuid primary key,
  token_sha256 bytea not null unique,
  criado_em timestamptz(3) not null default now()
);
--> statement-breakpoint
grant select, insert, update on webhook to entregas;
--> statement-breakpoint
grant select, insert, update, delete on aviso to entregas;
--> statement-breakpoint
grant select, insert, delete on aviso_tentativa to entregas;
--> statement-breakpoint
grant select, insert, update on inbox_avisos to entregas;
--> statement-breakpoint
grant select, insert, update, delete on rastreio to entregas;
