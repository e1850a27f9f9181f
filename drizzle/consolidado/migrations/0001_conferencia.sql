-- The integrity check's own sums of the ledger (apps/consolidado/src/verificar). Creates tables, rewrites none.
create table conferencia (
  particao smallint not null,
  comerciante_id text not null,
  data date not null,
  creditos numeric(24, 0) not null,
  debitos numeric(24, 0) not null,
  quantidade bigint not null,
  constraint conferencia_comerciante_id_data_pk primary key (comerciante_id, data)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
create table conferencia_particao (
  particao smallint primary key,
  posicao bigint not null,
  ultimo_id uuid,
  faltas bigint not null,
  epoca uuid not null,
  geracao integer not null,
  redirigidas bigint not null
) with (fillfactor = 10);
--> statement-breakpoint
grant select, insert, update, delete on conferencia to consolidado;
--> statement-breakpoint
grant select, insert, update on conferencia_particao to consolidado;
