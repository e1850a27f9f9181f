import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../scripts/local/free-port.ts'
import { serverUser } from '../../scripts/local/postgres-user.ts'
import { type Certificate, createAuthority } from './certificates.ts'
import { startOwnPostgres, startOwnRedis } from './databases.ts'

/** What the certificates of a test's servers are made out to. By `127.0.0.1` the same server goes by another name. */
export const SERVER_NAME = 'localhost'

/** Servers of a test's own under TLS, with authorities: one whose certificates they have, and one that they know nothing of. */
export const createTlsHouse = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fluxo-tls-'))
  await chmod(dir, 0o711)
  const user = await serverUser()
  const authority = createAuthority('Autoridade de teste')
  const closers: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  const keep = async (name: string, text: string): Promise<string> => {
    const file = join(dir, name)
    await writeFile(file, text, { mode: 0o600 })
    if (user) await chown(file, user.uid, user.gid)
    return file
  }
  let kept = 0
  const filesOf = async ({ cert, key }: Certificate) => {
    kept += 1
    return { cert: await keep(`${kept}.pem`, cert), key: await keep(`${kept}.key`, key) }
  }
  const ca = await keep('ca.pem', authority.cert)
  const otherCa = await keep('other-ca.pem', createAuthority('Autoridade de teste').cert)
  return {
    /** Files of the authorities' own certificates. */
    ca,
    otherCa,
    /** A PostgreSQL that speaks TLS, and without it too; with `days` below 0 its certificate is over. */
    postgres: async (days = 1) => {
      const { cert, key } = await filesOf(authority.issue(SERVER_NAME, days))
      const server = await startOwnPostgres({ settings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } })
      closers.unshift(server.remove)
      return server
    },
    /** A Redis with a port of TLS. Undefined, and said aloud, where this machine's was built without. */
    redis: async () => {
      const { cert, key } = await filesOf(authority.issue(SERVER_NAME))
      const tlsPort = await freePort()
      const settings = [`tls-port ${tlsPort}`, `tls-cert-file ${cert}`, `tls-key-file ${key}`, 'tls-auth-clients no']
      const server = await startOwnRedis({ appendonly: false, settings }).catch((error: unknown) => {
        if (!/Bad directive/.test(String(error))) throw error
        console.warn('SKIPPED: TLS to Redis is not tested, since the Redis of this machine was built without it.')
        return undefined
      })
      if (server) closers.unshift(server.remove)
      return server && { ...server, tlsPort }
    },
    close: async () => {
      for (const close of closers) await close()
    },
  }
}

export type TlsHouse = Awaited<ReturnType<typeof createTlsHouse>>
