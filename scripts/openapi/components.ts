import { isDeepStrictEqual } from 'node:util'
import { idOf } from '@fluxo/shared/openapi/headers'
import type { Document, Parameter, Ref } from './types.ts'
import { operationsOf } from './types.ts'

/**
 * Gives what the generator leaves in place its name: each parameter becomes a component, sorted like everything else by name.
 *
 * Throws where two parameters of one name are not the same: then their routes must call them differently (`parameter`).
 */
export function withComponents(document: Document): Document {
  const parameters: Record<string, Parameter> = {}
  const lift = (parameter: Parameter | Ref): Ref => {
    if ('$ref' in parameter) return parameter
    const { 'x-component': component = idOf(parameter.name), ...rest } = parameter
    const { description = rest.description, example, ...schema } = rest.schema
    const whole: Parameter = { ...rest, ...(description !== undefined && { description }), example, schema }
    const known = parameters[component]
    if (known !== undefined && !isDeepStrictEqual(known, whole)) {
      throw new Error(`two parameters are called ${component}: ${JSON.stringify(known)} and ${JSON.stringify(whole)}`)
    }
    parameters[component] = whole
    return { $ref: `#/components/parameters/${component}` }
  }
  for (const operation of operationsOf(document)) {
    if (operation.parameters !== undefined) operation.parameters = operation.parameters.map(lift)
  }
  const { components } = document
  const { schemas, headers, responses, securitySchemes } = components
  // Routes that are put below others get a slash before their path; a webhook has a name.
  const webhooks = Object.fromEntries(
    Object.entries(document.webhooks).map(([name, one]) => [name.replace(/^\//, ''), one]),
  )
  return {
    ...document,
    webhooks,
    components: {
      schemas: sorted(schemas),
      parameters: sorted(parameters),
      headers: sorted(headers),
      responses: sorted(responses),
      securitySchemes,
    },
  }
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => a.localeCompare(b)))
