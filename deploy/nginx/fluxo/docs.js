// The start of the page at /docs: the documents of all services, shown as one.
const read = (url) =>
  fetch(url)
    .then((answer) => (answer.ok ? answer.json() : {}))
    .catch(() => ({}))

const merge = (one, other) => {
  const components = { ...one.components }
  for (const [kind, parts] of Object.entries(other.components ?? {}))
    components[kind] = { ...components[kind], ...parts }
  return { ...one, ...other, paths: { ...one.paths, ...other.paths }, components }
}

void Promise.all(['/entregas/openapi.json', '/consolidado/openapi.json', '/openapi.json'].map(read)).then(
  (documents) => {
    window.SwaggerUIBundle({
      spec: documents.reduce(merge, {}),
      dom_id: '#swagger-ui',
      deepLinking: true,
      persistAuthorization: false,
      validatorUrl: null,
    })
  },
)
