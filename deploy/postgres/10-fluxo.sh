#!/bin/bash
# Runs once, when the data volume is empty: the three databases, their owner, and a login with nothing but what the migrations grant
# for each service. psql reads the passwords from the environment, so that no process list shows them.
set -eu
psql -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\getenv dono OWNER_PASSWORD
\getenv lancamentos LANCAMENTOS_PASSWORD
\getenv consolidado CONSOLIDADO_PASSWORD
\getenv entregas ENTREGAS_PASSWORD
-- createrole: the migrations name the services' roles, and make those that are missing.
create role fluxo_dono login createrole password :'dono';
create role lancamentos login password :'lancamentos';
create role consolidado login password :'consolidado';
create role entregas login password :'entregas';
create database lancamentos owner fluxo_dono;
create database consolidado owner fluxo_dono;
create database entregas owner fluxo_dono;
-- Each service reaches its own database and no other.
revoke connect, temporary on database lancamentos, consolidado, entregas from public;
grant connect on database lancamentos to lancamentos;
grant connect on database consolidado to consolidado;
grant connect on database entregas to entregas;
SQL
