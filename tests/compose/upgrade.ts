import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

/** What deploy/compose/README.md tells operators to run. */
const ENSURE = ['exec', '-T', 'postgres', 'bash', '/docker-entrypoint-initdb.d/10-fluxo.sh']
const NAMES = "select string_agg(datname, ' ' order by datname) from pg_database where not datistemplate"
const PASSWORDS = "select md5(string_agg(rolpassword, ' ' order by rolname)) from pg_authid where rolcanlogin"

/** A data volume that was made before there was a fourth database gets it, and nothing else of it changes. */
export const checkUpgrade = async ({ stack, report }: { stack: Stack; report: Report }): Promise<void> => {
  await stack.compose('up', '-d', '--wait', 'postgres')
  const psql = async (...commands: string[]) => {
    const options = commands.flatMap((command) => ['-c', command])
    return (await stack.compose('exec', '-T', 'postgres', 'psql', '-qAtX', '-U', 'postgres', ...options)).trim()
  }
  const [names, passwords] = [await psql(NAMES), await psql(PASSWORDS)]
  await stack.compose(...ENSURE)
  const same = (await psql(NAMES)) === names && (await psql(PASSWORDS)) === passwords
  report.check('on a new volume the script of the databases changes nothing', same, names)
  await psql('drop database avisos', 'drop role avisos')
  const before = await psql(NAMES)
  await stack.compose(...ENSURE)
  const after = await psql(NAMES)
  report.check('an older volume gets what it lacks', before !== names && after === names, `${before}, then ${after}`)
}
