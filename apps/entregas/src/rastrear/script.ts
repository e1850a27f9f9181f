/** Reads the page anew whenever something happens, and swaps what changed: a reader hears the status once, and focus stays. */
export const SCRIPT = `(() => {
  // Not all at the same moment.
  const VOLTA_MS = 5_000 + Math.random() * 5_000
  let eventos
  let acabou = false
  let lendo = false
  let deNovo = false
  const trocar = (novo, id) => {
    const antes = document.getElementById(id)
    const depois = novo.getElementById(id)
    if (antes === null || depois === null || antes.innerHTML === depois.innerHTML) return
    antes.replaceChildren(...document.importNode(depois, true).childNodes)
  }
  const ler = async () => {
    deNovo = true
    if (lendo) return
    lendo = true
    try {
      while (deNovo) {
        deNovo = false
        const resposta = await fetch(location.pathname, { cache: 'no-store' })
        if (resposta.status === 429 || resposta.status === 503) {
          // Too many look at once: the page stays as it is, and is read anew in a while.
          setTimeout(ler, VOLTA_MS)
          return
        }
        if (!resposta.ok) {
          acabou = true
          eventos.close()
          location.reload()
          return
        }
        const novo = new DOMParser().parseFromString(await resposta.text(), 'text/html')
        for (const id of ['andamento', 'passos', 'situacao']) trocar(novo, id)
        document.title = novo.title
        const fim = novo.getElementById('atualizar')
        if (fim !== null && fim.hidden) {
          acabou = true
          eventos.close()
          document.getElementById('atualizar').hidden = true
        }
      }
    } catch {
      // The network is away: the stream comes back by itself, and with it the next reading.
    } finally {
      lendo = false
    }
  }
  const ligar = () => {
    eventos = new EventSource(location.pathname + '/stream')
    eventos.addEventListener('order.status', ler)
    // A browser comes back by itself after a cut, and gives up where it is refused.
    eventos.addEventListener('error', () => {
      if (!acabou && eventos.readyState === EventSource.CLOSED) setTimeout(() => ler().then(ligar), VOLTA_MS)
    })
  }
  ligar()
})()
`
