#!/bin/bash
# The databases, their owner, and a login with nothing but what the migrations grant for each service. The image runs it once,
# when the data volume is empty. It makes what is missing and changes nothing that is there, so it also brings a volume up to date that
# was made before one of them existed (deploy/compose/README.md). psql reads the passwords from the environment, so that no process
# list shows them.
set -eu
psql -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\getenv dono OWNER_PASSWORD
\getenv lancamentos LANCAMENTOS_PASSWORD
\getenv consolidado CONSOLIDADO_PASSWORD
\getenv entregas ENTREGAS_PASSWORD
\getenv avisos AVISOS_PASSWORD
-- createrole: the migrations name the services' roles, and make those that are missing.
select format('create role %I login %s password %L', name, attributes, password)
from (values ('fluxo_dono', 'createrole', :'dono'), ('lancamentos', '', :'lancamentos'),
             ('consolidado', '', :'consolidado'), ('entregas', '', :'entregas'),
             ('avisos', '', :'avisos')) wanted(name, attributes, password)
where not exists (select 1 from pg_roles where rolname = name)
\gexec
select format('create database %I owner fluxo_dono', name)
from (values ('lancamentos'), ('consolidado'), ('entregas'), ('avisos')) wanted(name)
where not exists (select 1 from pg_database where datname = name)
\gexec
-- Each service reaches its own database and no other.
revoke connect, temporary on database lancamentos, consolidado, entregas, avisos from public;
grant connect on database lancamentos to lancamentos;
grant connect on database consolidado to consolidado;
grant connect on database entregas to entregas;
grant connect on database avisos to avisos;
SQL
