-- Row-level security: what is read for a merchant is read by a role that sees this merchant's rows only. Rewrites no table; waits for
-- the ledger's exclusive lock for a moment.

-- Nobody logs in with this role: the service's connections for such reads begin with it. The exception is another migration that
-- was a moment faster.
do $$ begin
  create role lancamentos_leitura nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
-- To the service, and to the owner where that serves itself (one login for both). A superuser may become anybody.
do $$ begin
  if not pg_has_role('lancamentos', 'lancamentos_leitura', 'member') then
    grant lancamentos_leitura to lancamentos;
  end if;
  if not pg_has_role(current_user, 'lancamentos_leitura', 'usage') then
    grant lancamentos_leitura to current_user;
  end if;
end $$;
--> statement-breakpoint
alter table lancamentos enable row level security;
--> statement-breakpoint
-- One statement of the service writes and reads entries of many merchants (group commit, relay, feed). A constant costs nothing.
create policy lancamentos_servico on lancamentos to lancamentos using (true);
--> statement-breakpoint
-- Without a merchant the setting is null or empty, which no merchant is: no rows.
create policy lancamentos_leitura on lancamentos for select to lancamentos_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
grant usage on schema public to lancamentos_leitura;
--> statement-breakpoint
-- All but what idempotency needs (chave, impressao).
grant select (particao, posicao, id, comerciante_id, tipo, valor, data, descricao, referencia, estorna, rastro, created_at)
  on lancamentos to lancamentos_leitura;
