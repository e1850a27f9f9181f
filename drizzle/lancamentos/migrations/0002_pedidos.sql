-- What the ledger has read of the orders' log: paid deliveries become entries. Creates tables, rewrites none.

-- One row per partition of that log, see shared/inbox. fillfactor 10: it is updated in place (HOT) by every batch.
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
grant select, insert, update on inbox_particao to lancamentos;
--> statement-breakpoint
grant select, insert on carta_morta to lancamentos;
