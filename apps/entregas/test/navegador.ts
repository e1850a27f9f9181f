import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROGRAMAS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const INICIO_MS = 60_000

/** A Chromium on the PATH; undefined where there is none. */
export function acharNavegador(): string | undefined {
  return PROGRAMAS.find((programa) => {
    try {
      execFileSync(programa, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

type Resposta = {
  id?: number
  result?: unknown
  error?: { message: string }
  method?: string
  params?: unknown
  sessionId?: string
}
type Tela = { largura: number; escuro?: boolean }

/** A tab: what a test does with it, over the DevTools protocol. */
export type Aba = {
  ir: (url: string) => Promise<void>
  /** The value of an expression in the page. The page's CSP does not bind it. */
  avaliar: <T>(expressao: string) => Promise<T>
  tela: (tela: Tela) => Promise<void>
  tecla: (key: string, code: number) => Promise<void>
  semScript: () => Promise<void>
  foto: () => Promise<Buffer>
  fechar: () => Promise<void>
  /** Errors and refusals that the browser told: exceptions, blocked content, dialogs. */
  queixas: string[]
}

/** Starts a browser of its own. `fechar` ends it and deletes its profile. */
export async function createNavegador(programa: string) {
  const dir = await mkdtemp(join(tmpdir(), 'fluxo-navegador-'))
  const processo = spawn(
    programa,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--remote-debugging-port=0',
      `--user-data-dir=${dir}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const fechar = async (): Promise<void> => {
    if (processo.exitCode === null) {
      const fim = new Promise((resolve) => processo.once('exit', resolve))
      processo.kill('SIGKILL')
      await fim
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  const conexao = await conectar(await enderecoDe(processo))
  return { abrir: () => abrirAba(conexao), fechar }
}

function enderecoDe(processo: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('the browser did not start')), INICIO_MS)
  processo.once('error', reject)
  if (processo.stderr) {
    createInterface(processo.stderr).on('line', (linha) => {
      const [, url] = /^DevTools listening on (ws:.*)$/.exec(linha) ?? []
      if (url !== undefined) resolve(url)
    })
  }
  return promise.finally(() => clearTimeout(timer))
}

type Conexao = {
  pedir: (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>
  ouvir: (ouvinte: (mensagem: Resposta) => void) => void
}

async function conectar(url: string): Promise<Conexao> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('no DevTools')))
  })
  const esperando = new Map<number, (resposta: Resposta) => void>()
  const ouvintes: ((mensagem: Resposta) => void)[] = []
  let proximo = 0
  socket.addEventListener('message', ({ data }) => {
    const mensagem = JSON.parse(String(data)) as Resposta
    if (mensagem.id === undefined) for (const ouvinte of ouvintes) ouvinte(mensagem)
    else esperando.get(mensagem.id)?.(mensagem)
  })
  return {
    pedir: async (method, params = {}, sessionId) => {
      proximo += 1
      const id = proximo
      const resposta = await new Promise<Resposta>((resolve) => {
        esperando.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
      })
      esperando.delete(id)
      if (resposta.error) throw new Error(`${method}: ${resposta.error.message}`)
      return resposta.result as Record<string, unknown>
    },
    ouvir: (ouvinte) => void ouvintes.push(ouvinte),
  }
}

const QUEIXAS = ['Runtime.exceptionThrown', 'Log.entryAdded', 'Page.javascriptDialogOpening']

async function abrirAba({ pedir, ouvir }: Conexao): Promise<Aba> {
  const { targetId } = await pedir('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = (await pedir('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
  const aba = (method: string, params?: object) => pedir(method, params, sessionId)
  const queixas: string[] = []
  let carregou = (): void => {}
  ouvir(({ method = '', params, sessionId: de }) => {
    if (de !== sessionId) return
    if (method === 'Page.loadEventFired') carregou()
    if (QUEIXAS.includes(method)) queixas.push(JSON.stringify(params))
  })
  for (const dominio of ['Page', 'Runtime', 'Log']) await aba(`${dominio}.enable`)
  return {
    queixas,
    fechar: async () => {
      await pedir('Target.closeTarget', { targetId })
    },
    ir: async (url) => {
      const carga = new Promise<void>((resolve) => {
        carregou = resolve
      })
      await aba('Page.navigate', { url })
      await carga
    },
    avaliar: async <T>(expression: string): Promise<T> => {
      const resposta = await aba('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      const { result, exceptionDetails } = resposta as { result: { value: T }; exceptionDetails?: object }
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return result.value
    },
    tela: async ({ largura, escuro = false }) => {
      await aba('Emulation.setDeviceMetricsOverride', {
        width: largura,
        height: 800,
        deviceScaleFactor: 1,
        mobile: false,
      })
      const features = [{ name: 'prefers-color-scheme', value: escuro ? 'dark' : 'light' }]
      await aba('Emulation.setEmulatedMedia', { features })
    },
    tecla: async (key, code) => {
      const tecla = { key, code: key, windowsVirtualKeyCode: code }
      await aba('Input.dispatchKeyEvent', { type: 'keyDown', ...tecla })
      await aba('Input.dispatchKeyEvent', { type: 'keyUp', ...tecla })
    },
    semScript: async () => {
      await aba('Emulation.setScriptExecutionDisabled', { value: true })
    },
    foto: async () =>
      Buffer.from(String((await aba('Page.captureScreenshot', { captureBeyondViewport: true }))['data']), 'base64'),
  }
}
