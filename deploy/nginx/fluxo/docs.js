// The start of the page at /docs: the documents of both services, shown as one.
const read = (url) =>
  fetch(url)
    .then((answer) => (answer.ok ? answer.json() : {}))
    .catch(() => ({}))

void Promise.all(['/openapi.json', '/consolidado/openapi.json'].map(read)).then(([first, second]) => {
  const components = { ...second.components }
  for (const [kind, parts] of Object.entries(first.components ?? {}))
    components[kind] = { ...components[kind], ...parts }
  window.SwaggerUIBundle({
    spec: { ...second, ...first, paths: { ...first.paths, ...second.paths }, components },
    dom_id: '#swagger-ui',
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
  })
})
