import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const START_MS = 60_000

/** A Chromium on the PATH; undefined where there is none. */
export function findBrowser(): string | undefined {
  return PROGRAMS.find((program) => {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

type DevToolsReply = {
  id?: number
  result?: unknown
  error?: { message: string }
  method?: string
  params?: unknown
  sessionId?: string
}
type TabScreen = { width: number; dark?: boolean }

/** A tab: what a test does with it, over the DevTools protocol. */
export type Tab = {
  goTo: (url: string) => Promise<void>
  /** The value of an expression in the page. The page's CSP does not bind it. */
  evaluate: <T>(source: string) => Promise<T>
  setScreen: (screen: TabScreen) => Promise<void>
  press: (key: string, code: number) => Promise<void>
  withoutScript: () => Promise<void>
  screenshot: () => Promise<Buffer>
  close: () => Promise<void>
  /** Errors and refusals that the browser told: exceptions, blocked content, dialogs. */
  complaints: string[]
}

/** Starts a browser of its own. `close` ends it and deletes its profile. */
export async function createBrowser(program: string) {
  const dir = await mkdtemp(join(tmpdir(), 'fluxo-navegador-'))
  const child = spawn(
    program,
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
  const close = async (): Promise<void> => {
    if (child.exitCode === null) {
      const end = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await end
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  const connection = await connect(await addressOf(child))
  return { open: () => openTab(connection), close }
}

function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(new Error('the browser did not start')), START_MS)
  child.once('error', reject)
  if (child.stderr) {
    createInterface(child.stderr).on('line', (line) => {
      const [, url] = /^DevTools listening on (ws:.*)$/.exec(line) ?? []
      if (url !== undefined) resolve(url)
    })
  }
  return promise.finally(() => clearTimeout(timer))
}

type DevTools = {
  ask: (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>
  listen: (listener: (message: DevToolsReply) => void) => void
}

async function connect(url: string): Promise<DevTools> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('no DevTools')))
  })
  const waiting = new Map<number, (answer: DevToolsReply) => void>()
  const listeners: ((message: DevToolsReply) => void)[] = []
  let next = 0
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as DevToolsReply
    if (message.id === undefined) for (const listener of listeners) listener(message)
    else waiting.get(message.id)?.(message)
  })
  return {
    ask: async (method, params = {}, sessionId) => {
      next += 1
      const id = next
      const answer = await new Promise<DevToolsReply>((resolve) => {
        waiting.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
      })
      waiting.delete(id)
      if (answer.error) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result as Record<string, unknown>
    },
    listen: (listener) => void listeners.push(listener),
  }
}

const COMPLAINTS = ['Runtime.exceptionThrown', 'Log.entryAdded', 'Page.javascriptDialogOpening']

async function openTab({ ask, listen }: DevTools): Promise<Tab> {
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = (await ask('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
  const tab = (method: string, params?: object) => ask(method, params, sessionId)
  const complaints: string[] = []
  let loaded = (): void => {}
  listen(({ method = '', params, sessionId: from }) => {
    if (from !== sessionId) return
    if (method === 'Page.loadEventFired') loaded()
    if (COMPLAINTS.includes(method)) complaints.push(JSON.stringify(params))
  })
  for (const domain of ['Page', 'Runtime', 'Log']) await tab(`${domain}.enable`)
  return {
    complaints,
    close: async () => {
      await ask('Target.closeTarget', { targetId })
    },
    goTo: async (url) => {
      const load = new Promise<void>((resolve) => {
        loaded = resolve
      })
      await tab('Page.navigate', { url })
      await load
    },
    evaluate: async <T>(expression: string): Promise<T> => {
      const answer = await tab('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      const { result, exceptionDetails } = answer as { result: { value: T }; exceptionDetails?: object }
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return result.value
    },
    setScreen: async ({ width, dark = false }) => {
      await tab('Emulation.setDeviceMetricsOverride', {
        width,
        height: 800,
        deviceScaleFactor: 1,
        mobile: false,
      })
      const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
      await tab('Emulation.setEmulatedMedia', { features })
    },
    press: async (key, code) => {
      const keyEvent = { key, code: key, windowsVirtualKeyCode: code }
      await tab('Input.dispatchKeyEvent', { type: 'keyDown', ...keyEvent })
      await tab('Input.dispatchKeyEvent', { type: 'keyUp', ...keyEvent })
    },
    withoutScript: async () => {
      await tab('Emulation.setScriptExecutionDisabled', { value: true })
    },
    screenshot: async () =>
      Buffer.from(String((await tab('Page.captureScreenshot', { captureBeyondViewport: true }))['data']), 'base64'),
  }
}
