-- Row-level security: what is read for a merchant is read by a role that sees this merchant's rows only. Rewrites no table; waits for
-- the exclusive lock of each of them for a moment.

-- Nobody logs in with this role: the service's connections for such reads begin with it. The exception is another migration that
-- was a moment faster.
do $$ begin
  create role entregas_leitura nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;
--> statement-breakpoint
-- To the service, and to the owner where that serves itself (one login for both). A superuser may become anybody.
do $$ begin
  if not pg_has_role('entregas', 'entregas_leitura', 'member') then
    grant entregas_leitura to entregas;
  end if;
  if not pg_has_role(current_user, 'entregas_leitura', 'usage') then
    grant entregas_leitura to current_user;
  end if;
end $$;
--> statement-breakpoint
alter table pedido enable row level security;
--> statement-breakpoint
alter table evento enable row level security;
--> statement-breakpoint
alter table webhook enable row level security;
--> statement-breakpoint
alter table aviso enable row level security;
--> statement-breakpoint
alter table aviso_tentativa enable row level security;
--> statement-breakpoint
-- One statement of the service writes and reads rows of many merchants (group commit, relay, feed, webhooks). A constant costs nothing.
create policy pedido_servico on pedido to entregas using (true);
--> statement-breakpoint
create policy evento_servico on evento to entregas using (true);
--> statement-breakpoint
create policy webhook_servico on webhook to entregas using (true);
--> statement-breakpoint
create policy aviso_servico on aviso to entregas using (true);
--> statement-breakpoint
create policy aviso_tentativa_servico on aviso_tentativa to entregas using (true);
--> statement-breakpoint
-- Without a merchant the setting is null or empty, which no merchant is: no rows.
create policy pedido_leitura on pedido for select to entregas_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
create policy evento_leitura on evento for select to entregas_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
create policy webhook_leitura on webhook for select to entregas_leitura
  using (comerciante_id = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
-- A delivery is its webhook's merchant's. A scalar subquery is a probe of the key for each row of a page; `exists` may become a hash of
-- all webhooks.
create policy aviso_leitura on aviso for select to entregas_leitura
  using ((select w.comerciante_id from webhook w where w.id = webhook_id) = current_setting('fluxo.comerciante', true));
--> statement-breakpoint
-- `aviso` is under its own policy here, too.
create policy aviso_tentativa_leitura on aviso_tentativa for select to entregas_leitura
  using ((select true from aviso a where a.id = aviso_id));
--> statement-breakpoint
grant usage on schema public to entregas_leitura;
--> statement-breakpoint
grant select on pedido, evento, aviso, aviso_tentativa to entregas_leitura;
--> statement-breakpoint
-- All but the secrets.
grant select (id, comerciante_id, url, eventos, criado_em, desativado_em, motivo, removido_em) on webhook to entregas_leitura;
--> statement-breakpoint
-- The narrow way of the public page: whoever has a token learns which order it opens and whose that is, and reads on as that merchant.
-- Nobody lists tokens or tries another column: the role has no right on `rastreio` itself.
create function rastreio_do_token(token bytea) returns table (pedido_id uuid, comerciante_id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select r.pedido_id, p.comerciante_id from rastreio r join pedido p on p.id = r.pedido_id where r.token_sha256 = token
$$;
--> statement-breakpoint
revoke execute on function rastreio_do_token(bytea) from public;
--> statement-breakpoint
grant execute on function rastreio_do_token(bytea) to entregas_leitura;
