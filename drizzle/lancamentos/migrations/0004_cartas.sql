-- A dead letter of the orders' events may be redriven. Adds columns, rewrites no table; an older service goes on writing letters.

-- Letters that are there, and those of an older service, were noted by the statement that passed them over: hence the default. Who
-- keeps a letter before that says null.
alter table carta_morta
  add column tentativas integer not null default 1,
  add column pulada_em timestamptz default '-infinity',
  add column redirigida_em timestamptz;
--> statement-breakpoint
grant update on carta_morta to lancamentos;
