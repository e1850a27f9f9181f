import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
export const folder = join(root, 'deploy', 'kubernetes')

export type Labels = Readonly<Record<string, string>>
type KeyRef = { name: string; key: string }
type Probe = { httpGet: { path: string; port: string } }
type Container = {
  name: string
  command: string[]
  ports?: { name: string; containerPort: number }[]
  envFrom?: { configMapRef: { name: string } }[]
  env: { name: string; value?: string; valueFrom?: { configMapKeyRef?: KeyRef; secretKeyRef?: KeyRef } }[]
  securityContext: {
    allowPrivilegeEscalation: boolean
    readOnlyRootFilesystem: boolean
    capabilities: { drop: string[] }
  }
  livenessProbe: Probe
  startupProbe: Probe
  readinessProbe: Probe
}
type PodTemplate = {
  metadata: { labels: Labels }
  spec: {
    automountServiceAccountToken: boolean
    terminationGracePeriodSeconds: number
    securityContext: { runAsNonRoot: boolean; runAsUser: number }
    containers: Container[]
  }
}

/** A manifest, and what this test asks of the kinds that it knows; the schemas have checked the rest. */
export type Manifest = {
  apiVersion: string
  kind: string
  metadata: { name: string }
  spec: Readonly<Record<string, unknown>>
}

const byName = (a: string, b: string): number => a.localeCompare(b)

const kustomization = (name: string): Readonly<Record<string, unknown>> =>
  parse(readFileSync(join(folder, name, 'kustomization.yaml'), 'utf8'))

/** The names of the files that the base is made of, as it says itself and as they are there. */
export const resources = (): { listed: string[]; present: string[] } => ({
  listed: (kustomization('base')['resources'] as string[]).toSorted(byName),
  present: readdirSync(join(folder, 'base'))
    .filter((name) => name !== 'kustomization.yaml')
    .toSorted(byName),
})

export const manifests: readonly Manifest[] = resources().listed.flatMap((name) =>
  parseAllDocuments(readFileSync(join(folder, 'base', name), 'utf8'), { strict: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${name}: ${document.errors[0]?.message}`)
    return document.toJS() as Manifest
  }),
)

export const ofKind = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind)

const templateOf = (manifest: Manifest): PodTemplate => manifest.spec['template'] as PodTemplate

/** Deployments and Jobs with their pods. */
export const workloads = manifests
  .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
  .map((manifest) => ({ name: manifest.metadata.name, manifest, template: templateOf(manifest) }))

const keysOf = (lines: readonly string[]): string[] => lines.map((line) => line.split('=')[0] ?? '')

/** The settings that the base makes, with their values, and the keys of the Secrets that the example makes. */
export const settings = (): { config: Map<string, string>; secrets: Map<string, string[]> } => {
  const [config] = kustomization('base')['configMapGenerator'] as [{ literals: string[] }]
  const secrets = kustomization('example')['secretGenerator'] as { name: string; envs: [string] }[]
  const linesOf = (file: string) =>
    readFileSync(join(folder, 'example', `${file}.example`), 'utf8')
      .trim()
      .split('\n')
  return {
    config: new Map(
      config.literals.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
    secrets: new Map(secrets.map(({ name, envs: [file] }) => [name, keysOf(linesOf(file))])),
  }
}
