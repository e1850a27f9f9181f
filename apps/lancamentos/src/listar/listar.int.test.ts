import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada, json } from '../../test/bancada.ts'

type Item = { id: string; data: string; valor: number; descricao: string; tipo: string }
type Pagina = { itens: Item[]; proximo: string | null }

describe.each([1, 4])('listing with %i partition(s)', (particoes) => {
  let bancada: Bancada
  let loja: Awaited<ReturnType<Bancada['como']>>
  let outra: Awaited<ReturnType<Bancada['como']>>
  const ids: string[] = []

  beforeAll(async () => {
    bancada = await createBancada({ particoes })
    loja = await bancada.como('loja-1')
    outra = await bancada.como('loja-2')
    for (let i = 0; i < 25; i += 1) {
      const data = `2025-10-${String((i % 5) + 10)}`
      const tipo = i % 2 ? 'DEBITO' : 'CREDITO'
      const resposta = await loja(
        '/lancamentos',
        json({ valor: i + 1, tipo, descricao: `n ${i}`, data, referencia: `r-${i}` }),
      )
      ids.push(((await resposta.json()) as Item).id)
      await outra('/lancamentos', json({ valor: 1, tipo, descricao: 'da outra', data }))
    }
  })
  afterAll(() => bancada.fechar())

  const pagina = async (consulta: string, pedir = loja): Promise<Pagina> => {
    const resposta = await pedir(`/lancamentos?${consulta}`)
    expect(resposta.status).toBe(200)
    return (await resposta.json()) as Pagina
  }

  test('pages of any size together are the whole list, newest first, without repetition or hole', async () => {
    const tudo = await pagina('limite=200')
    expect(tudo.proximo).toBeNull()
    const esperado = ids
      .map((id, i) => ({ id, dia: i % 5, i }))
      .sort((a, b) => b.dia - a.dia || b.i - a.i)
      .map(({ id }) => id)
    expect(tudo.itens.map(({ id }) => id)).toEqual(esperado)
    for (const limite of [1, 7, 25]) {
      const vistos: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { itens, proximo }: Pagina = await pagina(`limite=${limite}${cursor && `&cursor=${cursor}`}`)
        vistos.push(...itens.map(({ id }) => id))
        cursor = proximo
      }
      expect(vistos).toEqual(esperado)
    }
  })

  test('an entry recorded between two pages never makes the second one repeat or skip', async () => {
    const antes = await pagina('limite=200&de=2025-10-12')
    const primeira = await pagina('limite=5&de=2025-10-12')
    await outra('/lancamentos', json({ valor: 9, tipo: 'CREDITO', descricao: 'no meio', data: '2025-10-14' }))
    const segunda = await pagina(`limite=200&de=2025-10-12&cursor=${primeira.proximo}`)
    expect([...primeira.itens, ...segunda.itens]).toEqual(antes.itens)
  })

  test('filters combine', async () => {
    const { itens } = await pagina('de=2025-10-11&ate=2025-10-12&tipo=DEBITO')
    expect(itens.length).toBe(5)
    expect(itens.every(({ data, tipo }) => ['2025-10-11', '2025-10-12'].includes(data) && tipo === 'DEBITO')).toBe(true)
    expect((await pagina('data=2025-10-10')).itens).toHaveLength(5)
    expect((await pagina('referencia=r-7')).itens.map(({ id }) => id)).toEqual([ids[7]])
    expect((await pagina('referencia=r-7', outra)).itens).toEqual([])
  })

  test('a cursor works for nobody else and for no other filter', async () => {
    const { proximo } = await pagina('limite=5')
    for (const resposta of [
      await outra(`/lancamentos?limite=5&cursor=${proximo}`),
      await loja(`/lancamentos?tipo=DEBITO&cursor=${proximo}`),
      await loja('/lancamentos?cursor=abc'),
    ]) {
      expect(resposta.status).toBe(400)
      expect(await resposta.json()).toMatchObject({ codigo: 'cursor-invalido' })
    }
  })

  test.each([
    ['limite=0', 'limite'],
    ['limite=201', 'limite'],
    ['limite=1e1', 'limite'],
    ['data=2025-02-30', 'data'],
    ['tipo=credito', 'tipo'],
    ['ordem=asc', 'ordem'],
    ['__proto__=1', '__proto__'],
    ['tipo=DEBITO&tipo=CREDITO', 'tipo'],
    ['data=2025-10-10&de=2025-10-10', 'data'],
    ['de=2025-10-11&ate=2025-10-10', 'de'],
    ['referencia=', 'referencia'],
  ])('?%s is refused, and the parameter named', async (consulta, campo) => {
    const resposta = await loja(`/lancamentos?${consulta}`)
    expect(resposta.status).toBe(422)
    expect(await resposta.json()).toMatchObject({ erros: [{ campo }] })
  })

  test('one entry is read by its id, and to anybody else it does not exist', async () => {
    const caminho = `/lancamentos/${ids[3]}`
    const texto = await (await loja(caminho)).text()
    expect(texto).toContain('"valor":4.00,')
    expect(JSON.parse(texto)).toMatchObject({ id: ids[3], referencia: 'r-3', created_at: '2025-10-15T12:34:56.789Z' })
    for (const resposta of [
      await outra(caminho),
      await loja('/lancamentos/0198aaaa-0000-7000-8000-000000000000'),
      await loja('/lancamentos/1'),
    ]) {
      expect(resposta.status).toBe(404)
      expect(await resposta.json()).toMatchObject({ codigo: 'nao-encontrado' })
    }
  })

  test('reading needs the scope to read', async () => {
    const escritor = await bancada.como('loja-1', ['lancamentos:escrever'])
    expect((await escritor('/lancamentos')).status).toBe(403)
    expect((await escritor(`/lancamentos/${ids[0]}`)).status).toBe(403)
  })

  test('a deep page costs no more than the first: the index is walked from the cursor', async () => {
    const plano = await bancada.sql.unsafe(
      `explain select * from lancamentos l where comerciante_id = 'loja-1' and (data, posicao) < ('2025-10-12'::date, 9::bigint)
       order by l.data desc, l.posicao desc limit 5`,
    )
    const texto = plano.map((linha) => linha['QUERY PLAN']).join('\n')
    expect(texto).toMatch(/Index Scan Backward using lancamentos_dia/)
    expect(texto).not.toMatch(/Sort/)
  })
})
