import { LOCKS } from '@fluxo/shared/postgres/locks'
import postgres from 'postgres'

const NAME = /^[a-z][a-z0-9_]{0,62}$/

/** Names and passwords go into DDL, which takes no parameters; anything that would need quoting is refused. */
const checked = (kind: string, text: string, pattern: RegExp): string => {
  if (!pattern.test(text)) throw new Error(`invariant: ${kind} is plain text, not ${JSON.stringify(text)}`)
  return text
}

/** The same server and credentials, another database; with `login`, another role too. */
export const databaseUrl = (url: string, database: string, login?: { role: string; password: string }): string => {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  if (login) {
    changed.username = encodeURIComponent(login.role)
    changed.password = encodeURIComponent(login.password)
  }
  return changed.href
}

/** Runs statements one after another on a connection of their own. */
export const runStatements = async (url: string, statements: readonly string[]): Promise<void> => {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'fluxo setup' } })
  try {
    for (const statement of statements) await sql.unsafe(statement).simple()
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/**
 * Makes a login role where it is missing and sets its password, so that a role that a migration made without login can log in too.
 * Roles belong to the whole cluster: two who make the same one at once take turns. It gets no right here: the migrations grant what a service needs. `url` is a superuser's.
 */
export const ensureRole = async (url: string, role: string, password: string): Promise<void> => {
  const name = checked('a role', role, NAME)
  const secret = checked('a password', password, /^[A-Za-z0-9_-]+$/)
  await runStatements(url, [
    `do $$ begin
      perform pg_advisory_xact_lock(${LOCKS.role});
      if not exists (select from pg_roles where rolname = '${name}') then create role ${name}; end if;
      alter role ${name} login password '${secret}';
    end $$`,
  ])
}

/** Makes a database where it is missing; `url` is a superuser's. Resolves the superuser's URL of that database. */
export const ensureDatabase = async (url: string, database: string): Promise<string> => {
  const name = checked('a database', database, NAME)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const [found] = await sql`select from pg_database where datname = ${name}`
    if (!found) await sql.unsafe(`create database ${name}`)
  } finally {
    await sql.end({ timeout: 5 })
  }
  return databaseUrl(url, name)
}
