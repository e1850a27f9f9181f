import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { outputOf, run } from './commands.mjs'

/** As in scripts/local/redis.ts: streams need what came with Redis 7.0; every Valkey has it. */
const REDIS_MAJOR_MIN = 7
const PROGRAMS = ['redis-server', 'valkey-server']
const POLICY_FILE = '/usr/sbin/policy-rc.d'

const binDir = (root) => join(root, '.fluxo', 'bin')
const withBin = (root) => ({ ...process.env, PATH: `${binDir(root)}${delimiter}${process.env.PATH}` })

const usable = async (program, env) => {
  const version = await outputOf(program, ['--version'], env)
  return version !== undefined && Number(/v=(\d+)\./.exec(version)?.[1] ?? 0) >= REDIS_MAJOR_MIN
}

const isThere = async (root) => {
  for (const program of PROGRAMS) if (await usable(program, withBin(root))) return true
  return false
}

/** Root itself, or sudo where it asks no password; `undefined` where we may not install. */
const asRoot = async () => {
  if (process.getuid?.() === 0) return (program, args, options) => run(program, args, options)
  if ((await outputOf('sudo', ['-n', 'true'])) === undefined) return undefined
  return (program, args, options) => run('sudo', ['-n', program, ...args], options)
}

/**
 * Debian keeps the server's program in the tools package, under the name of its checker: taking that package alone brings the
 * program without the system service, which would start a Redis of its own on port 6379.
 */
const fromToolsPackage = async (root, kind) => {
  const program = `/usr/bin/${kind}-check-rdb`
  if (!existsSync(program)) return false
  const link = join(binDir(root), `${kind}-server`)
  mkdirSync(binDir(root), { recursive: true })
  rmSync(link, { force: true })
  symlinkSync(program, link)
  if (await usable(link)) return true
  rmSync(link, { force: true })
  return false
}

/** Installs the server package while a policy forbids every package to start a service. Root only: it writes that policy. */
const fromServerPackage = async (sudo, kind, options) => {
  if (process.getuid?.() !== 0) return
  const mine = !existsSync(POLICY_FILE)
  if (mine)
    writeFileSync(
      POLICY_FILE,
      '#!/bin/sh\n# Written by "npm start" of fluxo while it installs Redis; safe to delete.\nexit 101\n',
      { mode: 0o755 },
    )
  try {
    await sudo('apt-get', ['install', '-y', '--no-install-recommends', `${kind}-server`], options)
  } finally {
    if (mine) rmSync(POLICY_FILE, { force: true })
  }
}

const fromApt = async (root, sudo, log) => {
  const options = { log, env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } }
  await sudo('apt-get', ['update'], options).catch(() => {})
  for (const kind of ['redis', 'valkey']) {
    try {
      await sudo('apt-get', ['install', '-y', '--no-install-recommends', `${kind}-tools`], options)
      if (await fromToolsPackage(root, kind)) return
      await fromServerPackage(sudo, kind, options)
      if (await isThere(root)) return
    } catch {
      // Not in this distribution under that name: the next one is tried, and the caller sees whether any came.
    }
  }
}

/** The first of the packages that can be installed. */
const fromFirst = async (packages, installOne) => {
  for (const name of packages) {
    const done = await installOne(name).then(
      () => true,
      () => false,
    )
    if (done) return
  }
}

/** How this machine installs programs, where we may: in words, and as what does it. */
const managerHere = async () => {
  if (process.platform === 'darwin') {
    const brew = (_root, log) => fromFirst(['redis', 'valkey'], (name) => run('brew', ['install', name], { log }))
    return { words: 'brew install redis', installWith: brew }
  }
  const sudo = await asRoot()
  if (!sudo) return undefined
  if (existsSync('/usr/bin/apt-get')) {
    return { words: 'apt-get install redis-tools, as root', installWith: (root, log) => fromApt(root, sudo, log) }
  }
  const install = (packages, program, words) => ({
    words: `${program} ${words} ${packages[0]}, as root`,
    installWith: (_root, log) => fromFirst(packages, (name) => sudo(program, [...words.split(' '), name], { log })),
  })
  if (existsSync('/usr/bin/dnf')) return install(['valkey', 'redis'], 'dnf', 'install -y')
  if (existsSync('/sbin/apk')) return install(['redis', 'valkey'], 'apk', 'add')
  return undefined
}

export const redisStep = {
  title: 'Redis',
  isDone: ({ root }) => isThere(root),
  announce: async () => {
    const manager = await managerHere()
    if (manager === undefined) return undefined
    return (
      `no Redis is on this machine, so it is installed for all of it: ${manager.words}. ` +
      `To avoid that, Ctrl-C and have redis-server or valkey-server (>= ${REDIS_MAJOR_MIN}.0) on PATH, or start with REDIS_URL.`
    )
  },
  run: async ({ root, log }) => {
    await (await managerHere())?.installWith(root, log)
    if (await isThere(root)) return
    throw new Error(
      `no redis-server (>= ${REDIS_MAJOR_MIN}.0) or valkey-server on PATH, and none could be installed here. ` +
        'Install one with your package manager, set REDIS_URL, or use `docker compose up`.',
    )
  },
}
