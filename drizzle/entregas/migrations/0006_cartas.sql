-- A dead letter of an order's event may be redriven, by the group whose it is: the webhooks get a table of their own. Adds columns and a
-- table, rewrites none; an older service goes on writing letters.

-- Letters that are there, and those of an older service, were noted by the statement that passed them over: hence the default. Who
-- keeps a letter before that says null.
alter table carta_morta
  add column tentativas integer not null default 1,
  add column pulada_em timestamptz default '-infinity',
  add column redirigida_em timestamptz;
--> statement-breakpoint
create table carta_avisos (
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
-- Which of the two groups kept a letter was not noted, so both get it. Applied again, an event plans no step and notes no delivery that
-- is there already.
insert into carta_avisos (particao, posicao, evento, motivo, criada_em)
select particao, posicao, evento, motivo, criada_em from carta_morta;
--> statement-breakpoint
grant update on carta_morta to entregas;
--> statement-breakpoint
grant select, insert, update on carta_avisos to entregas;
