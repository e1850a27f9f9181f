-- The ledger: an append-only table that is its own outbox. Creates tables, rewrites none.

do $$ begin
  if not exists (select from pg_roles where rolname = 'lancamentos') then
    create role lancamentos nologin;
  end if;
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
-- Columns of fixed width first, widest first: no padding, 12 bytes less an entry.
create table lancamentos (
  posicao bigint not null,
  valor bigint not null constraint lancamentos_valor check (valor > 0),
  created_at timestamptz(3) not null,
  data date not null,
  particao smallint not null,
  tipo smallint not null constraint lancamentos_tipo check (tipo in (1, -1)),
  id uuid not null,
  estorna uuid,
  comerciante_id text not null,
  descricao text not null,
  referencia text,
  chave text,
  impressao bytea not null,
  rastro text,
  primary key (particao, posicao)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
create unique index lancamentos_id on lancamentos (id);
--> statement-breakpoint
create unique index lancamentos_chave on lancamentos (comerciante_id, chave) where chave is not null;
--> statement-breakpoint
create unique index lancamentos_referencia on lancamentos (comerciante_id, referencia) where referencia is not null;
--> statement-breakpoint
create unique index lancamentos_estorna on lancamentos (estorna) where estorna is not null;
--> statement-breakpoint
create index lancamentos_dia on lancamentos (comerciante_id, data, posicao);
--> statement-breakpoint
create function lancamentos_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: correct a mistake with an estorno' using errcode = 'restrict_violation';
end $$;
--> statement-breakpoint
-- Row level for what a statement touches, statement level for TRUNCATE: they hold against the owner too.
create trigger lancamentos_append_only before update or delete on lancamentos
  for each row execute function lancamentos_append_only();
--> statement-breakpoint
create trigger lancamentos_no_truncate before truncate on lancamentos
  for each statement execute function lancamentos_append_only();
--> statement-breakpoint
grant usage on schema public to lancamentos;
--> statement-breakpoint
grant select, insert on lancamentos to lancamentos;
--> statement-breakpoint
grant select on log_estado to lancamentos;
--> statement-breakpoint
grant select, update (ultima) on posicao to lancamentos;
--> statement-breakpoint
grant select, update (posicao) on relay_cursor to lancamentos;
