import { writeFile } from 'node:fs/promises'
import { VERSION } from '@fluxo/shared/process/version'
import { documentOf } from './openapi/document.ts'
import { withModules } from './openapi/modules.ts'

const DOCUMENT = new URL('../docs/openapi.json', import.meta.url)
const RELEASED = new URL('../docs/openapi.released.json', import.meta.url)

/** The text of the document as the code gives it. */
export async function openapiText(): Promise<string> {
  return withModules((modules) => `${JSON.stringify(documentOf(modules, VERSION), null, 2)}\n`)
}

if (import.meta.main) {
  const text = await openapiText()
  await writeFile(DOCUMENT, text)
  if (process.argv.includes('--release')) await writeFile(RELEASED, text)
}
