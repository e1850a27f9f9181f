-- A delivery that is given back untried says since when and why: an open circuit, a name that nobody resolves. Adds empty columns.
alter table aviso add column devolvido_em timestamptz(3);
--> statement-breakpoint
alter table aviso add column motivo text;
