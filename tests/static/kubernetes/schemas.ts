import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Manifest, root } from './manifests.ts'

type Model = new (manifest: unknown) => { validate(): void }

/** Kubernetes' own groups are of the package `kubernetes-models`, KEDA's of one of its own; both are made from the published schemas. */
const packageOf = ({ apiVersion }: Manifest): string =>
  apiVersion.startsWith('keda.sh/') ? `@kubernetes-models/keda/${apiVersion}` : `kubernetes-models/${apiVersion}`

/** What the schema of its kind says against a manifest; `undefined` where it fits. */
export const schemaErrors = async (manifest: Manifest): Promise<string | undefined> => {
  const models: Record<string, Model> = await import(packageOf(manifest))
  const Model = models[manifest.kind]
  if (Model === undefined) return `there is no ${manifest.kind} in ${manifest.apiVersion}`
  try {
    new Model(manifest).validate()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Fields that no schema knows: a misspelt one is valid JSON, and Kubernetes drops it without a word. The schemas are types
 * too, and TypeScript refuses what a literal has too much. Gives the compiler's complaints, empty where there are none.
 */
export const excessProperties = (manifests: readonly Manifest[]): string => {
  const folder = join(root, '.vitest', 'manifests')
  const lines = manifests.map(
    (manifest, i) =>
      `import type { I${manifest.kind} as T${i} } from '${packageOf(manifest)}'\nexport const m${i}: T${i} = ${JSON.stringify(manifest)}`,
  )
  const options = { module: 'nodenext', target: 'es2025', strict: true, skipLibCheck: true, noEmit: true, types: [] }
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }))
    const tsc = createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc')
    execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'pipe' })
    return ''
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout)
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
