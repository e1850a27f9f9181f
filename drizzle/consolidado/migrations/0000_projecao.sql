-- The projection, its inbox and its dead letters. Creates tables, rewrites none.

-- Without a login: who operates the database gives one. The exception is another migration that was a moment faster.
do $$ begin
  create role consolidado nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
create table projecao (
  id smallint primary key constraint projecao_uma_linha check (id = 1),
  geracao integer not null
) with (fillfactor = 10);
--> statement-breakpoint
insert into projecao (id, geracao) values (1, 1);
--> statement-breakpoint
-- fillfactor 80 leaves room to update a day in place (HOT), so that its index entry is written once.
create table saldo (
  geracao integer not null,
  comerciante_id text not null,
  data date not null,
  creditos numeric(24, 0) not null,
  debitos numeric(24, 0) not null,
  quantidade bigint not null,
  versao bigint not null,
  atualizado_em timestamptz not null,
  constraint saldo_geracao_comerciante_id_data_pk primary key (geracao, comerciante_id, data)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
-- fillfactor 10: one hot row per partition, updated in place (HOT) by every batch.
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
create table carta_morta (
  particao smallint not null,
  posicao bigint not null,
  evento text not null,
  motivo text not null,
  tentativas integer not null,
  criada_em timestamptz not null default now(),
  pulada_em timestamptz,
  redirigida_em timestamptz,
  constraint carta_morta_particao_posicao_pk primary key (particao, posicao)
);
--> statement-breakpoint
grant usage on schema public to consolidado;
--> statement-breakpoint
-- A row lock (FOR SHARE) asks for the right to update at least one column.
grant select, update (geracao) on projecao to consolidado;
--> statement-breakpoint
grant select, insert, update, delete on saldo to consolidado;
--> statement-breakpoint
grant select, insert, update on inbox_particao to consolidado;
--> statement-breakpoint
grant select, insert, update on carta_morta to consolidado;
