-- Row-level security: what is read for a merchant is read by a role that sees this merchant's rows only. Rewrites no table; waits for
-- the exclusive lock of `saldo` for a moment.

-- Nobody logs in with this role: the service's connections for such reads begin with it. The exception is another migration that
-- was a moment faster.
do $$ begin
  create role consolidado_leitura nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
-- To the service, and to the owner where that serves itself (one login for both). A superuser may become anybody.
do $$ begin
  if not pg_has_role('consolidado', 'consolidado_leitura', 'member') then
    grant consolidado_leitura to consolidado;
  end if;
  if not pg_has_role(current_user, 'consolidado_leitura', 'usage') then
    grant consolidado_leitura to current_user;
  end if;
end $$;
--> statement-breakpoint
alter table saldo enable row level security;
--> statement-breakpoint
-- One statement of the projection writes days of many merchants. A constant costs nothing.
create policy saldo_servico on saldo to consolidado using (true);
--> statement-breakpoint
-- Without a merchant the setting is null or empty, which no merchant is: no rows.
create policy saldo_leitura on saldo for select to consolidado_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
grant usage on schema public to consolidado_leitura;
--> statement-breakpoint
grant select on projecao, saldo to consolidado_leitura;
