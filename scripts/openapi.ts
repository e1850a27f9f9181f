import { readFile, writeFile } from 'node:fs/promises'
import { documentOf } from './openapi/document.ts'
import { withModules } from './openapi/modules.ts'

const DOCUMENT = new URL('../docs/openapi.json', import.meta.url)
const RELEASED = new URL('../docs/openapi.released.json', import.meta.url)
const PACKAGE = new URL('../package.json', import.meta.url)

/** The text of the document as the code gives it. */
export async function openapiText(): Promise<string> {
  const { version } = JSON.parse(await readFile(PACKAGE, 'utf8')) as { version: string }
  return withModules((modules) => `${JSON.stringify(documentOf(modules, version), null, 2)}\n`)
}

if (import.meta.main) {
  const text = await openapiText()
  await writeFile(DOCUMENT, text)
  if (process.argv.includes('--release')) await writeFile(RELEASED, text)
}
