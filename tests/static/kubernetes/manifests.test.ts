import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { avisos } from '@fluxo/avisos/app'
import { consolidado } from '@fluxo/consolidado/app'
import { entregas } from '@fluxo/entregas/app'
import { lancamentos } from '@fluxo/lancamentos/app'
import { serviceEnv } from '@fluxo/shared/process/run-service'
import { expect, test } from 'vitest'
import { CONSOLIDADO_GROUP, STREAM_PREFIX } from '../../../apps/consolidado/src/projetar/names.ts'
import { SERVICE_NAMES } from '../../stage/services.ts'
import {
  folder,
  type Labels,
  type Manifest,
  manifests,
  ofKind,
  resources,
  root,
  settings,
  workloads,
} from './manifests.ts'
import { excessProperties, schemaErrors } from './schemas.ts'

const services: readonly string[] = SERVICE_NAMES
const serviceWorkloads = workloads.filter(({ name }) => services.includes(name))
const containerOf = (name: string) => {
  const container = workloads.find((workload) => workload.name === name)?.template.spec.containers[0]
  if (container === undefined) throw new Error(`no workload ${name}`)
  return container
}
const nameOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`

test('every file is applied, and every kind that is needed is there', () => {
  expect(resources().listed).toEqual(resources().present)
  expect(manifests.map(nameOf)).toEqual(
    expect.arrayContaining([
      ...services.flatMap((name) => [`Deployment ${name}`, `Service ${name}`, `PodDisruptionBudget ${name}`]),
      'Job migrate',
      'HorizontalPodAutoscaler lancamentos',
      'HorizontalPodAutoscaler entregas',
      'HorizontalPodAutoscaler avisos',
      'ScaledObject consolidado',
      'Ingress fluxo',
      'NetworkPolicy deny-all',
    ]),
  )
})

test.each(manifests.map((manifest) => [nameOf(manifest), manifest] as const))(
  '%s fits the published schema',
  async (_, manifest) => {
    expect(await schemaErrors(manifest)).toBeUndefined()
  },
)

test('no manifest has a field that its schema does not know', { timeout: 120_000 }, () => {
  expect(excessProperties(manifests)).toBe('')
})

test('the two checks of the schema find a wrong type and a misspelt field', { timeout: 120_000 }, async () => {
  const [deployment] = ofKind('Deployment')
  if (deployment === undefined) throw new Error('invariant: there is a Deployment')
  const wrong = { ...deployment, spec: { ...deployment.spec, minReadySeconds: 'ten' } }
  expect(await schemaErrors(wrong)).toContain('minReadySeconds')
  const misspelt = { ...deployment, spec: { ...deployment.spec, minReadySecond: 10 } }
  expect(await schemaErrors(misspelt)).toBeUndefined()
  expect(excessProperties([misspelt])).toContain('minReadySecond')
})

test('selectors find the pods that they mean', () => {
  const pods = workloads.map(({ template }) => template.metadata.labels)
  const found = (labels: Labels) =>
    pods.filter((pod) => Object.entries(labels).every(([key, value]) => pod[key] === value))
  const selectors = [
    ...ofKind('Service').map(({ spec }) => spec['selector'] as Labels),
    ...[...ofKind('Deployment'), ...ofKind('PodDisruptionBudget')].map(
      ({ spec }) => (spec['selector'] as { matchLabels: Labels }).matchLabels,
    ),
  ]
  expect(selectors.length).toBe(services.length * 3)
  for (const selector of selectors) expect(found(selector)).toHaveLength(1)
})

test('every setting comes from somewhere, and is one that the service knows', () => {
  const { config, secrets } = settings()
  const known = new Map(
    [lancamentos, consolidado, entregas, avisos].map((one) => [one.name, Object.keys(serviceEnv(one).shape)]),
  )
  for (const { name, template } of workloads) {
    const container = containerOf(name)
    const source =
      known.get(name) ??
      readFileSync(join(root, container.command[1] ?? ''), 'utf8') +
        readFileSync(join(root, 'scripts/databases.ts'), 'utf8')
    for (const { name: variable, valueFrom } of container.env) {
      expect(source, `${name}: ${variable}`).toContain(variable)
      const { configMapKeyRef, secretKeyRef } = valueFrom ?? {}
      if (configMapKeyRef) expect([...config.keys()]).toContain(configMapKeyRef.key)
      if (secretKeyRef) expect(secrets.get(secretKeyRef.name)).toContain(secretKeyRef.key)
    }
    expect(template.spec.automountServiceAccountToken).toBe(false)
  }
  const all = [...known.values()].flat()
  for (const variable of config.keys()) if (variable !== 'NODE_OPTIONS') expect(all).toContain(variable)
})

test('live is asked for restarts, ready for traffic, and leaving has the time that it needs', () => {
  const noticeMs = Number.parseInt(settings().config.get('DRENAGEM_AVISO_MS') ?? '', 10) * 1_000
  for (const { name, template } of serviceWorkloads) {
    const { startupProbe, livenessProbe, readinessProbe, ports } = containerOf(name)
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/health/live',
      '/health/live',
      '/health/ready',
    ])
    expect(ports?.map((port) => port.name)).toEqual(['http'])
    // Requests in flight at most 12 s (shared/process/run.ts), closing at most 15 s (shared/process/run-service.ts).
    expect(template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(noticeMs + 12_000 + 15_000)
  }
})

test('no container runs as root, writes its root filesystem or gains privileges', () => {
  for (const { name, template } of workloads) {
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
    expect(containerOf(name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
})

test('the consolidado scales by the lag of the group and stream that it reads', () => {
  const [scaled] = ofKind('ScaledObject')
  const triggers = scaled?.spec['triggers'] as { type: string; metadata: Record<string, string> }[]
  const partitions = Number(settings().config.get('PARTICOES'))
  const streams = triggers.filter(({ type }) => type === 'redis-streams').map(({ metadata }) => metadata)
  expect(streams.map(({ stream }) => stream)).toEqual(
    Array.from({ length: partitions }, (_, p) => `${STREAM_PREFIX}:{${p}}`),
  )
  expect(streams.every(({ consumerGroup }) => consumerGroup === CONSOLIDADO_GROUP)).toBe(true)
  // Two autoscalers of one Deployment would fight, and so would a number of replicas in it.
  expect(ofKind('HorizontalPodAutoscaler').map(({ metadata }) => metadata.name)).toEqual([
    'lancamentos',
    'entregas',
    'avisos',
  ])
  for (const { manifest } of serviceWorkloads) expect(manifest.spec).not.toHaveProperty('replicas')
})

type Path = { path: string; pathType: string; backend: { service: { name: string } } }
const pathsOf = ({ spec }: Manifest): Path[] =>
  (spec['rules'] as { http: { paths: Path[] } }[]).flatMap(({ http }) => http.paths)
const leadsTo =
  (address: string) =>
  ({ path, pathType }: Path): boolean =>
    pathType === 'Exact' ? address === path : address.startsWith(path)

test('the address of a tracking page is its key, and no access log has it', () => {
  const quiet = ofKind('Ingress').filter(({ metadata }) => {
    const { annotations = {} } = metadata as { annotations?: Record<string, string> }
    return annotations['nginx.ingress.kubernetes.io/enable-access-log'] === 'false'
  })
  expect(quiet.flatMap(pathsOf).map(({ path }) => path)).toEqual(['/track', '/rastreio'])
  const others = ofKind('Ingress').filter((ingress) => !quiet.includes(ingress))
  expect(others.flatMap(pathsOf).filter(leadsTo('/track/x'))).toEqual([])
})

test('the logs, the states of days, the metrics and the health of the services are not reachable from outside', () => {
  const paths = ofKind('Ingress').flatMap(pathsOf)
  for (const secret of ['/eventos', '/entregas/eventos', '/saldos', '/metrics', '/health/ready']) {
    expect(paths.filter(leadsTo(secret))).toEqual([])
  }
  expect(paths.every(({ backend }) => services.includes(backend.service.name))).toBe(true)
})

test('nothing is allowed over the network that is not named', () => {
  const policies = ofKind('NetworkPolicy')
  expect(policies[0]?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  const text = JSON.stringify(policies.slice(1))
  for (const port of [3001, 3002, 3003, 3004, 5432, 6379, 53]) expect(text).toContain(`"port":${port}`)
  expect(text).not.toContain('"from":[{}]')
})

test('services ask each other where they are served, over all partitions', () => {
  const { config } = settings()
  expect(config.get('ENTREGAS_URL')).toBe('http://entregas:3003')
  expect(config.get('CONSOLIDADO_URL')).toBe('http://consolidado:3002')
  expect(config.get('ENTREGAS_PARTICOES')).toBe(config.get('PARTICOES'))
  expect(config.get('FEED_URL')).toBe('http://lancamentos:3001')
  expect(config.get('CONSOLIDADO_URL')).toBe('http://consolidado:3002')
})

test('webhooks leave from avisos alone, and to public addresses only', () => {
  type Egress = { to: { ipBlock?: { except: string[] } }[] }[]
  const outwards = ofKind('NetworkPolicy').flatMap(({ metadata, spec }) =>
    ((spec['egress'] ?? []) as Egress)
      .flatMap(({ to }) => to)
      .flatMap(({ ipBlock }) => (ipBlock ? [{ from: metadata.name, ...ipBlock }] : [])),
  )
  expect(outwards.map(({ from }) => from)).toEqual(['avisos'])
  const except = outwards[0]?.except
  for (const network of ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10']) {
    expect(except).toContain(network)
  }
})

test('kustomize builds the example', (context) => {
  const copy = mkdtempSync(join(tmpdir(), 'fluxo-kustomize-'))
  try {
    cpSync(folder, copy, { recursive: true })
    for (const name of ['secrets', 'owner'])
      cpSync(join(copy, `example/${name}.env.example`), join(copy, `example/${name}.env`))
    const built = execFileSync('kubectl', ['kustomize', join(copy, 'example')], { stdio: 'pipe' }).toString()
    expect(built.match(/^kind: /gm)?.length).toBe(manifests.length + 3)
    expect(built).not.toMatch(/image: fluxo\/servico$/m)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      console.log('kustomize: not run, kubectl is not here')
      return context.skip()
    }
    throw error
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
})
